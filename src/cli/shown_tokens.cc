#include "cli/shown_tokens.h"

#include <algorithm>
#include <charconv>

namespace attnviz::cli {
namespace {

/// Begin or end of a range; unset where nothing is written.
std::optional<int> read_end(const Given& given, std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    refuse(given, "a range such as 3:9, 3: or :9");
  }
  return number;
}

/// Whether --hide-special leaves it out. A masked word stands for a word of the text.
bool is_hidden(const Encoding& encoding, std::size_t token) {
  const std::string& name = encoding.tokens[token];
  return encoding.special[token] || (encoding.typed[token] && name != "[MASK]" && name != "<mask>");
}

std::vector<TokenGroup> single_tokens(std::size_t count) {
  std::vector<TokenGroup> groups(count);
  for (std::size_t token = 0; token < count; ++token) groups[token].first = token;
  return groups;
}

std::size_t tokens_in(std::span<const TokenGroup> groups) {
  std::size_t tokens = 0;
  for (const TokenGroup& group : groups) tokens += group.count;
  return tokens;
}

/// Cuts the groups to the range, and says so unless they are all in it.
void cut_to(const TokenRange& range, const std::string& unit, ShownTokens& shown) {
  const std::size_t count = shown.groups.size();
  const auto [begin, end] = span_of(range, count, "--range " + shown_value(range.given), unit);
  if (end - begin == count) return;
  shown.groups = {shown.groups.begin() + static_cast<long>(begin),
                  shown.groups.begin() + static_cast<long>(end)};
  const std::string last = end - begin > 1 ? "s " + std::to_string(begin) + " to " + std::to_string(end - 1)
                                           : " " + std::to_string(begin);
  shown.notes.push_back(unit + last + " of " + std::to_string(count));
}

void hide_special(const Encoding& encoding, ShownTokens& shown) {
  const std::size_t before = shown.groups.size();
  std::erase_if(shown.groups, [&](const TokenGroup& group) { return is_hidden(encoding, group.first); });
  if (shown.groups.empty()) {
    throw Error("--hide-special: nothing left to show, the text has special tokens only");
  }
  if (shown.groups.size() < before) shown.notes.push_back("special tokens hidden");
}

/// Of norms, the triangle inequality: vectors that point apart are shorter together than one by one.
std::string merged_note(const std::string& side, bool norms) {
  constexpr const char* kSums = "norms of keys summed, at least the norm of their sum";
  if (side == "target") return "sub-words averaged";
  if (side == "source") return norms ? std::string("sub-words merged: ") + kSums : "sub-words summed";
  return std::string("sub-words merged: ") + (norms ? kSums : "keys summed") + ", queries averaged";
}

/// What the options leave of the groups.
ShownTokens shown_of(const TokenOptions& options, const TokenizedText& text, std::vector<TokenGroup> groups,
                     const std::string& side) {
  const Encoding& encoding = text.encoding;
  ShownTokens shown;
  shown.groups = std::move(groups);
  if (tokens_in(shown.groups) < encoding.size()) shown.notes.emplace_back("special tokens hidden");
  if (options.hide_special) hide_special(encoding, shown);
  if (options.range) cut_to(*options.range, options.words ? "word" : "token", shown);
  const bool left_out = tokens_in(shown.groups) < encoding.size();
  const bool norms = options.weights == WeightKind::norm;
  if (left_out && side != "target") {  // whose tokens only attend
    if (!norms)
      shown.notes.back() += options.renormalize ? ", rows renormalised" : ": rows may sum to less than 1";
    shown.renormalized = options.renormalize;
  }
  const bool merged = tokens_in(shown.groups) > shown.groups.size();
  if (merged) shown.notes.insert(shown.notes.begin(), merged_note(side, norms));
  for (std::string& note : shown.notes) note.insert(0, side.empty() ? "" : side + ": ");
  shown.altered = left_out || merged;
  shown.labels = group_labels(encoding, text.labels, shown.groups, text.text, text.pair);
  return shown;
}

}  // namespace

TokenRange read_token_range(const Given& given) {
  const std::string_view value = given.value;
  const std::size_t colon = value.find(':');
  if (colon == std::string_view::npos || value.size() == 1) refuse(given, "a range such as 3:9, 3: or :9");
  return {read_end(given, value.substr(0, colon)), read_end(given, value.substr(colon + 1)), given.value};
}

Span span_of(const TokenRange& range, std::size_t tokens, const std::string& flag, const std::string& unit) {
  const auto count = static_cast<long>(tokens);
  const auto place = [count](long number) { return number < 0 ? number + count : number; };
  const long begin = place(range.begin.value_or(0)), end = range.end ? place(*range.end) : count;
  const std::string places = "0 to " + std::to_string(count);
  if (begin < 0 || begin > count || end < 0 || end > count) {
    throw Error(flag + ": beyond the " + unit + "s, expected a range in " + places,
                "it counts what would be shown without it");
  }
  if (begin >= end) throw Error(flag + ": empty, expected a range in " + places);
  return {static_cast<std::size_t>(begin), static_cast<std::size_t>(end)};
}

void add_token_flags(Flags& flags, TokenOptions& options) {
  flags.group("Tokens shown");
  flags.flag("--words", "merge sub-words into words: keys are summed, queries averaged", options.words);
  flags.flag("--hide-special", "leave out special tokens ([CLS], [SEP], <s> …), but not [MASK]",
             options.hide_special);
  flags.value("--range", "A:B",
              "only the tokens from A to B, B not included, of those that would be shown without it: they "
              "count from 0, negative numbers from the end; A: and :B leave one end open. Of cross attention "
              "A:B,C:D, of target and source",
              [&](const Given& given) {
                const std::size_t comma = given.value.find(',');
                options.range = read_token_range({given.flag, given.value.substr(0, comma)});
                if (comma != std::string::npos)
                  options.source_range = read_token_range({given.flag, given.value.substr(comma + 1)});
              });
  flags.flag("--renormalize", "with --hide-special or --range: rows sum to 1 again", options.renormalize);
}

void check_one_range(const TokenOptions& options) {
  if (!options.source_range) return;
  throw Error("--range " + shown_value(options.range->given + "," + options.source_range->given) +
                  ": two ranges, expected one: rows and columns are the same tokens",
              "only cross attention takes two, of target and of source tokens");
}

void check_two_ranges(const TokenOptions& options) {
  if (!options.range || options.source_range) return;
  throw Error("--range " + shown_value(options.range->given) + ": one range, cross attention takes two",
              "of target and of source tokens: --range " + options.range->given + ",0:");
}

ShownTokens shown_tokens(const TokenOptions& options, const TokenizedText& text, const std::string& side) {
  if (options.renormalize && !options.hide_special && !options.range) {
    throw Error("--renormalize: nothing is left out", "use it with --hide-special or --range");
  }
  if (options.renormalize && options.weights == WeightKind::norm) {
    throw Error("--renormalize: rows of norms do not sum to 1 in the first place",
                "leave --renormalize or --weights norm out");
  }
  if (options.words) return shown_words(options, text, words(text.encoding, text.text, text.pair), side);
  return shown_of(options, text, single_tokens(text.encoding.size()), side);
}

ShownTokens shown_words(const TokenOptions& options, const TokenizedText& text, std::vector<TokenGroup> words,
                        const std::string& side) {
  ShownTokens shown = shown_of(options, text, std::move(words), side);
  for (TokenLabel& label : shown.labels) label.mark.clear();  // a word needs no mark of where it begins
  return shown;
}

Attention shown_attention(Attention attention, const ShownTokens& queries, const ShownTokens& keys) {
  if (!queries.altered && !keys.altered) return attention;
  Attention merged = merge_tokens(attention, queries.groups, keys.groups);
  return keys.renormalized ? renormalized(std::move(merged)) : merged;
}

}  // namespace attnviz::cli
