#include "catalog/script_structure.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "attnviz/error.h"

// torch/csrc/jit/serialization/python_print.cpp writes these; import_source.cpp reads them.

namespace attnviz {
namespace {

/// libtorch follows both by recursion. A trace's modules are some twelve levels deep, its types two or three.
constexpr std::size_t kLongestChain = 50, kDeepestType = 20, kDeepestIndent = 100;
/// A tuple of the tensors of 100 layers is a few hundred.
constexpr std::size_t kLongestHead = 10'000;

constexpr std::string_view kRoot = "__torch__";

/// What libtorch sets by itself, whatever is declared.
bool is_flag(std::string_view name) { return name == "training" || name == "_is_full_backward_hook"; }

/// Reads a type from the tokens of a declaration.
class TypeReader {
 public:
  TypeReader(std::span<const Token> tokens, const Lexer& lexer) : rest_(tokens), lexer_(lexer) {}

  ScriptType whole() {
    ScriptType type = read(kDeepestType);
    if (!rest_.empty()) refuse();
    return type;
  }

 private:
  [[noreturn]] void refuse() const { lexer_.refuse("declares a type that no trace has"); }
  Token take() {
    if (rest_.empty()) refuse();
    const Token token = rest_.front();
    rest_ = rest_.subspan(1);
    return token;
  }
  bool take_if(std::string_view mark) {
    if (rest_.empty() || !rest_.front().is(mark)) return false;
    rest_ = rest_.subspan(1);
    return true;
  }

  ScriptType read(std::size_t levels) {
    if (levels == 0) lexer_.refuse("nests a type too deep");
    const Token name = take();
    if (!name.is_name()) refuse();
    ScriptType type{std::string(name.text)};
    while (take_if(".")) type.name += "." + std::string(take().text);
    if (!take_if("[")) return type;
    while (!take_if("]")) {
      type.of.push_back(read(levels - 1));
      if (!take_if(",") && (rest_.empty() || !rest_.front().is("]"))) refuse();
    }
    return type;
  }

  std::span<const Token> rest_;
  const Lexer& lexer_;
};

/// Whether the statement begins so; "" stands for any name, "\"" for any string.
bool begins(std::span<const Token> statement, std::initializer_list<std::string_view> form) {
  if (statement.size() < form.size()) return false;
  const auto fits = [](std::string_view part, const Token& token) {
    if (part.empty()) return token.is_name();
    return part == "\"" ? token.kind == Token::Kind::string : token.text == part;
  };
  return std::equal(form.begin(), form.end(), statement.begin(), fits);
}

bool is(std::span<const Token> statement, std::initializer_list<std::string_view> form) {
  return statement.size() == form.size() && begins(statement, form);
}

/// Tensors of whatever the memory held, be it of an earlier text, become zeros.
std::string_view without_old_memory(std::string_view operator_name) {
  if (operator_name == "empty") return "zeros";
  if (operator_name == "empty_like") return "zeros_like";
  return operator_name == "new_empty" ? "new_zeros" : operator_name;
}

std::string_view unquoted(std::string_view text) { return text.substr(1, text.size() - 2); }

/// The "a.b.c" that begins at `place`.
std::string path_at(std::span<const Token> statement, std::size_t place) {
  std::string path(statement[place].text);
  for (; place + 2 < statement.size() && statement[place + 1].is(".") && statement[place + 2].is_name();
       place += 2) {
    path += "." + std::string(statement[place + 2].text);
  }
  return path;
}

/// Goes through what mentions what, each once.
class MentionWalk {
 public:
  explicit MentionWalk(const ScriptUnits& units) : units_(units) {}

  /// How long the longest chain from there is.
  std::size_t length_from(const std::string& name, std::size_t before) {
    const auto found = lengths_.find(name);
    if (found != lengths_.end()) {
      if (found->second == 0) throw Error(name + " refers to itself by way of others");
      return found->second;
    }
    if (before > kLongestChain) throw Error(name + " is at the end of too long a chain of references");
    lengths_[name] = 0;
    std::size_t longest = 0;
    for (const std::string& mention : units_.find(name)->second.mentions) {
      for (std::string path = mention; !path.empty();
           path.resize(path.find('.') == std::string::npos ? 0 : path.rfind('.'))) {
        if (units_.contains(path)) longest = std::max(longest, length_from(path, before + 1));
      }
    }
    if (before + longest > kLongestChain) throw Error(name + " begins too long a chain of references");
    return lengths_[name] = longest + 1;
  }

 private:
  const ScriptUnits& units_;
  std::map<std::string, std::size_t> lengths_;  ///< 0: being found
};

}  // namespace

std::string to_string(const ScriptType& type) {
  std::string text = type.name;
  for (const ScriptType& part : type.of) text += (&part == &type.of.front() ? "[" : ", ") + to_string(part);
  return type.of.empty() ? text : text + "]";
}

void check_mentions(const ScriptUnits& units) {
  MentionWalk walk(units);
  for (const auto& [name, unit] : units) static_cast<void>(walk.length_from(name, 0));
}

void ScriptStructure::add(std::span<const Token> statement, std::size_t indent) {
  if (statement.empty()) return;
  find_level(indent);
  const std::size_t level = indents_.size() - 1;
  const bool in_class = unit_ && unit_->kind != ScriptUnit::Kind::function;
  const std::string_view first = statement[0].is_name() ? statement[0].text : "";
  if (level == 0) {
    begin_unit(statement);
  } else if (level == 1 && in_class) {
    add_member(statement);
  } else {
    if (first == "def" || first == "class") lexer_.refuse("a '" + std::string(first) + "' inside a function");
    growth_.see(statement);
    see_self(statement);
  }
  see_mentions(statement);
  opens_ = statement.back().is(":");
  if (opens_ && first != "def" && first != "class" && first != "if" && first != "else") {
    lexer_.refuse("a colon that begins no block");
  }
  write(statement);
}

void ScriptStructure::find_level(std::size_t indent) {
  if (indent > kDeepestIndent) lexer_.refuse("blocks too deep");
  if (opens_) {
    if (indent <= indents_.back()) lexer_.refuse("a block without statements");
    indents_.push_back(indent);
  }
  while (indent < indents_.back()) indents_.pop_back();
  if (indent != indents_.back()) lexer_.refuse("blanks in front that fit no block");
}

void ScriptStructure::write(std::span<const Token> statement) {
  text_.append(2 * (indents_.size() - 1), ' ');
  Token last, before_last;
  for (const Token& token : statement) {
    if (last.kind != Token::Kind::begin && !last.is("-")) text_ += ' ';
    // libtorch's lexer takes "not in" and "is not" for one operator, even at the beginning of "not input".
    const bool one =
        (last.is_name("not") && token.is_name("in")) || (last.is_name("is") && token.is_name("not"));
    if (!one && (last.is_name("not") || last.is_name("is"))) text_ += ' ';
    const bool is_operator =
        last.is(".") && (before_last.is_name("torch") || before_last.is_name("aten"));
    text_ += is_operator ? without_old_memory(token.text) : token.text;
    before_last = last;
    last = token;
  }
  text_ += '\n';
}

void ScriptStructure::begin_unit(std::span<const Token> statement) {
  ScriptUnit unit;
  if (is(statement, {"class", "", "(", "Module", ")", ":"})) {
    unit.kind = ScriptUnit::Kind::module;
  } else if (is(statement, {"class", "", "(", "NamedTuple", ")", ":"})) {
    unit.kind = ScriptUnit::Kind::named_tuple;
  } else if (is(statement, {"class", "", ":"})) {
    unit.kind = ScriptUnit::Kind::other_class;
  } else if (begins(statement, {"def", "", "("})) {
    see_function(statement);
    growth_.begin_function();
  } else {
    lexer_.refuse("a statement outside of classes of modules and functions");
  }
  name_ = qualifier_ + "." + std::string(statement[1].text);
  // libtorch declares some of their attributes otherwise than their sources do.
  if (name_.find(".quantized.") != std::string::npos) lexer_.refuse("a quantized module");
  const auto [place, is_new] = units_.emplace(name_, std::move(unit));
  if (!is_new) lexer_.refuse("defines " + std::string(statement[1].text) + " twice");
  unit_ = &place->second;
}

void ScriptStructure::add_member(std::span<const Token> statement) {
  const bool fields_only = unit_->kind == ScriptUnit::Kind::named_tuple;
  if (begins(statement, {"def", "", "(", "self"}) && !fields_only) {
    see_function(statement);
    see_self(statement);
    growth_.begin_function();
  } else if (begins(statement, {"__annotations__", "[", "\"", "]", "="}) && !fields_only) {
    add_attribute(unquoted(statement[2].text), statement.subspan(5));
  } else if (begins(statement, {"__parameters__", "=", "["}) ||
             begins(statement, {"__buffers__", "=", "["}) ||
             is(statement, {"__annotations__", "=", "[", "]"}) || is(statement, {"pass"})) {
    const auto names_it_self = [](const Token& token) { return token.is_name(); };
    if (std::count_if(statement.begin(), statement.end(), names_it_self) != 1) {
      lexer_.refuse("a list of names that holds something else");
    }
  } else if (begins(statement, {"", ":", "Final", "["}) && !fields_only) {
    return;  // a constant, which needs no value
  } else if (begins(statement, {"", ":"}) && !statement[0].text.starts_with("__")) {
    add_attribute(statement[0].text, statement.subspan(2));
  } else {
    lexer_.refuse("declares what no trace declares");
  }
}

void ScriptStructure::add_attribute(std::string_view name, std::span<const Token> type) {
  ScriptAttribute attribute{std::string(name), TypeReader(type, lexer_).whole()};
  const std::string named = to_string(attribute.type);
  if (is_flag(name) && named != "bool" && named != "Optional[bool]" && named != "NoneType") {
    lexer_.refuse("declares " + attribute.name + " as " + named);
  }
  if (unit_->kind == ScriptUnit::Kind::named_tuple && named.find(kRoot) != std::string::npos) {
    lexer_.refuse("a named tuple of classes");
  }
  if (name.find('\\') != std::string_view::npos) lexer_.refuse("an attribute with a backslash in its name");
  unit_->attributes.push_back(std::move(attribute));
}

/// Its head must tell all types: what has none is of whatever type the body comes to.
void ScriptStructure::see_function(std::span<const Token> statement) const {
  if (statement.size() > kLongestHead) lexer_.refuse("a function with too long a head");
  std::size_t depth = 0;
  bool tells_result = false;
  for (const Token& token : statement) {
    if (token.is("[") && ++depth > kDeepestType) lexer_.refuse("nests a type too deep");
    depth -= token.is("]") && depth > 0;
    tells_result = tells_result || token.is("->");
  }
  if (!tells_result || !statement.back().is(":")) {
    lexer_.refuse("a function that does not tell its result's type");
  }
}

/// What a class's methods mention of the class itself is the type of self, and self is not handed on: so a
/// method calls those of other classes only, which stand behind it in a chain of mentions.
void ScriptStructure::see_mentions(std::span<const Token> statement) {
  for (std::size_t i = 0; i < statement.size(); ++i) {
    if (!statement[i].is_name(kRoot) || (i > 0 && statement[i - 1].is("."))) continue;
    const std::string path = path_at(statement, i);
    const bool own = path == name_ || path.starts_with(name_ + ".");
    if (!own) {
      unit_->mentions.insert(path);
    } else if (i < 2 || !statement[i - 1].is(":") || !statement[i - 2].is_name("self") ||
               !statement[0].is_name("def")) {
      lexer_.refuse("mentions itself");
    }
  }
}

void ScriptStructure::see_self(std::span<const Token> statement) const {
  for (std::size_t i = 0; i < statement.size(); ++i) {
    if (!statement[i].is_name("self") || (i > 0 && statement[i - 1].is("."))) continue;
    const std::span<const Token> rest = statement.subspan(i);
    const bool declared = begins(rest, {"self", ":"}) && statement[0].is_name("def") && i == 3;
    const bool asked = begins(rest, {"self", ".", ""}) && !(rest.size() > 3 && rest[3].is("("));
    const bool asked_by_name =
        i > 1 && begins(statement.subspan(i - 2), {"getattr", "(", "self", ",", "\"", ")"});
    if (!declared && !asked && !asked_by_name) lexer_.refuse("hands self on");
  }
}

std::string ScriptStructure::finish() {
  if (opens_) lexer_.refuse("a block without statements");
  return std::move(text_);
}

}  // namespace attnviz
