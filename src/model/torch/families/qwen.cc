/// Qwen2 (Yang et al. 2024) and Qwen3 (Yang et al. 2025): Llama, with windows in some layers; the first with
/// biases on queries, keys and values, the second with norms of queries and keys.
#include "model/torch/families/families.h"

namespace attnviz {
namespace {

constexpr Defaults kSizes = {.layers = 32,
                             .heads = 32,
                             .hidden = 4096,
                             .inner = 22016,
                             .vocabulary = 151936,
                             .positions = 32768,
                             .epsilon = 1e-6,
                             .activation = "silu"};

/// By layer_types, else from max_window_layers on.
void set_windows_by_layer(const Config& config, Architecture& read) {
  const bool slides = config.flag("use_sliding_window", false) && !config.is_null("sliding_window");
  const std::int64_t window = slides ? config.size({"sliding_window"}, 4096) : 0;
  const std::int64_t first = config.integer({"max_window_layers"}, 28);
  const std::vector<std::string> types = config.texts("layer_types");
  if (!types.empty() && types.size() != read.layers.size()) {
    config.fault("layer_types: expected " + std::to_string(read.layers.size()) + ", got " +
                 std::to_string(types.size()));
  }
  for (std::size_t i = 0; i < read.layers.size(); ++i) {
    const std::string usual = static_cast<std::int64_t>(i) >= first ? "sliding_attention" : "full_attention";
    const std::string& type = types.empty() ? usual : types[i];
    if (type == "sliding_attention") {
      if (window == 0 && !types.empty()) config.fault("layer_types: a sliding layer, but no sliding window");
      read.layers[i].window = width_of_window(read, window);
    } else if (type != "full_attention" && type != "attention") {
      config.refuse("layer type \"" + type + "\"");
    }
  }
}

Architecture read_qwen2(const Config& config) {
  Architecture read = read_llama_like(config, {.sizes = kSizes, .key_heads = 32});
  read.projection_bias = true;
  set_windows_by_layer(config, read);
  return read;
}

Architecture read_qwen3(const Config& config) {
  Architecture read = read_llama_like(config, {.sizes = kSizes, .key_heads = 32, .head_size = 128});
  read.projection_bias = read.output_bias = config.flag("attention_bias", false);
  read.names.query_norm = "self_attn.q_norm";
  read.names.key_norm = "self_attn.k_norm";
  set_windows_by_layer(config, read);
  return read;
}

}  // namespace

const Family kQwen2 = {{"qwen2"}, read_qwen2};
const Family kQwen3 = {{"qwen3"}, read_qwen3};

}  // namespace attnviz
