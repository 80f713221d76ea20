#include <algorithm>
#include <iterator>
#include <string_view>

#include "attnviz/model.h"

namespace attnviz {
namespace {

/// Numbers that a batch makes, in floats.
struct Shapes {
  std::size_t chosen_maps = 0;  ///< one layer's weights for the heads asked for
  std::size_t maps = 0;         ///< one layer's weights for all heads
  std::size_t states = 0;       ///< one vector of the model's width for every token
  std::size_t bias = 0;         ///< on the scores of one sentence, by distance, for all heads
  std::size_t source_bias = 0;
  std::size_t chosen_states = 0;  ///< queries and keys of the heads asked for
  std::size_t source = 0;         ///< the same of an encoder, whose last states its decoder keeps; 0: not run
};

/// Measured (tests/memory_parity.py), as what is held beside the results at the same time: scores, which our
/// own softmax turns into weights where they lie, a trace's elsewhere; states, queries, keys, values and
/// outputs; or the feed-forward part, four times as wide as the states, once for our own forward pass and
/// some times over for a trace, most for GPT-2's activation, which is traced step by step.
constexpr std::size_t kTracedSoftmax = 2;
constexpr std::size_t kProjections = 7;
constexpr std::size_t kSourceProjections = 3;  ///< its states, keys and values
constexpr std::size_t kLastProjections = 6;    ///< behind the deepest layer asked for there are no values
constexpr std::size_t kNorms = 2;              ///< the values after all, and what one head makes of them
constexpr std::size_t kFeedForward = 8;
constexpr std::size_t kTracedFeedForward = 11, kTracedCausalFeedForward = 21;
constexpr std::size_t kWorkspaceBytes = 3 << 19;  ///< the matrix library's own buffers
/// Of half precision, with the code made for its shapes.
constexpr std::size_t kHalfWorkspaceBytes = 21 << 18;
constexpr std::size_t kRounding = 32;  ///< a part in so many is lost to the ends of pages and blocks

/// By distance, held for one sentence and all heads.
bool adds_bias(const ModelCard& card) {
  constexpr std::string_view kBiased[] = {"t5", "mt5", "mpnet"};
  return std::find(std::begin(kBiased), std::end(kBiased), card.architecture) != std::end(kBiased);
}

bool is_first_layer_only(const Selection& selection) {
  const auto& layers = selection.layers;
  const auto deepest = std::max_element(layers.begin(), layers.end());
  return deepest != layers.end() && *deepest == 1;
}

/// Of the stack that gives the maps.
std::size_t stack_floats(const Shapes& shapes, const Selection& selection) {
  const std::size_t norms = selection.kind == WeightKind::norm ? kNorms * shapes.states : 0;
  if (is_first_layer_only(selection) && shapes.source == 0) {
    return shapes.chosen_maps + shapes.bias + kLastProjections * shapes.states + norms;
  }
  const std::size_t across = kSourceProjections * shapes.source;
  return shapes.bias + std::max(shapes.chosen_maps + kProjections * shapes.states + across + norms,
                                kFeedForward * shapes.states + shapes.source);
}

/// The same in half precision: states take half as much, but for the queries and keys that maps are made of.
std::size_t half_stack_floats(const Shapes& shapes, const Selection& selection) {
  constexpr std::size_t kInHalf = 5, kLastInHalf = 3, kFeedForwardInHalf = 6;
  const std::size_t maps = shapes.chosen_maps + shapes.chosen_states +
                           (selection.kind == WeightKind::norm ? kNorms * shapes.states : 0);
  if (is_first_layer_only(selection) && shapes.source == 0)
    return maps + shapes.bias + kLastInHalf * shapes.states / 2;
  return shapes.bias + std::max(maps + (kInHalf * shapes.states + kSourceProjections * shapes.source) / 2,
                                (kFeedForwardInHalf * shapes.states + shapes.source) / 2);
}

/// Results are made when the source is read.
std::size_t checkpoint_floats(const Shapes& shapes, std::size_t results, const Selection& selection,
                              Precision precision) {
  return std::max(shapes.source_bias + kFeedForward * shapes.source,
                  results + (precision == Precision::fp32 ? stack_floats(shapes, selection)
                                                          : half_stack_floats(shapes, selection)));
}

std::size_t torchscript_floats(const Shapes& shapes, const ModelCard& card) {
  const std::size_t attention = kTracedSoftmax * shapes.maps + kProjections * shapes.states;
  const std::size_t feed_forward = card.causal ? kTracedCausalFeedForward : kTracedFeedForward;
  return static_cast<std::size_t>(card.layers) * shapes.maps +
         std::max(attention, feed_forward * shapes.states);
}

/// Of what comes behind a token.
std::size_t mask_bytes(std::size_t tokens) { return tokens * tokens; }

std::size_t rounded_up(std::size_t bytes, Precision precision = Precision::fp32) {
  return bytes + bytes / kRounding + (precision == Precision::fp32 ? kWorkspaceBytes : kHalfWorkspaceBytes);
}

}  // namespace

std::size_t prediction_memory(const ModelCard& card, std::size_t tokens, std::size_t logits) {
  constexpr std::size_t kCopies = 3;  // the tensor, the logits and the probabilities
  const std::size_t states = tokens * static_cast<std::size_t>(card.hidden);
  return rounded_up((kFeedForward * states + kCopies * logits) * sizeof(float) +
                    (card.causal ? mask_bytes(tokens) : 0));
}

std::size_t predicted_memory(const ModelCard& card, const BatchShape& batch, const Selection& selection,
                             const ModelOptions& options) {
  const AttentionPart part = selection.part;
  const bool decoded = part != AttentionPart::encoder;
  const auto part_layers = static_cast<std::size_t>(layers_of(card, part));
  const auto part_heads = static_cast<std::size_t>(heads_of(card, part));
  const std::size_t layers = selection.layers.empty() ? part_layers : selection.layers.size();
  const std::size_t heads = selection.heads.empty() ? part_heads : selection.heads.size();
  const std::size_t queries = decoded ? batch.target_tokens : batch.tokens;
  const std::size_t keys = part == AttentionPart::decoder ? batch.target_tokens : batch.tokens;
  const std::size_t map = batch.sentences * queries * keys;
  const std::size_t state = batch.sentences * static_cast<std::size_t>(card.hidden);
  const bool reads_source =
      part == AttentionPart::cross || (part == AttentionPart::decoder && !is_first_layer_only(selection));
  Shapes shapes{.chosen_maps = heads * map, .maps = part_heads * map, .states = queries * state};
  if (reads_source) shapes.source = batch.tokens * state;
  if (adds_bias(card)) {
    // With one product more of the states, inside T5's norms.
    shapes.bias = (part_heads + selection.heads.size()) * queries * queries + shapes.states;
    if (reads_source) shapes.source_bias = static_cast<std::size_t>(card.heads) * batch.tokens * batch.tokens;
  }
  std::size_t results = layers * shapes.chosen_maps;
  shapes.chosen_states = part_heads > 0 ? (queries + keys) * state * heads / part_heads : 0;
  if (selection.with_query_key) results += layers * shapes.chosen_states;
  const bool traced = options.backend == Backend::torchscript ||
                      (options.backend == Backend::automatic && !card.has_checkpoint);
  const std::size_t floats = traced ? results + torchscript_floats(shapes, card)
                                    : checkpoint_floats(shapes, results, selection, options.precision);
  return rounded_up(floats * sizeof(float) + (card.causal || decoded ? mask_bytes(queries) : 0),
                    options.precision);
}

}  // namespace attnviz
