#include "tokens/characters.h"

#include <algorithm>

#include "attnviz/text.h"
#include "tokens/unicode.h"

namespace attnviz::tokens {
namespace {

enum Kind : std::uint8_t {
  kSpace,
  kLineEnd,
  kLetter,
  kDigit,
  kIdeograph,
  kSymbol,  ///< punctuation too
  kExtend,  ///< belongs to the character before it
};

bool is_space(std::uint8_t kind) { return kind <= kLineEnd; }
bool is_of_word(std::uint8_t kind) { return kind == kLetter || kind == kDigit; }

bool is_line_end(char32_t c) {
  return (c >= U'\n' && c <= U'\r') || c == U'\u0085' || c == U'\u2028' || c == U'\u2029';
}

Kind kind_of(char32_t c) {
  if (is_line_end(c)) return kLineEnd;
  if (unicode::is_whitespace(c)) return kSpace;
  if (unicode::is_cjk(c)) return kIdeograph;
  if (unicode::is_number(c)) return kDigit;
  if (unicode::is_letter(c)) return kLetter;
  if (unicode::is_word(c))
    return unicode::is_punctuation(c) ? kLetter : kExtend;  // the underscore, or a mark
  return unicode::is_control(c) ? kExtend : kSymbol;
}

/// The kind of both neighbours that this character joins to one word, or kSymbol.
Kind joins(char32_t c) {
  if (c == U'\'' || c == U'’' || c == U'＇') return kLetter;
  if (c == U'.' || c == U',') return kDigit;
  return kSymbol;
}

bool is_boundary(std::uint8_t before, std::uint8_t behind) {
  if (is_space(before) || is_space(behind)) return true;
  return before == kIdeograph || behind == kIdeograph || is_of_word(before) != is_of_word(behind);
}

}  // namespace

Characters::Characters(std::string_view text) : text_(text) {
  std::vector<std::uint8_t> joins_between;
  for (std::size_t offset = 0; offset < text.size();) {
    bytes_.push_back(static_cast<std::uint32_t>(offset));
    const char32_t c = next_code_point(text, offset);
    kinds_.push_back(kind_of(c));
    joins_between.push_back(joins(c));
  }
  bytes_.push_back(static_cast<std::uint32_t>(text.size()));
  boundaries_.push_back(0);
  for (std::size_t i = 1; i < kinds_.size(); ++i) {
    bool boundary = false;
    if (kinds_[i] == kExtend) {
      boundary = is_space(kinds_[i - 1]);
      if (!boundary) kinds_[i] = kinds_[i - 1];
    } else {
      const std::uint8_t joined = joins_between[i];
      if (joined != kSymbol && kinds_[i - 1] == joined && i + 1 < kinds_.size() && kinds_[i + 1] == joined) {
        kinds_[i] = joined;
      }
      // What belongs to the character before it, where there is none, belongs to the one behind it.
      boundary = is_space(kinds_[i]) || (kinds_[i - 1] != kExtend && is_boundary(kinds_[i - 1], kinds_[i]));
    }
    boundaries_.push_back(boundaries_.back() + (boundary ? 1 : 0));
  }
}

Range Characters::cut(Range range) const {
  const auto size = static_cast<std::uint32_t>(kinds_.size());
  return {std::min(range.begin, size), std::min(range.end, size)};
}

Range Characters::trimmed(const std::array<std::uint32_t, 2>& offsets) const {
  Range range = cut({offsets[0], offsets[1]});
  while (!range.empty() && is_space(kinds_[range.begin])) ++range.begin;
  while (!range.empty() && is_space(kinds_[range.end - 1])) --range.end;
  return range;
}

bool Characters::has_line_end(Range range) const {
  range = cut(range);
  return !range.empty() && std::find(kinds_.begin() + range.begin, kinds_.begin() + range.end, kLineEnd) !=
                               kinds_.begin() + range.end;
}

bool Characters::part(std::uint32_t end, std::uint32_t begin) const {
  return end > 0 && begin < kinds_.size() && end <= begin && boundaries_[begin] > boundaries_[end - 1];
}

std::string_view Characters::slice(Range range) const {
  range = cut(range);
  return range.empty() ? std::string_view()
                       : text_.substr(bytes_[range.begin], bytes_[range.end] - bytes_[range.begin]);
}

}  // namespace attnviz::tokens
