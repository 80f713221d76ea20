/// Tokenizers that transformers 5.23 makes of a bare .model file of sentencepiece.
#pragma once

#include "tokens/model_directory.h"

namespace attnviz::tokens {

/// The name of the family's .model file; nullptr for a family without one.
[[nodiscard]] const char* sentencepiece_file_name(Family family);

/// `settings` is tokenizer_config.json. Throws Error naming the file and the fault.
[[nodiscard]] Pipeline read_sentencepiece_directory(Directory& directory, const json& settings,
                                                    Family family);

}  // namespace attnviz::tokens
