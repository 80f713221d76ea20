#include <algorithm>

#include "check/names.h"
#include "check/steps.h"

namespace attnviz {
namespace {

/// The first place where two lists differ, or where one ends.
template <class Values>
std::size_t first_difference(const Values& expected, const Values& actual) {
  const auto place = std::mismatch(expected.begin(), expected.end(), actual.begin(), actual.end());
  return static_cast<std::size_t>(place.first - expected.begin());
}

std::string shown(const std::vector<std::string>& tokens, std::size_t place) {
  return place < tokens.size() ? cited(tokens[place]) : "none";
}

/// Empty where they are the same.
std::string compare_lists(const std::string& thing, const std::vector<std::string>& expected,
                          const std::vector<std::string>& actual) {
  const std::size_t place = first_difference(expected, actual);
  if (place == expected.size() && place == actual.size()) return {};
  std::string line =
      thing + " " + std::to_string(place) + ": " + shown(expected, place) + " → " + shown(actual, place);
  if (expected.size() != actual.size()) {
    line += ", " + std::to_string(expected.size()) + " → " + counted(actual.size(), thing);
  }
  return line;
}

/// A text's tokens, or its target's.
struct ReadTokens {
  const std::vector<std::string>& tokens;
  const std::vector<std::int64_t>& ids;
};

std::string compare_ids(const std::string& thing, const ReadTokens& expected, const ReadTokens& actual) {
  const std::size_t place = first_difference(expected.ids, actual.ids);
  if (place == expected.ids.size() && place == actual.ids.size()) return {};
  const auto id = [&](const std::vector<std::int64_t>& ids) {
    return place < ids.size() ? std::to_string(ids[place]) : "none";
  };
  return thing + " " + std::to_string(place) + " " + shown(expected.tokens, place) + ": id " +
         id(expected.ids) + " → " + id(actual.ids);
}

/// Labels as lists of words: mark, text, and whether they are special.
std::vector<std::string> words_of(std::span<const TokenLabel> labels) {
  std::vector<std::string> words;
  for (const TokenLabel& label : labels)
    words.push_back(label.mark + label.text + (label.special ? " (special)" : ""));
  return words;
}

void add(Findings& findings, const std::string& line) {
  const auto known = [&](const CheckFinding& finding) { return finding.message == line; };
  if (!line.empty() && std::none_of(findings.begin(), findings.end(), known))
    findings.push_back({CheckStep::tokens, line});
}

}  // namespace

Findings check_tokens(const Record& expected, const Record& actual) {
  Findings findings;
  for (std::size_t i = 0; i < std::min(expected.texts.size(), actual.texts.size()); ++i) {
    const RecordedText &before = expected.texts[i], &after = actual.texts[i];
    const auto compare = [&](const std::string& thing, const ReadTokens& was, const ReadTokens& is) {
      add(findings, compare_lists(thing, was.tokens, is.tokens));
      if (was.tokens == is.tokens) add(findings, compare_ids(thing, was, is));
    };
    compare("token", {before.tokens, before.ids}, {after.tokens, after.ids});
    compare("target token", {before.target_tokens, before.target_ids},
            {after.target_tokens, after.target_ids});
  }
  const std::vector<Heatmap> before = maps_of(expected.drawn), after = maps_of(actual.drawn);
  for (std::size_t i = 0; i < before.size(); ++i) {
    add(findings, compare_lists("row", words_of(before[i].queries), words_of(after[i].queries)));
    add(findings, compare_lists("column", words_of(before[i].keys), words_of(after[i].keys)));
  }
  return findings;
}

}  // namespace attnviz
