/// T5 (Raffel et al. 2020): an encoder, alone in some files, and a decoder with a bias by distance on
/// unscaled scores, one for all layers of each, instead of positions.
#include <memory>
#include <string>
#include <utility>

#include "model/torch/families/families.h"

namespace attnviz {
namespace {

constexpr std::int64_t kFewestBuckets = 4;  ///< one for each distance and one for those beyond, on both sides

/// "relu", or "gated-silu": with a second projection. "gated-gelu" means the approximation.
void read_feed_forward(const Config& config, const std::string& fallback, Architecture& read) {
  constexpr std::string_view kGated = "gated-";
  const std::string kind = config.text({"feed_forward_proj"}, fallback);
  const bool gated = kind.starts_with(kGated);
  read.activation = gated ? kind.substr(kGated.size()) : kind;
  if (kind == "gated-gelu") read.activation = "gelu_new";
  const std::string part = read.only_before ? "layer.2." : "layer.1.";  // behind the attention to the encoder
  read.names.gate = gated ? part + "DenseReluDense.wi_0" : "";
  read.names.inner = part + (gated ? "DenseReluDense.wi_1" : "DenseReluDense.wi");
  read.names.outer = part + "DenseReluDense.wo";
  read.names.output_norm = part + "layer_norm";
}

void read_buckets(const Config& config, Architecture& read) {
  read.buckets = config.size({"relative_attention_num_buckets"}, 32);
  read.furthest = config.size({"relative_attention_max_distance"}, 128);
  if (read.buckets < kFewestBuckets) {
    config.fault("relative_attention_num_buckets: expected at least " + std::to_string(kFewestBuckets) +
                 ", got " + std::to_string(read.buckets));
  }
  if (read.furthest <= read.buckets / (read.only_before ? 2 : 4)) {
    config.fault("relative_attention_max_distance: expected more than " +
                 std::string(read.only_before ? "half" : "a fourth of") + " the buckets, got " +
                 std::to_string(read.furthest));
  }
}

Architecture read_stack(const Config& config, const Defaults& defaults, const std::string& stack) {
  const Keys keys = {.layers = "num_layers",
                     .heads = "num_heads",
                     .hidden = "d_model",
                     .inner = "d_ff",
                     .epsilon = "layer_norm_epsilon",
                     .activation = nullptr};
  Architecture read = read_sizes(config, keys, defaults, stack + "block.");
  read.only_before = stack == "decoder.";
  read.causal = read.only_before && masks_the_future(config);
  read.head_size = config.size({"head_dim", "d_kv"}, 64);
  read.positions = 0;  // any number of tokens; what some files say is what they were trained with
  read.order = NormOrder::before;
  read.norm = NormKind::rms;
  read.projection_bias = read.output_bias = read.feed_forward_bias = false;
  read.names = {.words = "shared",
                .other_words = {"encoder.embed_tokens", "decoder.embed_tokens"},
                .relative_bias = stack + "block.0.layer.0.SelfAttention.relative_attention_bias",
                .query = "layer.0.SelfAttention.q",
                .key = "layer.0.SelfAttention.k",
                .value = "layer.0.SelfAttention.v",
                .output = "layer.0.SelfAttention.o",
                .attention_norm = "layer.0.layer_norm",
                .final_norm = stack + "final_layer_norm"};
  read_feed_forward(config, defaults.activation, read);
  read_buckets(config, read);
  return read;
}

Architecture read_t5_like(const Config& config, const Defaults& defaults) {
  Architecture encoder = read_stack(config, defaults, "encoder.");
  // The configuration of an encoder taken out of a model is still that of the whole.
  if (is_encoder_alone(config) || !config.flag("is_encoder_decoder", true)) return encoder;
  Architecture decoder = read_stack(config, defaults, "decoder.");
  constexpr std::int64_t kMost = Config::kMostLayersOrHeads;
  const std::int64_t layers = config.size({"num_layers"}, defaults.layers, kMost);
  set_layers(config.size({"num_decoder_layers"}, layers, kMost), "decoder.block.", decoder);
  decoder.names.cross_query = "layer.1.EncDecAttention.q";
  decoder.names.cross_key = "layer.1.EncDecAttention.k";
  decoder.names.cross_value = "layer.1.EncDecAttention.v";
  decoder.names.cross_output = "layer.1.EncDecAttention.o";
  decoder.names.cross_norm = "layer.1.layer_norm";
  encoder.decoder = std::make_shared<const Architecture>(std::move(decoder));
  return encoder;
}

Architecture read_t5(const Config& config) {
  return read_t5_like(config, {.layers = 6,
                               .heads = 8,
                               .hidden = 512,
                               .inner = 2048,
                               .vocabulary = 32128,
                               .epsilon = 1e-6,
                               .activation = "relu"});
}

Architecture read_mt5(const Config& config) {
  return read_t5_like(config, {.layers = 8,
                               .heads = 6,
                               .hidden = 512,
                               .inner = 1024,
                               .vocabulary = 250112,
                               .epsilon = 1e-6,
                               .activation = "gated-gelu"});
}

}  // namespace

const Family kT5 = {{"t5"}, read_t5, /*encoder_decoder=*/true};
const Family kMt5 = {{"mt5"}, read_mt5, /*encoder_decoder=*/true};

}  // namespace attnviz
