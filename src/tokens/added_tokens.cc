#include "tokens/added_tokens.h"

#include <algorithm>

#include "attnviz/error.h"
#include "tokens/unicode.h"

namespace attnviz::tokens {
namespace {

char32_t code_point_before(std::string_view text, std::size_t offset) {
  do --offset;
  while ((text[offset] & 0xC0) == 0x80);
  return next_code_point(text, offset);
}

char32_t code_point_at(std::string_view text, std::size_t offset) { return next_code_point(text, offset); }

std::size_t space_before(std::string_view text, std::size_t offset, std::size_t limit) {
  while (offset > limit && unicode::is_whitespace(code_point_before(text, offset))) {
    do --offset;
    while ((text[offset] & 0xC0) == 0x80);
  }
  return offset;
}

std::size_t space_behind(std::string_view text, std::size_t offset) {
  while (offset < text.size()) {
    std::size_t next = offset;
    if (!unicode::is_whitespace(next_code_point(text, next))) break;
    offset = next;
  }
  return offset;
}

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  return (begin == 0 || !unicode::is_word(code_point_before(text, begin))) &&
         (end == text.size() || !unicode::is_word(code_point_at(text, end)));
}

bool same_options(const AddedToken& a, const AddedToken& b) {
  return a.single_word == b.single_word && a.lstrip == b.lstrip && a.rstrip == b.rstrip &&
         a.normalized == b.normalized && a.special == b.special;
}

std::string named(const std::string& content) { return "added token \"" + visible(content) + "\""; }

}  // namespace

AddedVocabulary::AddedVocabulary(std::vector<AddedToken> tokens, const Vocabulary& model,
                                 const Normalizer& normalizer) {
  auto next_id = static_cast<std::uint32_t>(model.size());
  for (AddedToken& token : tokens) {
    if (!token.content.empty()) add(std::move(token), model, next_id);
  }
  add_patterns(normalizer);
}

void AddedVocabulary::add(AddedToken token, const Vocabulary& model, std::uint32_t& next_id) {
  if (token.special) special_.insert(token.content);
  const AddedToken* known = by_content(token.content);
  if (known && same_options(*known, token)) return;
  const Vocabulary::Entry entry = model.find(token.content);
  if (known) {
    token.id = known->id;
  } else {
    token.id = entry != Vocabulary::kAbsent ? model.id(entry) : next_id++;
  }
  // A token added again, or with the id of another, takes its place.
  const auto [place, is_new] = place_of_id_.try_emplace(token.id, tokens_.size());
  place_of_content_[token.content] = place->second;
  if (is_new) {
    tokens_.push_back(std::move(token));
  } else {
    tokens_[place->second] = std::move(token);
  }
}

void AddedVocabulary::add_patterns(const Normalizer& normalizer) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const AddedToken& token = tokens_[i];
    std::string pattern = token.content;
    if (token.normalized && !normalizer.empty()) {
      const std::vector<std::uint32_t> origin(pattern.size());
      Growth growth(pattern.size(), named(token.content));
      pattern = normalizer({token.content, origin.data(), &growth}).text();
    }
    if (pattern.empty()) {
      throw Error(named(token.content) + ": nothing of it is left after normalization", "remove it");
    }
    (token.normalized ? normalized_ : plain_).sorted.push_back({std::move(pattern), i});
  }
  plain_.sort();
  normalized_.sort();
  check_patterns(plain_);
  check_patterns(normalized_);
}

void AddedVocabulary::check_patterns(const Patterns& patterns) const {
  const auto twice = std::adjacent_find(patterns.sorted.begin(), patterns.sorted.end(),
                                        [](const Pattern& a, const Pattern& b) { return a.text == b.text; });
  if (twice != patterns.sorted.end()) {
    throw Error(named(tokens_[twice->token].content) + ": normalized like " +
                    named(tokens_[std::next(twice)->token].content) +
                    ", which of them is meant is not defined",
                "remove one of them");
  }
  const bool any_strips = std::any_of(patterns.sorted.begin(), patterns.sorted.end(),
                                      [&](const Pattern& pattern) { return tokens_[pattern.token].rstrip; });
  for (const Pattern& pattern : patterns.sorted) {
    const AddedToken& token = tokens_[pattern.token];
    if (any_strips && (token.lstrip || token.rstrip) &&
        unicode::is_whitespace(code_point_at(pattern.text, 0))) {
      throw Error(named(token.content) +
                  ": lstrip or rstrip of a token that starts with white space is not supported");
    }
  }
}

void AddedVocabulary::Patterns::sort() {
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Pattern& a, const Pattern& b) { return a.text < b.text; });
  first_byte.assign(257, 0);
  for (const Pattern& pattern : sorted) ++first_byte[static_cast<unsigned char>(pattern.text[0]) + 1U];
  for (std::size_t byte = 0; byte < 256; ++byte) first_byte[byte + 1] += first_byte[byte];
}

const AddedVocabulary::Pattern* AddedVocabulary::Patterns::longest_at(std::string_view text,
                                                                      std::size_t offset) const {
  const auto byte = static_cast<unsigned char>(text[offset]);
  auto low = sorted.begin() + first_byte[byte], high = sorted.begin() + first_byte[byte + 1U];
  const Pattern* longest = nullptr;
  for (std::size_t depth = 1; low != high; ++depth) {
    // All patterns left agree with the text in `depth` bytes; the shortest of them comes first.
    if (low->text.size() == depth) {
      longest = &*low;
      ++low;
    }
    if (offset + depth == text.size()) break;
    const char wanted = text[offset + depth];
    const auto byte_at = [depth](const Pattern& pattern) {
      return static_cast<unsigned char>(pattern.text[depth]);
    };
    low = std::partition_point(low, high, [&](const Pattern& pattern) {
      return byte_at(pattern) < static_cast<unsigned char>(wanted);
    });
    high = std::partition_point(low, high, [&](const Pattern& pattern) {
      return byte_at(pattern) == static_cast<unsigned char>(wanted);
    });
  }
  return longest;
}

std::vector<AddedSpan> AddedVocabulary::find(std::string_view text, bool normalized) const {
  const Patterns& patterns = normalized ? normalized_ : plain_;
  std::vector<AddedSpan> spans;
  std::size_t done = 0;
  for (std::size_t offset = 0; offset < text.size() && !patterns.sorted.empty();) {
    const Pattern* pattern = patterns.longest_at(text, offset);
    if (!pattern) {
      ++offset;
      continue;
    }
    const AddedToken& token = tokens_[pattern->token];
    std::size_t begin = offset, end = offset + pattern->text.size();
    offset = end;
    if (splits_special_ && special_.count(token.content) > 0) continue;
    if (token.single_word && !stands_alone(text, begin, end)) continue;
    if (token.lstrip) begin = std::max(done, space_before(text, begin, std::min(done, begin)));
    if (token.rstrip) end = space_behind(text, end);
    if (done < begin) spans.push_back({nullptr, done, begin});
    spans.push_back({&token, begin, end});
    done = end;
  }
  if (done < text.size()) spans.push_back({nullptr, done, text.size()});
  return spans;
}

const AddedToken* AddedVocabulary::by_id(std::int64_t id) const {
  const auto found = place_of_id_.find(id);
  return found == place_of_id_.end() ? nullptr : &tokens_[found->second];
}

const AddedToken* AddedVocabulary::by_content(std::string_view content) const {
  const auto found = place_of_content_.find(std::string(content));
  return found == place_of_content_.end() ? nullptr : &tokens_[found->second];
}

}  // namespace attnviz::tokens
