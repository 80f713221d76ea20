/// Reads the parts of a tokenizer.json around its model. Each throws Error for what is not supported.
#pragma once

#include "tokens/component.h"
#include "tokens/normalizer.h"
#include "tokens/post_processor.h"
#include "tokens/pre_tokenizer.h"
#include "tokens/regex.h"

namespace attnviz::tokens {

[[nodiscard]] Normalizer read_normalizer(const Component& normalizer);
[[nodiscard]] PreTokenizer read_pre_tokenizer(const Component& pre_tokenizer);
/// {"String": ".."} or {"Regex": ".."}.
[[nodiscard]] Regex read_pattern(const Component& component);
[[nodiscard]] PostProcessor read_post_processor(const Component& processor);

}  // namespace attnviz::tokens
