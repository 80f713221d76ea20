/// The families of architectures that the checkpoint backend runs. One is one file: which model types it
/// serves, how its config.json is read, what its tensors are called, what it refuses.
#pragma once

#include <initializer_list>
#include <string_view>

#include "model/torch/architecture.h"

namespace attnviz {

struct Family {
  std::initializer_list<std::string_view> model_types;
  Architecture (*read)(const Config& config);
  bool encoder_decoder = false;  ///< knows what to do where is_encoder_decoder is true
};

extern const Family kBert, kRoberta, kDistilbert, kElectra, kAlbert, kMpnet;   // encoders
extern const Family kT5, kMt5, kBart, kMbart, kMarian, kPegasus, kBlenderbot;  // with a decoder behind
extern const Family kGpt2, kGptNeo, kLlama, kMistral, kQwen2, kQwen3, kGptNeox, kOpt, kGemma;

/// What a family calls its sizes. transformers takes the usual names of the first four for the family's own,
/// even where these are there too.
struct Keys {
  const char* layers = "num_hidden_layers";
  const char* heads = "num_attention_heads";
  const char* hidden = "hidden_size";
  const char* positions = "max_position_embeddings";
  const char* inner = "intermediate_size";
  const char* epsilon = "layer_norm_eps";  ///< null: transformers has no entry for it
  const char* activation = "hidden_act";   ///< null: no such entry
};

/// What transformers' configuration class takes where config.json is silent.
struct Defaults {
  std::int64_t layers = 12, heads = 12, hidden = 768;
  std::int64_t inner = 0;  ///< 0: four times as wide as the model
  std::int64_t vocabulary = 30522, positions = 512;
  double epsilon = 1e-12;
  const char* activation = "gelu";
};

/// The sizes; as many key heads as heads, all layers alike.
[[nodiscard]] Architecture read_sizes(const Config& config, const Keys& keys, const Defaults& defaults,
                                      const std::string& layer_prefix);

/// A decoder's queries see nothing behind them unless is_causal is false.
[[nodiscard]] bool masks_the_future(const Config& config);

/// As a layer has it, of what sliding_window says: both ways transformers counts the keys beside the query
/// alone.
[[nodiscard]] std::int64_t width_of_window(const Architecture& read, std::int64_t sliding_window);

/// What makes predictions of a decoder's last states: a language model's head, or a classifier of the last
/// token.
[[nodiscard]] TopPlan top_of_decoder(const Config& config, bool tied);

/// As many layers alike, called by their numbers from 0.
void set_layers(std::int64_t count, const std::string& prefix, Architecture& read);

/// With the scale 1/sqrt(head_size) in every layer.
void set_head_size(std::int64_t head_size, Architecture& read);

/// hidden / heads. Throws Error where heads don't divide it.
[[nodiscard]] std::int64_t divided_width(const Config& config, const Architecture& read);

/// An encoder whose tensors are called as BERT's, with token types; a decoder where is_decoder is true.
[[nodiscard]] Architecture read_bert_like(const Config& config, const Defaults& defaults);

/// The file holds an encoder, taken out of a model that has a decoder too.
[[nodiscard]] bool is_encoder_alone(const Config& config);

/// Positions begin behind the padding token's id, and such tokens count for none.
void count_positions_from_padding(const Config& config, std::int64_t padding_id, Architecture& read);

/// What Llama's relatives take where config.json is silent.
struct DecoderDefaults {
  Defaults sizes;
  std::int64_t key_heads = 0;  ///< 0: as many as heads
  std::int64_t head_size = 0;  ///< 0: the width divided by the heads
  bool tied = false;           ///< logits by the word embedding
};

/// A decoder whose tensors are called as Llama's, without biases.
[[nodiscard]] Architecture read_llama_like(const Config& config, const DecoderDefaults& defaults);

}  // namespace attnviz
