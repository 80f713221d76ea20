#include "catalog/type_growth.h"

#include <algorithm>
#include <array>

namespace attnviz {
namespace {

/// Of declared types, which count as one. A trace comes to two or three levels, and to a tuple of its layers.
constexpr std::size_t kDeepest = 40, kLargest = 2000;

/// What gives a value of a type that it was given. All other operators give tensors, numbers, and lists of
/// them; functions and methods what they declare.
constexpr std::array<std::string_view, 11> kKeepTypes = {
    "annotate", "unchecked_cast", "uninitialized", "__getitem__", "add", "add_",
    "mul",      "mul_",           "select",        "slice",       "sort"};
constexpr std::array<std::string_view, 7> kWords = {"return", "if", "else", "in", "not", "and", "or"};

template <std::size_t size>
bool is_among(const std::array<std::string_view, size>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

TypeGrowth::Extent TypeGrowth::known(std::string_view name) const {
  const auto found = known_.find(name);
  return found == known_.end() ? Extent{} : found->second;
}

TypeGrowth::Extent TypeGrowth::closed(const Group& group) const {
  Extent extent{group.depth, group.largest};
  switch (group.kind) {
    case Group::Kind::result:
      return {};
    case Group::Kind::same_as_given:
      return extent;
    case Group::Kind::list:
      extent = {group.depth + 1, group.largest + 1};
      break;
    case Group::Kind::plain:
      if (group.has_comma) extent = {group.depth + 1, group.sum + 1};
      break;
    case Group::Kind::dictionary_or_type:
      extent = {group.depth + 1, group.sum + 1};
      break;
  }
  if (extent.depth > kDeepest) lexer_.refuse("nests a type too deep");
  if (extent.size > kLargest) lexer_.refuse("puts too much into one type");
  return extent;
}

TypeGrowth::Extent TypeGrowth::extent_of(std::span<const Token> expression) const {
  std::vector<Group> groups(1);
  const auto add = [&](const Extent& extent) {
    Group& group = groups.back();
    group.depth = std::max(group.depth, extent.depth);
    group.largest = std::max(group.largest, extent.size);
    group.sum += extent.size;
  };
  Token last;
  for (const Token& token : expression) {
    const bool after_name = last.is_name() && !is_among(kWords, last.text);
    if (token.is("(")) {
      const bool keeps = after_name && is_among(kKeepTypes, last.text);
      groups.push_back({keeps        ? Group::Kind::same_as_given
                        : after_name ? Group::Kind::result
                                     : Group::Kind::plain});
    } else if (token.is("[")) {
      groups.push_back({after_name ? Group::Kind::dictionary_or_type : Group::Kind::list});
    } else if (token.is("{")) {
      groups.push_back({Group::Kind::dictionary_or_type});
    } else if ((token.is(")") || token.is("]") || token.is("}")) && groups.size() > 1) {
      const Extent extent = closed(groups.back());
      groups.pop_back();
      add(extent);
    } else if (token.is(",")) {
      groups.back().has_comma = true;
    } else if (token.is_name() && !last.is(".")) {
      add(known(token.text));
    } else if (token.kind == Token::Kind::number || token.kind == Token::Kind::string) {
      add({});
    }
    last = token;
  }
  return closed(groups.front());
}

void TypeGrowth::see(std::span<const Token> statement) {
  std::size_t depth = 0;
  const auto sets = [&](const Token& token) {
    depth += token.is("(") || token.is("[") || token.is("{");
    depth -= depth > 0 && (token.is(")") || token.is("]") || token.is("}"));
    return depth == 0 && token.is("=");
  };
  const auto equals = std::find_if(statement.begin(), statement.end(), sets);
  if (equals == statement.end()) {
    static_cast<void>(extent_of(statement));
    return;
  }
  const auto is_colon = [](const Token& token) { return token.is(":"); };
  const auto colon = std::find_if(statement.begin(), equals, is_colon);
  const Extent declared = extent_of(std::span(colon, equals));
  Extent extent = extent_of(std::span(equals + 1, statement.end()));
  extent = {std::max(extent.depth, declared.depth), std::max(extent.size, declared.size)};
  if (extent.depth == 0 && extent.size == 1) return;
  for (auto token = statement.begin(); token != colon; ++token) {
    if (!token->is_name()) continue;
    // Branches may set it to one or the other: the larger counts.
    Extent& known = known_[token->text];
    known = {std::max(known.depth, extent.depth), std::max(known.size, extent.size)};
  }
}

}  // namespace attnviz
