/// What the tokenizers ask of a character. Each answer follows the version of Unicode that the
/// reference has in that place; they differ, and one version everywhere would be wrong.
/// Every code point given is a Unicode scalar value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attnviz::unicode {

/// What BERT removes: categories Cc, Cf and Co of Unicode 8.0 but tab, LF and CR; and U+FFFD.
[[nodiscard]] bool is_control(char32_t code_point);

/// White_Space, 25 code points.
[[nodiscard]] bool is_whitespace(char32_t code_point);

/// What BERT makes a word of its own: ASCII punctuation and symbols, categories P* of Unicode 8.0.
[[nodiscard]] bool is_punctuation(char32_t code_point);

/// Category Mn of Unicode 8.0.
[[nodiscard]] bool is_nonspacing_mark(char32_t code_point);

/// The ideographs that BERT surrounds with spaces: up to Extension E, without U+2B820 to U+2B91F.
[[nodiscard]] bool is_cjk(char32_t code_point);

/// Canonical_Combining_Class of Unicode 9.0.
[[nodiscard]] std::uint8_t combining_class(char32_t code_point);

/// Appends the full canonical decomposition of Unicode 9.0, or the code point itself. Marks are not
/// put into canonical order: that needs the characters around them.
void append_decomposition(std::u32string& text, char32_t code_point);

/// The same with compatibility decompositions of Unicode 9.0.
void append_compatibility_decomposition(std::u32string& text, char32_t code_point);

/// The character that two compose to (Unicode 9.0), Hangul too; 0 when there is none.
[[nodiscard]] char32_t composition(char32_t first, char32_t second);

/// Categories M* of Unicode 9.0.
[[nodiscard]] bool is_mark(char32_t code_point);

/// Categories N* of Unicode 17.0.
[[nodiscard]] bool is_numeric(char32_t code_point);

/// Simple_Lowercase_Mapping of Unicode 17.0. (U+0130 gives U+0069 here; its full mapping has two.)
[[nodiscard]] char32_t lowercase(char32_t code_point);

/// Categories L* and N* of Unicode 16.0, as regular expressions' \p{L} and \p{N}.
[[nodiscard]] bool is_letter(char32_t code_point);
[[nodiscard]] bool is_number(char32_t code_point);

/// Regular expressions' \w in Unicode 16.0: Alphabetic, M*, Nd, Pc and Join_Control.
[[nodiscard]] bool is_word(char32_t code_point);

/// Code points from first to last.
struct Range {
  char32_t first, last;
};

/// Those of a general category of Unicode 16.0 ("Lu"), or of all that begin with its letter ("L"), in order;
/// empty when there is no such category.
[[nodiscard]] std::vector<Range> category_ranges(std::string_view category);

}  // namespace attnviz::unicode
