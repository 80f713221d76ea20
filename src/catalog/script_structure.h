/// What a TorchScript source is made of, statement by statement: classes, their attributes, functions.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catalog/script_lexer.h"
#include "catalog/type_growth.h"

namespace attnviz {

/// "Tensor"; "List" of one; "__torch__.a.B".
struct ScriptType {
  std::string name;
  std::vector<ScriptType> of = {};
};
/// "Dict[str, List[Tensor]]"
[[nodiscard]] std::string to_string(const ScriptType& type);

struct ScriptAttribute {
  std::string name;
  ScriptType type;
};

/// A class, or a function that stands outside of classes.
struct ScriptUnit {
  enum class Kind { module, other_class, named_tuple, function };
  Kind kind = Kind::function;
  std::vector<ScriptAttribute> attributes = {};  ///< of a class, in order
  std::set<std::string> mentions = {};           ///< the names of other units, and what is longer than these
};
using ScriptUnits = std::map<std::string, ScriptUnit, std::less<>>;

/// Throws Error where units mention each other in a circle, or in too long a chain: libtorch reads, compiles
/// and runs what is mentioned by recursion.
void check_mentions(const ScriptUnits& units);

/// Takes a source's statements, and writes them anew, so that libtorch sees what was seen here: a blank
/// between tokens, two per level in front of a statement, and zeros for tensors of whatever memory held. Throws
/// SourceFault where their order, a class's body or a function's head is not as torch.jit.save writes them.
class ScriptStructure {
 public:
  /// `qualifier` is the source's own name: "__torch__.a"; its units are added to `units`.
  ScriptStructure(const Lexer& lexer, std::string qualifier, ScriptUnits& units)
      : lexer_(lexer), qualifier_(std::move(qualifier)), units_(units), growth_(lexer) {}

  void add(std::span<const Token> statement, std::size_t indent);
  /// The source written anew.
  [[nodiscard]] std::string finish();

 private:
  void find_level(std::size_t indent);
  void write(std::span<const Token> statement);
  void begin_unit(std::span<const Token> statement);
  void add_member(std::span<const Token> statement);
  void add_attribute(std::string_view name, std::span<const Token> type);
  void see_function(std::span<const Token> statement) const;
  void see_mentions(std::span<const Token> statement);
  void see_self(std::span<const Token> statement) const;

  const Lexer& lexer_;
  std::string qualifier_;
  ScriptUnits& units_;
  TypeGrowth growth_;
  std::string text_;
  std::string name_;            ///< of the unit
  ScriptUnit* unit_ = nullptr;  ///< that the statements belong to
  std::vector<std::size_t> indents_ = {0};
  bool opens_ = false;  ///< the last statement opens a block
};

}  // namespace attnviz
