#include "cli/token_choice.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace attnviz::cli {
namespace {

std::optional<std::size_t> as_number(std::string_view text) {
  std::size_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string lower_ascii(std::string text) {
  for (char& letter : text) letter = letter >= 'A' && letter <= 'Z' ? char(letter - 'A' + 'a') : letter;
  return text;
}

template <class Matches>
std::vector<std::size_t> find_all(std::span<const TokenLabel> labels, Matches&& matches) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (matches(labels[i])) found.push_back(i);
  }
  return found;
}

[[noreturn]] void refuse_word(const Given& given, const std::string& word,
                              std::span<const TokenLabel> labels) {
  std::vector<std::string> texts;
  for (const TokenLabel& label : labels) texts.push_back(label.text);
  const std::string near = nearest(word, texts);
  refuse(given, "a token of the text, or its position from 0 to " + std::to_string(labels.size() - 1),
         near.empty() ? "attnviz tokens \"…\" lists a text's tokens" : "did you mean " + near + "?");
}

}  // namespace

std::vector<std::size_t> tokens_named(const std::string& word, std::span<const TokenLabel> labels) {
  std::vector<std::size_t> found =
      find_all(labels, [&](const TokenLabel& label) { return label.text == word || label.whole() == word; });
  if (!found.empty()) return found;
  const std::string lower = lower_ascii(word);
  return find_all(labels, [&](const TokenLabel& label) {
    return lower_ascii(label.text) == lower || lower_ascii(label.whole()) == lower;
  });
}

std::size_t find_token(const Given& given, std::span<const TokenLabel> labels) {
  if (const auto position = as_number(given.value)) {
    if (*position < labels.size()) return *position;
    const bool is_token = !tokens_named(given.value, labels).empty();
    refuse(given, "a position from 0 to " + std::to_string(labels.size() - 1),
           is_token ? "the token that is written so is " + given.value + "#1" : "");
  }
  // A # belongs to the token itself unless a number follows it (C#, ##ing, bank#2), and even then where a
  // token is written so (##2).
  const std::size_t hash = given.value.rfind('#');
  const bool whole = hash == std::string::npos || hash == 0 || !tokens_named(given.value, labels).empty();
  const std::optional<std::size_t> which = whole ? std::nullopt : as_number(given.value.substr(hash + 1));
  const std::string word = which ? given.value.substr(0, hash) : given.value;
  const std::vector<std::size_t> found = tokens_named(word, labels);
  if (found.empty()) refuse_word(given, word, labels);
  const std::size_t number = which.value_or(1);
  if (number >= 1 && number <= found.size()) return found[number - 1];
  refuse(given, found.size() == 1 ? "#1, the only one" : "#1 to #" + std::to_string(found.size()));
}

}  // namespace attnviz::cli
