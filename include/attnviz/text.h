/// text: what the user wrote, as valid UTF-8, and how a piece of text is shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace attnviz {

/// What to do with bytes that are not UTF-8 (Unicode 15, table 3-7: no surrogates, no overlong
/// forms, nothing past U+10FFFF).
enum class InvalidUtf8 {
  fail,     ///< throw an Error that names the offset of the first bad byte
  replace,  ///< one U+FFFD for each maximal subpart of an ill-formed sequence (Unicode 15, 3.9)
};

/// `bytes` as valid UTF-8. `what` names the text in an error: "<what>: not UTF-8 at byte 17 (0xE4)".
[[nodiscard]] std::string valid_utf8(std::string_view bytes, InvalidUtf8 policy, std::string_view what);

/// The offset of the first byte that does not belong to valid UTF-8, or npos.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view bytes);

/// Decodes the code point at `offset` of valid UTF-8 and moves `offset` behind it.
[[nodiscard]] char32_t next_code_point(std::string_view utf8, std::size_t& offset);

void append_utf8(std::string& utf8, char32_t code_point);

/// The number of code points in valid UTF-8.
[[nodiscard]] std::size_t count_code_points(std::string_view utf8);

/// Text that can be printed on a terminal or in a figure: control characters, line ends, and the
/// bidirectional and invisible formatting characters become visible (U+0009 as ␉, U+001B as ␛,
/// U+202E as ‹U+202E›); everything else stays. Joiners inside a word (U+200C, U+200D) stay.
[[nodiscard]] std::string visible(std::string_view utf8);

/// A token as a reader would write it: `mark` (the ## of a continuation, the space mark ␣ for a
/// leading space, or nothing) is drawn lighter than `text`; a byte that is no whole character is
/// shown as ‹E4›. Both are visible() text.
struct TokenLabel {
  std::string mark;
  std::string text;
  bool special = false;  ///< [CLS], <s>, <|endoftext|>, …: drawn in grey

  [[nodiscard]] std::string whole() const { return mark + text; }
  friend bool operator==(const TokenLabel&, const TokenLabel&) = default;
};

/// Neighbouring tokens that a reader sees as one word; or one token that stands for itself.
struct TokenGroup {
  std::size_t first = 0, count = 1;
  friend bool operator==(const TokenGroup&, const TokenGroup&) = default;
};

}  // namespace attnviz
