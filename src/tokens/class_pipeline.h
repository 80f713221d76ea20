/// A tokenizer of the parts of a tokenizer.json, or of vocabulary files, and of what a class of transformers
/// puts in their place.
#pragma once

#include "tokens/model_directory.h"
#include "tokens/tokenizer_class.h"
#include "tokens/tokenizer_json.h"

namespace attnviz::tokens {

/// `files` are tokenizer_config.json and its like; `files.listed` is null without a tokenizer.json. Throws
/// Error naming the file and the entry.
[[nodiscard]] Pipeline build_class_pipeline(const Directory& directory, const TokenizerClass& kind,
                                            const TokenFiles& files, Sections sections);

}  // namespace attnviz::tokens
