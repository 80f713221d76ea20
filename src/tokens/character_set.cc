#include "tokens/character_set.h"

#include <algorithm>

namespace attnviz::tokens {

using unicode::Range;

CharacterSet::CharacterSet(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  for (const Range& range : ranges) {
    if (!ranges_.empty() && range.first <= ranges_.back().last + 1) {
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    } else {
      ranges_.push_back(range);
    }
  }
  for (char32_t c = 0; c < 128; ++c) {
    if (contains_beyond_ascii(c)) ascii_[c / 64] |= std::uint64_t{1} << c % 64;
  }
}

CharacterSet CharacterSet::complement() const {
  std::vector<Range> others;
  char32_t next = 0;
  for (const Range& range : ranges_) {
    if (next < range.first) others.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next < 0x110000) others.push_back({next, 0x10FFFF});
  return CharacterSet(std::move(others));
}

CharacterSet CharacterSet::intersection(const CharacterSet& other) const {
  std::vector<Range> hidden = complement().ranges();
  const std::vector<Range> more = other.complement().ranges();
  hidden.insert(hidden.end(), more.begin(), more.end());
  return CharacterSet(std::move(hidden)).complement();
}

bool CharacterSet::contains_beyond_ascii(char32_t c) const {
  const auto found = std::lower_bound(ranges_.begin(), ranges_.end(), c,
                                      [](const Range& range, char32_t value) { return range.last < value; });
  return found != ranges_.end() && found->first <= c;
}

}  // namespace attnviz::tokens
