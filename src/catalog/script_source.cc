#include "catalog/script_source.h"

#include <algorithm>
#include <array>
#include <vector>

namespace attnviz {
namespace {

/// What would overflow libtorch's recursive parser.
constexpr std::size_t kDeepestBrackets = 100, kMostDots = 500, kDeepestIndent = 100, kMostIfs = 20;

/// May be called by their bare names, and so must not be given to anything else.
constexpr std::array<std::string_view, 10> kBuiltins = {
    "annotate",   "bool", "float",          "getattr",       "int",
    "isinstance", "len",  "unchecked_cast", "uninitialized", "str"};
/// May be followed by brackets.
constexpr std::array<std::string_view, 9> kTypes = {"Dict",  "Final", "Future",          "List",  "Optional",
                                                    "Tuple", "Union", "__annotations__", "return"};
/// Loops may never end; the others bring in what is not in the text.
constexpr std::array<std::string_view, 6> kRefusedWords = {"for",    "while",  "with",
                                                           "import", "global", "lambda"};
constexpr std::array<std::string_view, 3> kRoots = {"torch", "ops", "__torch__"};

template <std::size_t size>
bool is_among(const std::array<std::string_view, size>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

bool is_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_';
}

struct Token {
  enum class Kind { begin, name, number, string, mark, line_end };
  Kind kind = Kind::begin;
  std::string_view text;

  [[nodiscard]] bool is(std::string_view mark) const { return kind == Kind::mark && text == mark; }
  [[nodiscard]] bool is_name() const { return kind == Kind::name; }
};

/// Cuts a source into tokens. What libtorch's lexer (torch/csrc/jit/frontend/lexer.h) might read otherwise,
/// or would skip, as comments, is refused.
class Lexer {
 public:
  explicit Lexer(std::string_view source) : rest_(source) {}

  /// A line_end between statements; an empty one at the end.
  Token next();
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::size_t line() const { return line_; }
  [[nodiscard]] std::size_t depth() const { return depth_; }
  [[noreturn]] void refuse(const std::string& fault) const { throw SourceFault(line_, fault); }

 private:
  void skip_blanks();
  Token take(Token::Kind kind, std::size_t size);
  [[nodiscard]] std::size_t number_size() const;
  [[nodiscard]] std::size_t string_size() const;
  Token mark();

  std::string_view rest_;
  std::size_t line_ = 1, depth_ = 0;
};

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
  skip_blanks();
  if (rest_.empty()) return {Token::Kind::line_end, {}};
  const char letter = rest_[0];
  if (letter == '\n') {
    const Token end = take(Token::Kind::line_end, 1);
    if (rest_.find_first_not_of(' ') > kDeepestIndent && rest_.size() > kDeepestIndent)
      refuse("blocks too deep");
    ++line_;
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

/// "forward", and "forward1" where a module runs twice: no operator is called so.
bool is_forward(std::string_view name) {
  constexpr std::string_view kForward = "forward";
  return name.starts_with(kForward) && std::all_of(name.begin() + kForward.size(), name.end(),
                                                   [](char letter) { return is_digit(letter); });
}

/// Looks at each token with what stands before it.
class SourceCheck {
 public:
  explicit SourceCheck(std::string_view source) : lexer_(source) {}
  void run();

 private:
  void see(const Token& token);
  void see_name(const Token& token);
  void see_call();
  void see_bound(const Token& token);
  void see_target(const Token& token);
  void begin_line();
  [[noreturn]] void refuse_call(const std::string& name) const {
    lexer_.refuse("calls " + name + ", which is not known to be harmless");
  }

  Lexer lexer_;
  Token last_, before_last_, first_of_line_;
  std::vector<std::string_view> path_;  ///< the names of the last token's "a.b.c"; empty where it is no name
  std::size_t dots_ = 0, ifs_ = 0;      ///< of the statement
  bool in_target_ = true, brackets_in_target_ = false;  ///< before its first = or :
};

void SourceCheck::see_name(const Token& token) {
  if (last_.is_name() && last_.text == "def" && token.text.starts_with("__")) {
    lexer_.refuse("defines " + std::string(token.text) + ", which may run without being called");
  }
  if (last_.is(".")) {
    if (!path_.empty()) path_.push_back(token.text);
    if (path_.empty()) path_ = {"", token.text};
    return;
  }
  if (is_among(kRefusedWords, token.text)) {
    lexer_.refuse("'" + std::string(token.text) + "', which no trace has");
  }
  if (token.text == "if" && ++ifs_ > kMostIfs) lexer_.refuse("too many ifs in one statement");
  path_ = {token.text};
}

/// The last token is what stands before the opening bracket.
void SourceCheck::see_call() {
  if (last_.is(")") || last_.is("]") || last_.is("}") || last_.kind == Token::Kind::string ||
      last_.kind == Token::Kind::number) {
    lexer_.refuse("calls what no name stands for");
  }
  if (!last_.is_name()) return;
  const std::string name(path_.back());
  if (path_.size() == 1) {
    const bool declared =
        before_last_.is_name() && (before_last_.text == "def" || before_last_.text == "class");
    const bool word = name == "return" || name == "if" || name == "else" || name == "in" || name == "not" ||
                      name == "and" || name == "or";
    if (!declared && !word && !is_among(kBuiltins, name)) refuse_call(name);
  } else if (path_[0] == "torch") {
    if (path_.size() != 2 || !is_harmless("aten::" + name)) refuse_call("torch." + name);
  } else if (path_[0] == "ops") {
    const std::string space(path_[1]);
    if (path_.size() != 3 || !is_harmless(space + "::" + name)) refuse_call("ops." + space + "." + name);
  } else if (path_[0] == "__torch__") {
    if (path_.size() > 2 && path_[1] == "torch" && path_[2] == "classes") {
      lexer_.refuse("makes a C++ class of torch.classes");
    }
  } else if (!is_forward(name)) {
    refuse_call("." + name);
  }
}

/// A name that stands for an operator or a function must not come to stand for something else.
void SourceCheck::see_bound(const Token& token) {
  const bool root = path_.size() == 1 && (is_among(kRoots, last_.text) || is_among(kBuiltins, last_.text));
  const bool type = before_last_.is(":") || before_last_.is("->");
  const bool binds = token.is("=") || token.is(":") || (token.is(",") && lexer_.depth() == 0);
  if (root && !type && binds) lexer_.refuse("gives " + std::string(last_.text) + " another meaning");
  // torch and ops are no values: what is not called at once could be called later, under another name.
  const bool space = !path_.empty() && (path_[0] == "torch" || path_[0] == "ops");
  if (space && !token.is(".") && !token.is("(")) {
    lexer_.refuse("names " + std::string(path_.back()) + " of " + std::string(path_[0]) +
                  " without calling it");
  }
}

/// Names in brackets would be bound unseen.
void SourceCheck::see_target(const Token& token) {
  if (in_target_ && (token.is("(") || token.is("[") || token.is("{"))) brackets_in_target_ = true;
  if (lexer_.depth() > 0) return;
  if (token.is("=") && brackets_in_target_ && first_of_line_.text != "__annotations__") {
    lexer_.refuse("sets what is no name");
  }
  if (token.is(":") || token.is("=")) in_target_ = false;
}

void SourceCheck::begin_line() {
  dots_ = ifs_ = 0;
  first_of_line_ = {};
  in_target_ = true;
  brackets_in_target_ = false;
}

void SourceCheck::see(const Token& token) {
  if (last_.is_name()) see_bound(token);
  if (last_.is(".") && !token.is_name()) lexer_.refuse("a point without a name");
  if (token.is("(")) see_call();
  if (token.is("[")) {
    const bool bare = last_.is_name() && path_.size() == 1 && is_among(kTypes, last_.text);
    const bool opens = last_.kind == Token::Kind::mark && !last_.is(")") && !last_.is("]") && !last_.is("}");
    if (!bare && !opens && last_.kind != Token::Kind::line_end) lexer_.refuse("an index, which no trace has");
  }
  if (token.is("{") && (last_.kind != Token::Kind::mark || last_.is(")") || last_.is("]") || last_.is("}")) &&
      last_.text != "return") {
    lexer_.refuse("a brace that begins no dictionary");
  }
  see_target(token);
  if (token.is(".") && ++dots_ > kMostDots) lexer_.refuse("too many points in one statement");
  if (token.is_name()) {
    see_name(token);
  } else if (!token.is(".")) {
    path_.clear();
  }
}

void SourceCheck::run() {
  last_.kind = Token::Kind::line_end;
  begin_line();
  for (;;) {
    const bool end = lexer_.at_end();
    const Token token = lexer_.next();
    see(token);
    before_last_ = last_;
    last_ = token;
    if (token.kind == Token::Kind::line_end) {
      begin_line();
    } else if (first_of_line_.kind == Token::Kind::begin) {
      first_of_line_ = token;
    }
    if (end || token.text.empty()) break;
  }
  if (lexer_.depth() != 0) lexer_.refuse("a bracket without an end");
}

}  // namespace

void check_source(std::string_view source) { SourceCheck(source).run(); }

}  // namespace attnviz
