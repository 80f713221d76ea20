/// Numbers on the way through a model that are not finite: where, and in which words that is said.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "attnviz/error.h"
#include "attnviz/model.h"

namespace attnviz {

/// A score that no weight can be made of.
struct BadScore {
  std::int64_t query = 0, key = 0;
  float value = 0;
  bool hidden = false;  ///< finite, and so large that a mask does not hide it
};

/// The first state, score or weight that is not finite.
struct NotFinite {
  int layer = 1;
  bool cross = false;
  std::optional<int> head = {};          ///< none: the states behind the layer
  std::optional<BadScore> score = {};    ///< none: the head's weights or norms
  std::optional<int> bad_states = {};    ///< the layer whose states were not finite before; 0: the embeddings
  AttentionPart of = AttentionPart::encoder;  ///< an encoder, or a decoder with its cross attention
};

/// What a run met, of the texts whose tokens they are.
[[nodiscard]] Error not_finite_error(const NotFinite& fault, const ModelCard& card, Precision precision,
                                     const Encoding& queries, const Encoding& keys);

/// Of what a model makes of its last states.
[[nodiscard]] Error not_finite_logits(const ModelCard& card, Precision precision);

}  // namespace attnviz
