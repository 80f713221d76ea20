/// GPT-2 (Radford et al. 2019): a decoder with fused projections, stored the other way around.
#include "model/torch/families/families.h"

namespace attnviz {
namespace {

Architecture read_gpt2(const Config& config) {
  const Keys keys = {.layers = "n_layer",
                     .heads = "n_head",
                     .hidden = "n_embd",
                     .positions = "n_positions",
                     .inner = "n_inner",
                     .epsilon = "layer_norm_epsilon",
                     .activation = "activation_function"};
  const Defaults defaults = {
      .vocabulary = 50257, .positions = 1024, .epsilon = 1e-5, .activation = "gelu_new"};
  Architecture read = read_sizes(config, keys, defaults, "h.");
  set_head_size(divided_width(config, read), read);
  read.causal = masks_the_future(config);
  read.order = NormOrder::before;
  read.fused = Fused::in_thirds;
  read.input_major = true;
  // reorder_and_upcast_attn changes the order of operations only in half precision.
  const bool by_head_size = config.flag("scale_attn_weights", true);
  const bool by_layer = config.flag("scale_attn_by_inverse_layer_idx", false);
  for (std::size_t i = 0; i < read.layers.size(); ++i) {
    if (!by_head_size) read.layers[i].scale = 1;
    if (by_layer) read.layers[i].scale /= static_cast<double>(i + 1);
  }
  read.names = {.words = "wte",
                .positions = "wpe",
                .query = "attn.c_attn",
                .key = "attn.c_attn",
                .value = "attn.c_attn",
                .output = "attn.c_proj",
                .attention_norm = "ln_1",
                .inner = "mlp.c_fc",
                .outer = "mlp.c_proj",
                .output_norm = "ln_2",
                .final_norm = "ln_f"};
  read.top = top_of_decoder(config, /*tied=*/true);
  return read;
}

}  // namespace

const Family kGpt2 = {{"gpt2"}, read_gpt2};

}  // namespace attnviz
