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

/// Measured on both offline models, as what is held beside the maps at the same time: scores before and after
/// their softmax; states, queries, keys, values and outputs; or the feed-forward part, four times as wide as
/// the states, once for our own forward pass and some times over for a trace.
constexpr std::size_t kSoftmax = 2;
constexpr std::size_t kProjections = 6;
constexpr std::size_t kLastProjections = 3;  ///< behind the deepest layer asked for there are no values
constexpr std::size_t kFeedForward = 8;
constexpr std::size_t kTracedFeedForward = 15;
constexpr std::size_t kWorkspaceBytes = 4 << 20;  ///< the matrix library's own buffers

std::size_t checkpoint_floats(const Shapes& shapes, bool first_layer_only) {
  const std::size_t softmax = kSoftmax * shapes.chosen_maps;
  if (first_layer_only) return softmax + kLastProjections * shapes.states;
  return std::max(softmax + kProjections * shapes.states, kFeedForward * shapes.states);
}

std::size_t torchscript_floats(const Shapes& shapes, std::size_t layers) {
  const std::size_t attention = kSoftmax * shapes.maps + kProjections * shapes.states;
  return layers * shapes.maps + std::max(attention, kTracedFeedForward * shapes.states);
}

}  // namespace

std::size_t predicted_memory(const ModelCard& card, std::size_t sentences, std::size_t tokens,
                             const Selection& selection, Backend backend) {
  const auto model_layers = static_cast<std::size_t>(card.layers);
  const auto model_heads = static_cast<std::size_t>(card.heads);
  const std::size_t layers = selection.layers.empty() ? model_layers : selection.layers.size();
  const std::size_t heads = selection.heads.empty() ? model_heads : selection.heads.size();
  const std::size_t map = sentences * tokens * tokens;
  const Shapes shapes{heads * map, model_heads * map,
                      sentences * tokens * static_cast<std::size_t>(card.hidden)};
  std::size_t floats = layers * shapes.chosen_maps;
  if (backend == Backend::torchscript || (backend == Backend::automatic && !card.has_checkpoint)) {
    floats += torchscript_floats(shapes, model_layers);
  } else {
    const auto deepest = std::max_element(selection.layers.begin(), selection.layers.end());
    floats += checkpoint_floats(shapes, deepest != selection.layers.end() && *deepest == 1);
  }
  if (selection.with_query_key && model_heads > 0) floats += 2 * layers * shapes.states * heads / model_heads;
  return floats * sizeof(float) + kWorkspaceBytes;
}

}  // namespace attnviz
