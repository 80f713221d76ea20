/// GPT-NeoX (Black et al. 2022), Pythia among them: projections fused head by head, rotary positions in a
/// part of each head, attention and feed-forward part side by side.
#include "model/torch/families/families.h"
#include "model/torch/rotary.h"

namespace attnviz {
namespace {

Architecture read_gpt_neox(const Config& config) {
  const Defaults defaults = {.layers = 44,
                             .heads = 64,
                             .hidden = 6144,
                             .inner = 24576,
                             .vocabulary = 50432,
                             .positions = 2048,
                             .epsilon = 1e-5};
  Architecture read = read_sizes(config, {}, defaults, "layers.");
  set_head_size(divided_width(config, read), read);
  if (config.has("head_dim") && config.integer({"head_dim"}, 0) != read.head_size) {
    config.refuse("head_dim other than the width divided by the heads");
  }
  read.rotary =
      read_rotary(config, read, {.theta = "rotary_emb_base", .share = "rotary_pct", .default_share = 0.25});
  read.causal = masks_the_future(config);
  read.order = config.flag("use_parallel_residual", true) ? NormOrder::parallel : NormOrder::before;
  read.fused = Fused::by_head;
  read.projection_bias = read.output_bias = config.flag("attention_bias", true);
  read.names = {.words = "embed_in",
                .query = "attention.query_key_value",
                .key = "attention.query_key_value",
                .value = "attention.query_key_value",
                .output = "attention.dense",
                .attention_norm = "input_layernorm",
                .inner = "mlp.dense_h_to_4h",
                .outer = "mlp.dense_4h_to_h",
                .output_norm = "post_attention_layernorm",
                .final_norm = "final_layer_norm"};
  read.top = top_of_decoder(config, /*tied=*/false);
  read.top.next_token = "embed_out";
  return read;
}

}  // namespace

const Family kGptNeox = {{"gpt_neox"}, read_gpt_neox};

}  // namespace attnviz
