/// GPT-Neo (Black et al. 2021): a decoder with scores that are not scaled, and some layers that see a window.
#include <nlohmann/json.hpp>

#include "model/torch/families/families.h"

namespace attnviz {
namespace {

using Json = nlohmann::json;

/// A layer each, of [[["global", "local"], 12]]: 12 times both. Stops soon behind `most`.
std::vector<std::string> kinds_of_layers(const Config& config, std::size_t most) {
  const Json kDefault = {{{"global", "local"}, 12}};
  const Json types = config.has("attention_types") ? config.entry("attention_types") : kDefault;
  const auto expect = [&](bool condition) {
    if (!condition) config.fault("attention_types: expected [[[\"global\", \"local\"], 12]] or the like");
  };
  std::vector<std::string> kinds;
  try {
    for (const Json& group : types) {
      const auto names = group.at(0).get<std::vector<std::string>>();
      expect(group.at(1).is_number_integer());
      const auto times = names.empty() ? 0 : group.at(1).get<std::int64_t>();
      for (std::int64_t i = 0; i < times && kinds.size() <= most; ++i) {
        kinds.insert(kinds.end(), names.begin(), names.end());
      }
    }
  } catch (const Json::exception&) {
    expect(false);
  }
  return kinds;
}

void set_windows(const Config& config, Architecture& read) {
  const std::int64_t window = config.size({"window_size"}, 256);
  const std::size_t layers = read.layers.size();
  const std::vector<std::string> kinds = kinds_of_layers(config, layers);
  if (kinds.size() != layers) {
    config.fault("attention_types: expected " + std::to_string(layers) + " layers, got " +
                 (kinds.size() > layers ? "more" : std::to_string(kinds.size())));
  }
  for (std::size_t i = 0; i < layers; ++i) {
    if (kinds[i] == "local") {
      read.layers[i].window = window;
    } else if (kinds[i] != "global") {
      config.refuse("attention type \"" + kinds[i] + "\"");
    }
  }
}

Architecture read_gpt_neo(const Config& config) {
  const Defaults defaults = {.layers = 24,
                             .heads = 16,
                             .hidden = 2048,
                             .vocabulary = 50257,
                             .positions = 2048,
                             .epsilon = 1e-5,
                             .activation = "gelu_new"};
  const Keys keys = {.layers = "num_layers",
                     .heads = "num_heads",
                     .epsilon = "layer_norm_epsilon",
                     .activation = "activation_function"};
  Architecture read = read_sizes(config, keys, defaults, "h.");
  read.head_size = divided_width(config, read);  // and the scale stays 1
  set_windows(config, read);
  read.causal = true;  // whatever is_causal says: its attention masks once more by itself
  read.mask_replaces = true;
  read.order = NormOrder::before;
  read.projection_bias = false;
  read.names = {.words = "wte",
                .positions = "wpe",
                .query = "attn.attention.q_proj",
                .key = "attn.attention.k_proj",
                .value = "attn.attention.v_proj",
                .output = "attn.attention.out_proj",
                .attention_norm = "ln_1",
                .inner = "mlp.c_fc",
                .outer = "mlp.c_proj",
                .output_norm = "ln_2",
                .final_norm = "ln_f"};
  read.top = top_of_decoder(config, /*tied=*/true);
  return read;
}

}  // namespace

const Family kGptNeo = {{"gpt_neo"}, read_gpt_neo};

}  // namespace attnviz
