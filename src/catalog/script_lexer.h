/// TorchScript's source text, cut into tokens.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "attnviz/error.h"

namespace attnviz {

/// What is wrong with a source, and where.
class SourceFault : public Error {
 public:
  SourceFault(std::size_t line_number, const std::string& fault) : Error(fault), line(line_number) {}
  std::size_t line;  ///< counting from 1
};

struct Token {
  enum class Kind { begin, name, number, string, mark, line_end };
  Kind kind = Kind::begin;
  std::string_view text;

  [[nodiscard]] bool is(std::string_view mark) const { return kind == Kind::mark && text == mark; }
  [[nodiscard]] bool is_name() const { return kind == Kind::name; }
  [[nodiscard]] bool is_name(std::string_view name) const { return is_name() && text == name; }
};

/// Cuts a source into tokens. What libtorch's lexer (torch/csrc/jit/frontend/lexer.h) might read otherwise,
/// or would skip, as comments, is refused.
class Lexer {
 public:
  explicit Lexer(std::string_view source) : rest_(source) { begin_line(); }

  /// A line_end between statements; an empty one at the end.
  Token next();
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::size_t line() const { return line_; }
  [[nodiscard]] std::size_t depth() const { return depth_; }
  [[nodiscard]] std::size_t indent() const { return indent_; }  ///< blanks in front of the statement
  [[noreturn]] void refuse(const std::string& fault) const { throw SourceFault(line_, fault); }

 private:
  void begin_line();
  void skip_blanks();
  Token take(Token::Kind kind, std::size_t size);
  [[nodiscard]] std::size_t number_size() const;
  [[nodiscard]] std::size_t string_size() const;
  Token mark();

  std::string_view rest_;
  std::size_t line_ = 1, depth_ = 0, indent_ = 0;
  bool line_ended_ = false;  ///< what comes next is in another line
};

}  // namespace attnviz
