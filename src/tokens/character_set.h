/// A set of code points, as a class of a regular expression has it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tokens/unicode.h"

namespace attnviz::tokens {

class CharacterSet {
 public:
  CharacterSet() = default;
  /// The ranges in any order; they may overlap.
  explicit CharacterSet(std::vector<unicode::Range> ranges);

  [[nodiscard]] bool contains(char32_t c) const {
    return c < 128 ? (ascii_[c / 64] >> c % 64 & 1) != 0 : contains_beyond_ascii(c);
  }
  [[nodiscard]] CharacterSet complement() const;
  [[nodiscard]] CharacterSet intersection(const CharacterSet& other) const;
  /// In order, with gaps between them.
  [[nodiscard]] const std::vector<unicode::Range>& ranges() const { return ranges_; }

 private:
  [[nodiscard]] bool contains_beyond_ascii(char32_t c) const;

  std::vector<unicode::Range> ranges_;
  std::array<std::uint64_t, 2> ascii_ = {};
};

}  // namespace attnviz::tokens
