/// BART (Lewis et al. 2020), an encoder and a decoder that embed the same words, and its relatives: mBART,
/// Marian, Pegasus and Blenderbot.
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "model/torch/families/families.h"

namespace attnviz {
namespace {

constexpr Keys kKeys = {.layers = "encoder_layers",
                        .heads = "encoder_attention_heads",
                        .hidden = "d_model",
                        .inner = "encoder_ffn_dim",
                        .epsilon = nullptr,
                        .activation = "activation_function"};

/// What the relatives differ in.
struct Variant {
  Defaults sizes = {.layers = 12,
                    .heads = 16,
                    .hidden = 1024,
                    .inner = 4096,
                    .vocabulary = 50265,
                    .positions = 1024,
                    .epsilon = 1e-5};
  std::int64_t decoder_layers = 12;
  std::int64_t first_position = 0;
  bool sinusoids = false;
  bool embedding_norm = false;
  bool norms_before = false;  ///< each part, with one more norm behind the last layer
  bool own_words = false;     ///< each stack may have its own
};

TensorNames names_of(const std::string& stack, const Variant& variant) {
  return {.positions = stack + ".embed_positions",
          .embedding_norm = variant.embedding_norm ? stack + ".layernorm_embedding" : "",
          .query = "self_attn.q_proj",
          .key = "self_attn.k_proj",
          .value = "self_attn.v_proj",
          .output = "self_attn.out_proj",
          .attention_norm = "self_attn_layer_norm",
          .inner = "fc1",
          .outer = "fc2",
          .output_norm = "final_layer_norm",
          .final_norm = variant.norms_before ? stack + ".layer_norm" : ""};
}

void set_sizes_of_decoder(const Config& config, const Variant& variant, Architecture& read) {
  constexpr std::int64_t kMost = Config::kMostLayersOrHeads;
  set_layers(config.size({"decoder_layers"}, variant.decoder_layers, kMost), "decoder.layers.", read);
  read.heads = read.key_heads = config.size({"decoder_attention_heads"}, variant.sizes.heads, kMost);
  read.inner = config.size({"decoder_ffn_dim"}, variant.sizes.inner, 4 * Config::kLargestSize);
  read.causal = masks_the_future(config);
}

Architecture read_stack(const Config& config, const Variant& variant, const std::string& stack) {
  Architecture read = read_sizes(config, kKeys, variant.sizes, stack + ".layers.");
  if (stack == "decoder") set_sizes_of_decoder(config, variant, read);
  set_head_size(divided_width(config, read), read);
  read.order = variant.norms_before ? NormOrder::before : NormOrder::behind;
  read.first_position = variant.first_position;
  read.positions += variant.first_position;
  read.sinusoids = variant.sinusoids;
  if (config.flag("scale_embedding", false)) read.word_scale = std::sqrt(static_cast<double>(read.hidden));
  read.names = names_of(stack, variant);
  const std::string own = stack + ".embed_tokens";
  const bool shared = config.flag("tie_word_embeddings", true) &&
                      (!variant.own_words || config.flag("share_encoder_decoder_embeddings", true));
  read.names.words = shared ? "shared" : own;
  read.names.other_words = {shared ? own : "shared"};
  if (shared) read.names.other_words.push_back("decoder.embed_tokens");
  return read;
}

Architecture read_both(const Config& config, const Variant& variant) {
  if (!config.flag("is_encoder_decoder", true)) config.refuse("is_encoder_decoder false");
  Architecture encoder = read_stack(config, variant, "encoder");
  Architecture decoder = read_stack(config, variant, "decoder");
  if (variant.own_words && !config.flag("share_encoder_decoder_embeddings", true)) {
    decoder.vocabulary = config.size({"decoder_vocab_size"}, encoder.vocabulary);
  }
  decoder.names.cross_query = "encoder_attn.q_proj";
  decoder.names.cross_key = "encoder_attn.k_proj";
  decoder.names.cross_value = "encoder_attn.v_proj";
  decoder.names.cross_output = "encoder_attn.out_proj";
  decoder.names.cross_norm = "encoder_attn_layer_norm";
  encoder.decoder = std::make_shared<const Architecture>(std::move(decoder));
  return encoder;
}

Architecture read_bart(const Config& config) {
  return read_both(config, {.first_position = 2, .embedding_norm = true});
}

Architecture read_mbart(const Config& config) {
  return read_both(config, {.first_position = 2, .embedding_norm = true, .norms_before = true});
}

Architecture read_marian(const Config& config) {
  Variant variant{.sinusoids = true, .own_words = true};
  variant.sizes.vocabulary = 58101;
  return read_both(config, variant);
}

Architecture read_pegasus(const Config& config) {
  return read_both(config, {.sinusoids = true, .norms_before = true});
}

Architecture read_blenderbot(const Config& config) {
  Variant variant{.decoder_layers = 24, .norms_before = true};
  variant.sizes.layers = 2;
  variant.sizes.heads = 32;
  variant.sizes.hidden = 2560;
  variant.sizes.inner = 10240;
  variant.sizes.vocabulary = 8008;
  variant.sizes.positions = 128;
  return read_both(config, variant);
}

}  // namespace

const Family kBart = {{"bart"}, read_bart, /*encoder_decoder=*/true};
const Family kMbart = {{"mbart"}, read_mbart, /*encoder_decoder=*/true};
const Family kMarian = {{"marian"}, read_marian, /*encoder_decoder=*/true};
const Family kPegasus = {{"pegasus"}, read_pegasus, /*encoder_decoder=*/true};
const Family kBlenderbot = {{"blenderbot"}, read_blenderbot, /*encoder_decoder=*/true};

}  // namespace attnviz
