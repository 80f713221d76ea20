/// Mistral (Jiang et al. 2023): Llama, with one sliding window for all layers.
#include "model/torch/families/families.h"

namespace attnviz {
namespace {

Architecture read_mistral(const Config& config) {
  const Defaults sizes = {.layers = 32,
                          .heads = 32,
                          .hidden = 4096,
                          .inner = 14336,
                          .vocabulary = 32000,
                          .positions = 131072,
                          .epsilon = 1e-6,
                          .activation = "silu"};
  Architecture read = read_llama_like(config, {.sizes = sizes, .key_heads = 8});
  if (config.is_null("sliding_window")) return read;
  const std::int64_t window = config.size({"sliding_window"}, 4096);
  for (LayerPlan& layer : read.layers) layer.window = width_of_window(read, window);
  return read;
}

}  // namespace

const Family kMistral = {{"mistral"}, read_mistral};

}  // namespace attnviz
