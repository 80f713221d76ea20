#include "model/torch/not_finite.h"

#include <cmath>

#include "attnviz/text.h"

namespace attnviz {
namespace {

/// "“bank” (5)"
std::string named(const Encoding& encoding, std::int64_t token) {
  const auto index = static_cast<std::size_t>(token);
  const std::string number = std::to_string(token);
  return index < encoding.tokens.size() ? "“" + visible(encoding.tokens[index]) + "” (" + number + ")"
                                        : "token " + number;
}

std::string value_of(float value) {
  if (std::isnan(value)) return "nan";
  return value > 0 ? "infinity" : "-infinity";
}

std::string states_of(int layer) {
  return layer == 0 ? "the embeddings" : "the states behind layer " + std::to_string(layer);
}

std::string hint_of(Precision precision) {
  const std::string draw = "--allow-non-finite draws it all the same, and marks what is not finite";
  return precision == Precision::fp16 ? "bf16 holds as large numbers as fp32 does; " + draw : draw;
}

/// What is wrong with the head.
std::string fault_of(const NotFinite& fault, const Encoding& queries, const Encoding& keys) {
  if (!fault.score) return "weights that are not finite";
  const BadScore& score = *fault.score;
  const std::string whose = "the score of " + named(queries, score.query) + " for " + named(keys, score.key);
  return score.hidden ? whose + " is so large that the mask does not hide it"
                      : whose + ": expected a finite number, got " + value_of(score.value);
}

}  // namespace

Error not_finite_error(const NotFinite& fault, const ModelCard& card, Precision precision,
                       const Encoding& queries, const Encoding& keys) {
  std::string text = visible(card.name) + ": ";
  if (card.is_encoder_decoder()) text += fault.of == AttentionPart::encoder ? "encoder, " : "decoder, ";
  if (fault.head) {
    text += "layer " + std::to_string(fault.layer) + " head " + std::to_string(*fault.head) +
            (fault.cross ? " of cross attention" : "") + ": " + fault_of(fault, queries, keys);
    if (fault.bad_states) text += "; " + states_of(*fault.bad_states) + " are not finite";
  } else {
    text += states_of(fault.bad_states.value_or(fault.layer)) + " are not finite";
  }
  return Error(text, hint_of(precision));
}

Error not_finite_logits(const ModelCard& card, Precision precision) {
  return Error(visible(card.name) + ": its prediction is not finite, though all layers' states are",
               hint_of(precision));
}

}  // namespace attnviz
