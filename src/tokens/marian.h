/// Marian's tokenizer (transformers 5.24, MarianTokenizer): texts are cut as sentencepiece itself does it, by
/// a model for sources and one for targets; vocab.json gives the ids of both.
#pragma once

#include "tokens/model_directory.h"

namespace attnviz::tokens {

/// Throws Error naming the file and the fault.
[[nodiscard]] Pipeline read_marian_directory(Directory& directory, const TokenFiles& files);

}  // namespace attnviz::tokens
