/// What sentencepiece itself does to a text before it cuts it (its normalizer.cc), which is not what Hugging
/// Face's tokenizers make of the same model.
#pragma once

#include "tokens/normalizer.h"
#include "tokens/sentencepiece_file.h"

namespace attnviz::tokens {

/// The longest known beginnings of the text are replaced, one behind the other; white space at both ends
/// vanishes, each run in between is one "▁", and one stands before the text. Throws Error where the model
/// wants other white space.
[[nodiscard]] NormalizerStep sentencepiece_normalizer(const SentencePieceFile& file);

}  // namespace attnviz::tokens
