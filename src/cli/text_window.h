/// text_window: a text of more tokens than its model takes, read in overlapping windows whose attention
/// becomes one map.
#pragma once

#include <cstddef>
#include <vector>

#include "attnviz/model.h"
#include "attnviz/tokens.h"

namespace attnviz::cli {

/// What the model reads at once: a run of the text's own tokens, between the special tokens that the
/// tokenizer puts around a text.
struct TextWindow {
  Encoding encoding;
  std::size_t begin = 0, end = 0;  ///< its own tokens, as the whole text counts them
};

/// Windows of `length` tokens, half of whose own lie in the next, too; the last ends with the text. None
/// where the text is no longer. Throws Error: too short for a token or two beside the special ones.
[[nodiscard]] std::vector<TextWindow> windows_of(const Encoding& whole, std::size_t length);

/// The windows' attention as the whole text's. A token's row is that of the window in which it lies most
/// central: weights on the special tokens of that window are the whole text's special tokens', and on tokens
/// that it does not hold, 0. Rows sum to 1.
[[nodiscard]] Attention run_windows(Model& model, const Encoding& whole,
                                    const std::vector<TextWindow>& windows, const Selection& selection);

}  // namespace attnviz::cli
