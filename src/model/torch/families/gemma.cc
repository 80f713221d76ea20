/// Gemma (Mesnard et al. 2024), the first: Llama with scaled embeddings and norms whose weights are stored
/// less 1.
#include <cmath>

#include "model/torch/families/families.h"

namespace attnviz {
namespace {

Architecture read_gemma(const Config& config) {
  const Defaults sizes = {.layers = 28,
                          .heads = 16,
                          .hidden = 3072,
                          .inner = 24576,
                          .vocabulary = 256000,
                          .positions = 8192,
                          .epsilon = 1e-6,
                          .activation = "gelu_pytorch_tanh"};
  if (config.flag("use_bidirectional_attention", false)) config.refuse("use_bidirectional_attention true");
  Architecture read =
      read_llama_like(config, {.sizes = sizes, .key_heads = 16, .head_size = 256, .tied = true});
  read.top.padding_id = 0;
  read.projection_bias = read.output_bias = config.flag("attention_bias", false);
  read.norm = NormKind::rms_around_one;
  read.word_scale = std::sqrt(static_cast<double>(read.hidden));
  // The first releases say gelu and mean the approximation.
  if (read.activation == "gelu") read.activation = "gelu_pytorch_tanh";
  return read;
}

}  // namespace

const Family kGemma = {{"gemma"}, read_gemma};

}  // namespace attnviz
