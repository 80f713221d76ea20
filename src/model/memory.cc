#include <algorithm>
#include <span>
#include <string_view>

#include "attnviz/model.h"

namespace attnviz {
namespace {

/// What the tokens of one stack take, in floats.
struct Widths {
  Amount states = 0;   ///< one vector of the model's width for every token
  Amount vectors = 0;  ///< the queries of all heads, and as much for keys or values
  Amount inner = 0;    ///< the feed-forward part, without a gate
};

/// Numbers that a batch makes, in floats.
struct Shapes {
  Amount chosen_maps = 0;          ///< one layer's weights for the heads asked for
  Amount maps = 0;                 ///< one layer's weights for all heads
  Amount chosen_vectors = 0;       ///< queries and keys of the heads asked for
  Widths own = {};                 ///< of the tokens that attend
  Widths source = {};              ///< of an encoder, whose last states its decoder keeps; 0: not run
  Amount bias = 0;                 ///< on the scores, by distance, for all heads
  Amount source_bias = 0;
  Amount masked_bias = 0, source_masked_bias = 0;  ///< a copy for each sentence of a padded batch
  Amount added_mask = 0;                           ///< a window's, as it is added to the scores
};

/// Measured (tests/memory_parity.py), as what is held beside the results at the same time: scores, which our
/// own softmax turns into weights where they lie, a trace's elsewhere; states, queries, keys, values and
/// outputs; or the feed-forward part, once for our own forward pass and its gate, some times over for a
/// trace, most for GPT-2's activation, which is traced step by step.
constexpr Amount kTracedSoftmax = 2;
constexpr Amount kAttentionStates = 2, kAttentionVectors = 4;  ///< queries, keys, values and outputs
constexpr Amount kTracedVectors = 5;
constexpr Amount kFeedForwardStates = 3;
constexpr Amount kTracedInner = 2, kTracedGatedInner = 3, kTracedCausalInner = 4;
constexpr Amount kUsualInner = 4;            ///< times the model's width
constexpr Amount kWorkspaceBytes = 13 << 17;  ///< the matrix library's own buffers
/// What it packs of weights, a number of their width.
constexpr Amount kPackedInner = 1100, kPackedHidden = 900;
/// Of half precision, with the code made for its shapes.
constexpr Amount kHalfWorkspaceBytes = 21 << 18;
constexpr std::size_t kRounding = 32;  ///< a part in so many is lost to the ends of pages and blocks

bool is_among(std::string_view name, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// By distance.
bool adds_bias(const ModelCard& card) {
  constexpr std::string_view kBiased[] = {"t5", "mt5", "mpnet"};
  return is_among(card.architecture, kBiased);
}

/// A decoder alone, whichever way it attends.
bool is_decoder(const ModelCard& card) {
  constexpr std::string_view kDecoders[] = {"gpt2",  "gpt_neo", "gpt_neox", "opt",  "llama",
                                            "gemma", "mistral", "qwen2",    "qwen3"};
  return card.causal || is_among(card.architecture, kDecoders);
}

/// Norms stand before each part, whose input is held beside what they make of it.
bool norms_before(const ModelCard& card) {
  constexpr std::string_view kBefore[] = {"t5", "mt5", "mbart", "pegasus", "blenderbot"};
  return is_decoder(card) || is_among(card.architecture, kBefore);
}

/// Queries and keys are turned by their positions, in float32.
bool rotates(const ModelCard& card) {
  constexpr std::string_view kRotary[] = {"llama", "mistral", "qwen2", "qwen3", "gemma", "gpt_neox"};
  return is_among(card.architecture, kRotary);
}

Amount inner_of(const ModelCard& card, AttentionPart part) {
  const int inner = part == AttentionPart::encoder ? card.inner : card.decoder_inner;
  return inner > 0 ? static_cast<std::size_t>(inner) : kUsualInner * static_cast<std::size_t>(card.hidden);
}

Widths widths_of(const ModelCard& card, AttentionPart part, Amount tokens) {
  const Amount hidden = static_cast<std::size_t>(card.hidden);
  const Amount heads = static_cast<std::size_t>(heads_of(card, part));
  const Amount vectors = card.head_size > 0 ? static_cast<std::size_t>(card.head_size) * heads : hidden;
  return {tokens * hidden, tokens * vectors, tokens * inner_of(card, part)};
}

bool is_first_layer_only(const Selection& selection) {
  const auto& layers = selection.layers;
  const auto deepest = std::max_element(layers.begin(), layers.end());
  return deepest != layers.end() && *deepest == 1;
}

Amount feed_forward_floats(const Widths& widths, const ModelCard& card) {
  return (kFeedForwardStates + (norms_before(card) ? 1 : 0)) * widths.states +
         (card.gated ? 2 : 1) * widths.inner;
}

/// Of the stack that gives the maps. Queries and keys that maps are made of are copied. Behind the deepest
/// layer asked for there is nothing else; norms need what one head makes of the values, and these after all.
Amount stack_floats(const Shapes& shapes, const ModelCard& card, const Selection& selection) {
  const Widths &own = shapes.own, &source = shapes.source;
  const bool norms = selection.kind == WeightKind::norm;
  const Amount states = (kAttentionStates + (norms_before(card) ? 1 : 0)) * own.states;
  const Amount maps = shapes.chosen_maps + shapes.chosen_vectors + (norms ? own.states : 0);
  const Amount last = maps + shapes.chosen_vectors + (norms ? own.vectors : 0);
  if (is_first_layer_only(selection) && source.states == 0) return shapes.bias + states + last;
  const Amount keys = selection.part == AttentionPart::cross ? source.vectors : own.vectors;
  const Amount taken = maps + own.vectors + 2 * keys;
  const Amount attended =
      2 * own.vectors + 2 * std::max(own.vectors, source.vectors) + shapes.masked_bias + shapes.added_mask;
  return shapes.bias + source.states +
         std::max(states + std::max({taken, attended, last}), feed_forward_floats(own, card));
}

/// The same in half precision: states take half as much, but for the queries and keys that maps are made of,
/// and what is turned or normed on the way.
Amount half_stack_floats(const Shapes& shapes, const ModelCard& card, const Selection& selection) {
  constexpr Amount kVectors = 3, kLastVectors = 1, kTurned = 8, kNormed = 7;
  const Widths &own = shapes.own, &source = shapes.source;
  const Amount maps = shapes.chosen_maps + shapes.chosen_vectors +
                      (selection.kind == WeightKind::norm ? own.states + own.vectors : 0);
  const Amount states = (norms_before(card) ? kAttentionStates : 1) * own.states;
  const Amount normed = rotates(card) || adds_bias(card) ? kNormed * own.states / 2 : 0;
  if (is_first_layer_only(selection) && source.states == 0)
    return shapes.bias + std::max(maps + (states + kLastVectors * shapes.chosen_vectors) / 2, normed);
  const Amount vectors = kVectors * own.vectors + 2 * source.vectors;
  const Amount taken = maps + (states + vectors) / 2;
  const Amount attended = (shapes.masked_bias + shapes.added_mask + states + vectors) / 2;
  const Amount turned = rotates(card) ? (states + kTurned * own.vectors) / 2 : 0;
  const Amount packed = kPackedInner * inner_of(card, selection.part) / sizeof(float);
  // A gate beside it is gone when the part's output is made.
  const Amount states_less = (card.gated ? 2 : 1) * own.states;
  const Amount feed_forward = (feed_forward_floats(own, card) - states_less + packed / 2) / 2;
  return shapes.bias + source.states / 2 + std::max({taken, attended, turned, normed, feed_forward});
}

/// Results are made when the source has been read.
Amount checkpoint_floats(const Shapes& shapes, const ModelCard& card, const Selection& selection,
                         Amount results, Precision precision) {
  const Amount attention = kAttentionStates * shapes.source.states +
                           kAttentionVectors * shapes.source.vectors + shapes.source_masked_bias;
  const Amount source = std::max(attention, feed_forward_floats(shapes.source, card));
  return std::max(shapes.source_bias + source,
                  results + (precision == Precision::fp32 ? stack_floats(shapes, card, selection)
                                                          : half_stack_floats(shapes, card, selection)));
}

Amount torchscript_floats(const Shapes& shapes, const ModelCard& card) {
  const Amount attention = kTracedSoftmax * shapes.maps + kAttentionStates * shapes.own.states +
                           kTracedVectors * shapes.own.vectors;
  const Amount ungated = is_decoder(card) ? kTracedCausalInner : kTracedInner;
  const Amount inner = card.gated ? kTracedGatedInner : ungated;
  return static_cast<std::size_t>(card.layers) * shapes.maps +
         std::max(attention, kFeedForwardStates * shapes.own.states + inner * shapes.own.inner);
}

bool slides(const ModelCard& card, Amount tokens) {
  return card.window > 0 && tokens > static_cast<std::size_t>(card.window);
}

/// Of what comes behind a token; and of what a window hides and what it shows, `copies` times.
Amount mask_bytes(const ModelCard& card, AttentionPart part, Amount tokens, Amount copies) {
  constexpr Amount kOfWindow = 2;
  return tokens * tokens *
         ((is_causal(card, part) ? 1 : 0) + (slides(card, tokens) ? kOfWindow * copies : 0));
}

Amount packed_bytes(const ModelCard& card, AttentionPart part, bool with_feed_forward) {
  const auto hidden = static_cast<std::size_t>(card.hidden);
  return kPackedHidden * hidden + (with_feed_forward ? kPackedInner * inner_of(card, part) : 0);
}

Amount rounded_up(Amount bytes, Precision precision = Precision::fp32) {
  return bytes + bytes / kRounding + (precision == Precision::fp32 ? kWorkspaceBytes : kHalfWorkspaceBytes);
}

}  // namespace

std::size_t prediction_memory(const ModelCard& card, std::size_t tokens, std::size_t logits) {
  constexpr Amount kCopies = 3;  // the tensor, the logits and the probabilities
  const Widths widths = widths_of(card, AttentionPart::encoder, tokens);
  const Amount attention = (kAttentionStates + 1) * widths.states + kAttentionVectors * widths.vectors;
  const Amount added_mask = slides(card, tokens) ? Amount(tokens) * tokens : 0;
  const Amount floats =
      std::max(attention + added_mask, feed_forward_floats(widths, card)) + kCopies * logits;
  const Amount bytes =
      rounded_up(floats * sizeof(float) + mask_bytes(card, AttentionPart::encoder, tokens, 1)) +
      packed_bytes(card, AttentionPart::encoder, /*with_feed_forward=*/true);
  return bytes.value();
}

std::size_t predicted_memory(const ModelCard& card, const BatchShape& batch, const Selection& selection,
                             const ModelOptions& options) {
  const AttentionPart part = selection.part;
  const bool decoded = part != AttentionPart::encoder;
  const auto part_layers = static_cast<std::size_t>(layers_of(card, part));
  const auto part_heads = static_cast<std::size_t>(heads_of(card, part));
  const Amount layers = selection.layers.empty() ? part_layers : selection.layers.size();
  const Amount heads = selection.heads.empty() ? part_heads : selection.heads.size();
  const Amount queries = decoded ? batch.target_tokens : batch.tokens;
  const Amount keys = part == AttentionPart::decoder ? batch.target_tokens : batch.tokens;
  const Amount map = batch.sentences * queries * keys;
  const bool first_only = is_first_layer_only(selection);
  const bool reads_source = part == AttentionPart::cross || (part == AttentionPart::decoder && !first_only);
  Shapes shapes{.chosen_maps = heads * map, .maps = part_heads * map};
  shapes.own = widths_of(card, part, batch.sentences * queries);
  if (reads_source)
    shapes.source = widths_of(card, AttentionPart::encoder, Amount(batch.sentences) * batch.tokens);
  if (adds_bias(card)) {
    shapes.bias = (part_heads + selection.heads.size()) * queries * queries;
    const Amount encoder = Amount(static_cast<std::size_t>(card.heads)) * batch.tokens * batch.tokens;
    const Amount copies = batch.padded ? batch.sentences * encoder : 0;
    if (reads_source) shapes.source_bias = encoder;
    if (reads_source) shapes.source_masked_bias = copies;
    // Of a decoder, order hides the padding already.
    if (!decoded) shapes.masked_bias = copies;
  }
  // Both ways, each sentence of a padded batch has a mask of its own.
  const Amount masks = batch.padded && !is_causal(card, part) ? batch.sentences : 1;
  if (slides(card, queries)) shapes.added_mask = masks * queries * queries;
  Amount results = layers * shapes.chosen_maps;
  const Amount pair = shapes.own.vectors + widths_of(card, part, batch.sentences * keys).vectors;
  shapes.chosen_vectors = part_heads > 0 ? pair * heads / part_heads : 0;
  if (selection.with_query_key) results = results + layers * shapes.chosen_vectors;
  const bool traced = options.backend == Backend::torchscript ||
                      (options.backend == Backend::automatic && !card.has_checkpoint);
  const Amount floats = traced ? results + torchscript_floats(shapes, card)
                               : checkpoint_floats(shapes, card, selection, results, options.precision);
  const Amount bytes = floats * sizeof(float) + mask_bytes(card, part, queries, masks);
  if (options.precision != Precision::fp32) return rounded_up(bytes, options.precision).value();
  return (rounded_up(bytes) + packed_bytes(card, part, traced || reads_source || !first_only)).value();
}

}  // namespace attnviz
