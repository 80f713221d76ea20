/// Llama (Touvron et al. 2023; Grattafiori et al. 2024), and what its relatives share with it.
#include "model/torch/families/families.h"
#include "model/torch/rotary.h"

namespace attnviz {

Architecture read_llama_like(const Config& config, const DecoderDefaults& defaults) {
  Architecture read = read_sizes(config, {.epsilon = "rms_norm_eps"}, defaults.sizes, "layers.");
  // null stands for as many as heads, even where a missing entry does not
  const bool as_heads = defaults.key_heads == 0 || config.is_null("num_key_value_heads");
  read.key_heads = config.size({"num_key_value_heads"}, as_heads ? read.heads : defaults.key_heads,
                               Config::kMostLayersOrHeads);
  if (read.heads % read.key_heads != 0) {
    config.fault("num_key_value_heads: " + std::to_string(read.key_heads) + " do not divide " +
                 std::to_string(read.heads) + " heads");
  }
  const bool divided = defaults.head_size == 0 && !config.has("head_dim");
  set_head_size(divided ? divided_width(config, read) : config.size({"head_dim"}, defaults.head_size), read);
  read.rotary = read_rotary(config, read);
  if (2 * static_cast<std::int64_t>(read.rotary.frequencies.size()) != read.head_size) {
    config.refuse("partial_rotary_factor below 1");
  }
  read.causal = masks_the_future(config);
  read.order = NormOrder::before;
  read.norm = NormKind::rms;
  read.projection_bias = read.output_bias = read.feed_forward_bias = false;
  read.names = {.words = "embed_tokens",
                .query = "self_attn.q_proj",
                .key = "self_attn.k_proj",
                .value = "self_attn.v_proj",
                .output = "self_attn.o_proj",
                .attention_norm = "input_layernorm",
                .gate = "mlp.gate_proj",
                .inner = "mlp.up_proj",
                .outer = "mlp.down_proj",
                .output_norm = "post_attention_layernorm",
                .final_norm = "norm"};
  read.top = top_of_decoder(config, defaults.tied);
  return read;
}

namespace {

Architecture read_llama(const Config& config) {
  const Defaults sizes = {.layers = 32,
                          .heads = 32,
                          .hidden = 4096,
                          .inner = 11008,
                          .vocabulary = 32000,
                          .positions = 2048,
                          .epsilon = 1e-6,
                          .activation = "silu"};
  Architecture read = read_llama_like(config, {.sizes = sizes});
  read.projection_bias = read.output_bias = config.flag("attention_bias", false);
  read.feed_forward_bias = config.flag("mlp_bias", false);
  return read;
}

}  // namespace

const Family kLlama = {{"llama"}, read_llama};

}  // namespace attnviz
