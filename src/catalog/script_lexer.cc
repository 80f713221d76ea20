#include "catalog/script_lexer.h"

#include <algorithm>

namespace attnviz {
namespace {

/// What would overflow libtorch's recursive parser.
constexpr std::size_t kDeepestBrackets = 100;

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

bool is_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_';
}

}  // namespace

void Lexer::begin_line() { indent_ = std::min(rest_.find_first_not_of(' '), rest_.size()); }

void Lexer::skip_blanks() {
  while (!rest_.empty() && (rest_[0] == ' ' || (rest_[0] == '\n' && depth_ > 0))) {
    line_ += rest_[0] == '\n';
    rest_.remove_prefix(1);
  }
}

Token Lexer::take(Token::Kind kind, std::size_t size) {
  const Token token{kind, rest_.substr(0, size)};
  rest_.remove_prefix(size);
  return token;
}

std::size_t Lexer::number_size() const {
  std::size_t end = 0;
  const auto digits = [&] {
    while (end < rest_.size() && is_digit(rest_[end])) ++end;
  };
  digits();
  if (end < rest_.size() && rest_[end] == '.') {
    ++end;
    digits();
  }
  if (end < rest_.size() && (rest_[end] == 'e' || rest_[end] == 'E')) {
    ++end;
    if (end < rest_.size() && (rest_[end] == '-' || rest_[end] == '+')) ++end;
    if (end == rest_.size() || !is_digit(rest_[end])) refuse("a number that is none");
    digits();
  }
  if (end < rest_.size() && (is_letter(rest_[end]) || rest_[end] == '.')) refuse("a number that is none");
  return end;
}

std::size_t Lexer::string_size() const {
  const char quote = rest_[0];
  std::size_t end = 1;
  while (end < rest_.size() && rest_[end] != quote) {
    if (rest_[end] == '\\') ++end;
    if (end >= rest_.size() || rest_[end] == '\n') break;
    if (rest_[end] < ' ' || rest_[end] > '~') refuse("a string with a byte that is no plain letter");
    ++end;
  }
  if (end >= rest_.size() || rest_[end] != quote) refuse("a string without an end");
  if (end == 1 && rest_.size() > 2 && rest_[2] == quote) refuse("a string in three quotes");
  return end + 1;
}

Token Lexer::mark() {
  const char letter = rest_[0];
  if (rest_.starts_with("->")) return take(Token::Kind::mark, 2);
  if (std::string_view("()[]{},.:=-").find(letter) == std::string_view::npos) {
    const bool plain = letter > ' ' && letter <= '~';
    refuse("holds " +
           (plain ? "'" + std::string(1, letter) + "'"
                  : "byte " + std::to_string(static_cast<unsigned char>(letter))) +
           ", which no trace has");
  }
  if (letter == '(' || letter == '[' || letter == '{') {
    if (++depth_ > kDeepestBrackets) refuse("brackets too deep");
  } else if (letter == ')' || letter == ']' || letter == '}') {
    if (depth_-- == 0) refuse("a bracket too many");
  } else if (letter == '-' && (rest_.size() < 2 || !is_digit(rest_[1])) && !rest_.starts_with("-inf")) {
    refuse("a minus without a number");
  }
  return take(Token::Kind::mark, 1);
}

Token Lexer::next() {
  line_ += line_ended_;
  line_ended_ = false;
  skip_blanks();
  if (rest_.empty()) return {Token::Kind::line_end, {}};
  const char letter = rest_[0];
  if (letter == '\n') {
    const Token end = take(Token::Kind::line_end, 1);
    begin_line();
    line_ended_ = true;
    return end;
  }
  if (is_letter(letter)) {
    std::size_t end = 1;
    while (end < rest_.size() && (is_letter(rest_[end]) || is_digit(rest_[end]))) ++end;
    return take(Token::Kind::name, end);
  }
  if (is_digit(letter)) return take(Token::Kind::number, number_size());
  if (letter == '"' || letter == '\'') return take(Token::Kind::string, string_size());
  return mark();
}

}  // namespace attnviz
