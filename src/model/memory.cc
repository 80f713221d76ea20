#include <algorithm>

#include "attnviz/model.h"

namespace attnviz {
namespace {

/// Numbers that a batch makes, in floats.
struct Shapes {
  std::size_t chosen_maps = 0;  ///< one layer's weights for the heads asked for
  std::size_t maps = 0;         ///< one layer's weights for all heads
  std::size_t states = 0;       ///< one vector of the model's width for every token
};

/// Measured (tests/memory_parity.py), as what is held beside the results at the same time: scores, which our
/// own softmax turns into weights where they lie, a trace's elsewhere; states, queries, keys, values and
/// outputs; or the feed-forward part, four times as wide as the states, once for our own forward pass and
/// some times over for a trace, most for GPT-2's activation, which is traced step by step.
constexpr std::size_t kTracedSoftmax = 2;
constexpr std::size_t kProjections = 6;
constexpr std::size_t kLastProjections = 3;  ///< behind the deepest layer asked for there are no values
constexpr std::size_t kNorms = 2;            ///< the values after all, and what one head makes of them
constexpr std::size_t kFeedForward = 8;
constexpr std::size_t kTracedFeedForward = 11, kTracedCausalFeedForward = 21;
constexpr std::size_t kWorkspaceBytes = 3 << 19;  ///< the matrix library's own buffers
constexpr std::size_t kRounding = 32;  ///< a part in so many is lost to the ends of pages and blocks

std::size_t checkpoint_floats(const Shapes& shapes, bool first_layer_only, WeightKind kind) {
  const std::size_t norms = kind == WeightKind::norm ? kNorms * shapes.states : 0;
  if (first_layer_only) return shapes.chosen_maps + kLastProjections * shapes.states + norms;
  return std::max(shapes.chosen_maps + kProjections * shapes.states + norms, kFeedForward * shapes.states);
}

std::size_t torchscript_floats(const Shapes& shapes, const ModelCard& card) {
  const std::size_t attention = kTracedSoftmax * shapes.maps + kProjections * shapes.states;
  const std::size_t feed_forward = card.causal ? kTracedCausalFeedForward : kTracedFeedForward;
  return static_cast<std::size_t>(card.layers) * shapes.maps +
         std::max(attention, feed_forward * shapes.states);
}

}  // namespace

std::size_t predicted_memory(const ModelCard& card, const BatchShape& batch, const Selection& selection,
                             Backend backend) {
  const auto [sentences, tokens, target_tokens] = batch;
  const auto model_layers = static_cast<std::size_t>(card.layers);
  const auto model_heads = static_cast<std::size_t>(card.heads);
  const std::size_t layers = selection.layers.empty() ? model_layers : selection.layers.size();
  const std::size_t heads = selection.heads.empty() ? model_heads : selection.heads.size();
  const std::size_t map = sentences * tokens * tokens;
  const Shapes shapes{heads * map, model_heads * map,
                      sentences * tokens * static_cast<std::size_t>(card.hidden)};
  std::size_t floats = layers * shapes.chosen_maps;
  if (backend == Backend::torchscript || (backend == Backend::automatic && !card.has_checkpoint)) {
    floats += torchscript_floats(shapes, card);
  } else {
    const auto deepest = std::max_element(selection.layers.begin(), selection.layers.end());
    floats += checkpoint_floats(shapes, deepest != selection.layers.end() && *deepest == 1, selection.kind);
  }
  if (selection.with_query_key && model_heads > 0) floats += 2 * layers * shapes.states * heads / model_heads;
  const std::size_t mask = card.causal ? tokens * tokens : 0;  // a byte each
  const std::size_t bytes = floats * sizeof(float) + mask;
  return bytes + bytes / kRounding + kWorkspaceBytes;
}

}  // namespace attnviz
