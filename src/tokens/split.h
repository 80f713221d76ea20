/// Pre-tokenizers that cut where a pattern matches or a character is of some kind, each a PreTokenizerStep.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tokens/pre_tokenizer.h"
#include "tokens/regex.h"

namespace attnviz::tokens {

/// What becomes of a match, and so of the text around it.
enum class SplitBehavior {
  removed,               ///< it is left out
  isolated,              ///< it is a word
  merged_with_previous,  ///< it ends the word before it, if that is no match
  merged_with_next,      ///< it begins the word behind it, if that is no match
  contiguous,            ///< neighbouring matches are one word
};

/// A part of a text that matches, or that lies between two matches.
struct SplitSpan {
  std::size_t begin = 0, end = 0;
  bool matches = false;
};

/// The words of a text that `spans` cover in order.
[[nodiscard]] std::vector<WordSpan> split_words(const std::vector<SplitSpan>& spans, SplitBehavior behavior);

/// "Split": with `invert`, what matches counts as what lies between.
struct Split {
  Regex pattern;
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;

  bool operator()(AlignedView text, const TakeWord& take) const;
};

/// "WhitespaceSplit", "Punctuation", "Digits", "CharDelimiterSplit": a match is one character.
struct SplitAtCharacters {
  std::function<bool(char32_t)> matches;
  SplitBehavior behavior = SplitBehavior::isolated;

  bool operator()(AlignedView text, const TakeWord& take) const;
};

/// "Whitespace": runs of letters, digits and connectors, and runs of what else is no white space.
bool split_whitespace(AlignedView text, const TakeWord& take);

/// "Metaspace": spaces are written as `replacement`, and begin words.
struct Metaspace {
  enum class Prepend { first, always, never };

  char32_t replacement = U'▁';
  Prepend prepend = Prepend::always;  ///< to a text that does not start with it; `first`: of the user's text
  bool split = true;

  bool operator()(AlignedView text, const TakeWord& take) const;
};

}  // namespace attnviz::tokens
