/// Cuts normalized text into the words that a model then splits.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "tokens/aligned_text.h"

namespace attnviz::tokens {

/// Takes the words of a text one by one; false: it wants no more.
using TakeWord = std::function<bool(AlignedView)>;

/// One of tokenizer.json's pre-tokenizers: cuts a piece of text, which is not empty, into smaller ones, which
/// it may alter and which are not empty either, and hands them on. False as soon as `take` returned false.
using PreTokenizerStep = std::function<bool(AlignedView, const TakeWord&)>;

/// Steps, each on what the one before it gives: a "Sequence", or a single one. Without steps a text is one
/// word.
struct PreTokenizer {
  std::vector<PreTokenizerStep> steps = {};
  bool byte_level = false;  ///< at the end words are bytes, which the model spells as GPT-2's 256 characters

  /// False when `take` wanted no more.
  bool operator()(AlignedView text, const TakeWord& take) const;
};

/// Words as BERT's and GPT-2's pre-tokenizers cut them, and the space that "add_prefix_space" puts before a
/// piece without one at its start.
[[nodiscard]] PreTokenizerStep bert_words();
[[nodiscard]] PreTokenizerStep gpt2_words();
[[nodiscard]] PreTokenizerStep prefix_space();

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
