/// Tokenizers that transformers 5.24 makes of a bare .model file of sentencepiece.
#pragma once

#include "tokens/model_directory.h"

namespace attnviz::tokens {

/// The name of the family's .model file; nullptr for a family without one.
[[nodiscard]] const char* sentencepiece_file_name(Family family);

/// Throws Error naming the file and the fault.
[[nodiscard]] Pipeline read_sentencepiece_directory(Directory& directory, const TokenFiles& files,
                                                    Family family);

}  // namespace attnviz::tokens
