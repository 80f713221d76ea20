/// Cuts normalized text into the words that a model then splits.
#pragma once

#include <cstddef>
#include <string_view>

namespace attnviz::tokens {

enum class PreTokenizer {
  none,        ///< the whole text is one word
  bert,        ///< words end at white space, which is dropped; punctuation is words of one character
  byte_level,  ///< GPT-2's pattern: every byte belongs to a word
};

/// Bytes [begin, end) of a text.
struct WordSpan {
  std::size_t begin = 0, end = 0;
};

/// The first word at or behind `offset`; begin == end == text.size() when there is none. Linear in
/// the bytes from `offset` to the word's end.
[[nodiscard]] WordSpan next_bert_word(std::string_view text, std::size_t offset);

/// The word that starts at `offset`, by the pattern of GPT-2
/// ('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+).
[[nodiscard]] WordSpan next_gpt2_word(std::string_view text, std::size_t offset);

}  // namespace attnviz::tokens
