/// A text as a reader sees it: characters, where words end, and what lies between two places.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace attnviz::tokens {

/// [begin, end) in code points of a text.
struct Range {
  std::uint32_t begin = 0, end = 0;

  [[nodiscard]] bool empty() const { return begin >= end; }
};

/// Borrows the text. Every range given is cut to the text.
class Characters {
 public:
  explicit Characters(std::string_view text);

  /// Without white space at either end.
  [[nodiscard]] Range trimmed(const std::array<std::uint32_t, 2>& offsets) const;

  /// Whether a line ends in it.
  [[nodiscard]] bool has_line_end(Range range) const;

  /// Whether a word ends somewhere from the character before `end` to the one at `begin`.
  [[nodiscard]] bool part(std::uint32_t end, std::uint32_t begin) const;

  [[nodiscard]] std::string_view slice(Range range) const;

 private:
  [[nodiscard]] Range cut(Range range) const;

  std::string_view text_;
  std::vector<std::uint32_t> bytes_;       ///< where each character begins, and the text's size
  std::vector<std::uint32_t> boundaries_;  ///< word boundaries before each character, counted from the start
  std::vector<std::uint8_t> kinds_;
};

}  // namespace attnviz::tokens
