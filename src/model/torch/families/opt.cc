/// OPT (Zhang et al. 2022): a decoder whose positions begin at 2; its 350m has narrow words and norms behind.
#include "model/torch/families/families.h"

namespace attnviz {
namespace {

constexpr std::int64_t kFirstPosition = 2;

Architecture read_opt(const Config& config) {
  const Defaults defaults = {
      .inner = 3072, .vocabulary = 50272, .positions = 2048, .epsilon = 1e-5, .activation = "relu"};
  const Keys keys = {.inner = "ffn_dim", .epsilon = nullptr, .activation = "activation_function"};
  Architecture read = read_sizes(config, keys, defaults, "decoder.layers.");
  set_head_size(divided_width(config, read), read);
  read.causal = masks_the_future(config);
  read.scales_queries = true;
  read.order = config.flag("do_layer_norm_before", true) ? NormOrder::before : NormOrder::behind;
  if (!config.flag("layer_norm_elementwise_affine", true)) {
    config.refuse("layer_norm_elementwise_affine false");
  }
  read.projection_bias = read.output_bias = read.feed_forward_bias = config.flag("enable_bias", true);
  read.first_position = kFirstPosition;
  read.positions += kFirstPosition;
  read.embedding = config.size({"word_embed_proj_dim"}, read.hidden);
  read.names = {
      .words = "decoder.embed_tokens",
      .positions = "decoder.embed_positions",
      .word_projection = read.embedding == read.hidden ? "" : "decoder.project_in",
      .query = "self_attn.q_proj",
      .key = "self_attn.k_proj",
      .value = "self_attn.v_proj",
      .output = "self_attn.out_proj",
      .attention_norm = "self_attn_layer_norm",
      .inner = "fc1",
      .outer = "fc2",
      .output_norm = "final_layer_norm",
      .final_norm = read.order == NormOrder::before && !config.flag("_remove_final_layer_norm", false)
                        ? "decoder.final_layer_norm"
                        : "",
      .final_projection = read.embedding == read.hidden ? "" : "decoder.project_out"};
  read.top = top_of_decoder(config, /*tied=*/true);
  read.top.padding_id = 1;
  return read;
}

}  // namespace

const Family kOpt = {{"opt"}, read_opt};

}  // namespace attnviz
