/// What transformers' classes make their tokenizers of, as plain data: the parts of a tokenizer.json that
/// they put in place of the file's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tokens/component.h"
#include "tokens/family.h"
#include "tokens/members.h"

namespace attnviz::tokens {

using Defaults = std::vector<std::pair<std::string, json>>;

/// The named tokens of a class where no file names others: "cls_token" and its content; null for none.
[[nodiscard]] Defaults default_tokens(Family family);

/// What the class does to the arguments that it is made with: some names become tokens with options, and
/// "additional_special_tokens" is completed.
void complete_arguments(Family family, Members& arguments);

/// T5's tokens for gaps in a text, "<extra_id_0>" and so on. Throws Error for too many.
[[nodiscard]] std::size_t count_of_extra_ids(const Members& arguments);

/// Of `options` (tokenizer_config.json); null for none. `character_map` is a "Precompiled" normalizer, or
/// null.
[[nodiscard]] json normalizer_of(Family family, const Component& options, const json& character_map);
[[nodiscard]] json pre_tokenizer_of(Family family, const Component& options);

}  // namespace attnviz::tokens
