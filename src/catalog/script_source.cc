#include "catalog/script_source.h"

#include <algorithm>
#include <array>
#include <vector>

#include "catalog/script_lexer.h"

namespace attnviz {
namespace {

/// What would overflow libtorch's recursive parser.
constexpr std::size_t kMostDots = 500, kMostOperators = 20;

/// May be called by their bare names, and so must not be given to anything else.
constexpr std::array<std::string_view, 10> kBuiltins = {
    "annotate",   "bool", "float",          "getattr",       "int",
    "isinstance", "len",  "unchecked_cast", "uninitialized", "str"};
/// May be followed by brackets.
constexpr std::array<std::string_view, 9> kTypes = {"Dict",  "Final", "Future",          "List",  "Optional",
                                                    "Tuple", "Union", "__annotations__", "return"};
/// Loops may never end, a chain of elif has no end either, and others bring in what is not in the text.
constexpr std::array<std::string_view, 13> kRefusedWords = {
    "for",   "while",  "with", "import", "global",   "lambda", "elif",
    "raise", "assert", "del",  "break",  "continue", "as"};
/// That stand between values.
constexpr std::array<std::string_view, 6> kOperators = {"if", "and", "or", "not", "in", "is"};
/// What unchecked_cast may make of a value: others would let libtorch look for parts that are not there.
constexpr std::array<std::string_view, 5> kCasts = {"Tensor", "bool", "float", "int", "str"};
constexpr std::array<std::string_view, 3> kRoots = {"torch", "ops", "__torch__"};

template <std::size_t size>
bool is_among(const std::array<std::string_view, size>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

/// "forward", and "forward1" where a module runs twice: no operator is called so.
bool is_forward(std::string_view name) {
  constexpr std::string_view kForward = "forward";
  return name.starts_with(kForward) && std::all_of(name.begin() + kForward.size(), name.end(), is_digit);
}

/// Looks at each token with what stands before it.
class SourceCheck {
 public:
  SourceCheck(std::string_view source, const std::string& qualifier, ScriptUnits& units)
      : lexer_(source), structure_(lexer_, qualifier, units) {}
  std::string run();

 private:
  void see(const Token& token);
  void see_name(const Token& token);
  void see_call();
  void see_cast(const Token& token) const;
  void see_bound(const Token& token);
  void see_target(const Token& token);
  void begin_line();
  [[noreturn]] void refuse_call(const std::string& name) const {
    lexer_.refuse("calls " + name + ", which is not known to be harmless");
  }

  Lexer lexer_;
  ScriptStructure structure_;
  std::vector<Token> statement_;
  Token last_, before_last_;
  std::vector<std::string_view> path_;   ///< the names of the last token's "a.b.c"; empty where it is no name
  std::size_t dots_ = 0, operators_ = 0;  ///< of the statement
  bool in_target_ = true, brackets_in_target_ = false, dots_in_target_ = false;  ///< before its first = or :
  bool sets_ = false;                                                            ///< it had its =
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
  if (is_among(kOperators, token.text) && ++operators_ > kMostOperators) {
    lexer_.refuse("too many operators in one statement");
  }
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

/// The token behind "unchecked_cast(T".
void SourceCheck::see_cast(const Token& token) const {
  const std::size_t size = statement_.size();
  if (size < 3 || !statement_[size - 3].is_name("unchecked_cast") || !before_last_.is("(")) return;
  if (!last_.is_name() || !is_among(kCasts, last_.text) || !token.is(",")) {
    lexer_.refuse("casts to another type than a plain one");
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

/// Names in brackets would be bound unseen; an attribute would keep what it is given until the next run.
void SourceCheck::see_target(const Token& token) {
  if (in_target_ && (token.is("(") || token.is("[") || token.is("{"))) brackets_in_target_ = true;
  if (in_target_ && token.is(".")) dots_in_target_ = true;
  if (lexer_.depth() > 0) return;
  if (token.is("=")) {
    const bool declares = !statement_.empty() && statement_[0].is_name("__annotations__");
    if (brackets_in_target_ && !declares) lexer_.refuse("sets what is no name");
    if (dots_in_target_) lexer_.refuse("sets an attribute, which no trace does");
    if (sets_) lexer_.refuse("sets two things at once");
    sets_ = true;
  }
  if (token.is(":") || token.is("=")) in_target_ = false;
}

void SourceCheck::begin_line() {
  dots_ = operators_ = 0;
  statement_.clear();
  in_target_ = true;
  brackets_in_target_ = dots_in_target_ = sets_ = false;
}

void SourceCheck::see(const Token& token) {
  if (last_.is_name()) see_bound(token);
  see_cast(token);
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

std::string SourceCheck::run() {
  last_.kind = Token::Kind::line_end;
  begin_line();
  for (;;) {
    const bool end = lexer_.at_end();
    const std::size_t indent = lexer_.indent();
    const Token token = lexer_.next();
    see(token);
    before_last_ = last_;
    last_ = token;
    if (token.kind != Token::Kind::line_end) {
      statement_.push_back(token);
    } else {
      if (lexer_.depth() != 0) lexer_.refuse("a bracket without an end");
      structure_.add(statement_, indent);
      begin_line();
    }
    if (end || token.text.empty()) break;
  }
  return structure_.finish();
}

}  // namespace

std::string checked_source(std::string_view source, const std::string& qualifier, ScriptUnits& units) {
  return SourceCheck(source, qualifier, units).run();
}

}  // namespace attnviz
