/// How deep and large the types of a function's variables may become.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "catalog/script_lexer.h"

namespace attnviz {

/// Follows a function without knowing types: what is declared counts as one, a tuple or list of variables as
/// more than they. libtorch goes through types by recursion, and compares them part by part: a few statements
/// like x = (x, x) would keep it busy for ever.
class TypeGrowth {
 public:
  explicit TypeGrowth(const Lexer& lexer) : lexer_(lexer) {}

  void begin_function() { known_.clear(); }
  /// Throws SourceFault where it becomes too much.
  void see(std::span<const Token> statement);

 private:
  struct Extent {
    std::size_t depth = 0, size = 1;
  };
  /// What stands between two brackets, or the whole of an expression.
  struct Group {
    enum class Kind { plain, result, same_as_given, list, dictionary_or_type };
    Kind kind = Kind::plain;
    bool has_comma = false;
    std::size_t depth = 0, largest = 1, sum = 0;
  };

  [[nodiscard]] Extent extent_of(std::span<const Token> expression) const;
  [[nodiscard]] Extent closed(const Group& group) const;
  [[nodiscard]] Extent known(std::string_view name) const;

  const Lexer& lexer_;
  std::map<std::string_view, Extent> known_;  ///< of variables
};

}  // namespace attnviz
