/// target: encoder-decoders: which of their attention is meant, and what their decoder reads.
#pragma once

#include <string>

#include "attnviz/catalog.h"
#include "attnviz/model.h"
#include "attnviz/tokens.h"
#include "cli/flags.h"
#include "cli/request.h"

namespace attnviz::cli {

/// --attention encoder|decoder|cross|all.
void add_attention_flag(Flags& flags, ModelChoice& choice);

/// A text that a decoder is to read beside its source.
struct TargetWish {
  bool given = false;
  std::string flag = "--target";  ///< as errors name it
  bool taken = false;             ///< by the command
};

/// What the choice means: without --attention cross attention, where there is a target. Throws Error: a
/// target or a part that the model has no decoder for, a part without a target, flags that do not go with a
/// decoder's attention.
[[nodiscard]] AttentionPart part_of(const ModelChoice& choice, const ModelCard& card,
                                    const TargetWish& target);

/// The reader's card becomes that of one part: its layers, its heads, whether it is causal.
void look_at(Reader& reader, AttentionPart part);

/// "Encoder", "Decoder", "Cross attention".
[[nodiscard]] std::string title_of(AttentionPart part);

/// "encoder", "decoder", "cross".
[[nodiscard]] std::string name_of(AttentionPart part);

/// What a decoder reads of a target, as transformers shifts labels: `start_id`, then the target's tokens but
/// the last. Each is read where the next one is to be predicted. Throws Error where the vocabulary has no
/// start_id.
[[nodiscard]] Encoding decoder_input(const Tokenizer& tokenizer, const std::string& target,
                                     std::int64_t start_id, const EncodeOptions& options = {});

}  // namespace attnviz::cli
