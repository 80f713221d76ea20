/// ALBERT (Lan et al. 2020): narrow embeddings, and layers that share their parameters in groups.
#include "model/torch/families/families.h"

namespace attnviz {
namespace {

Architecture read_albert(const Config& config) {
  const Defaults defaults = {
      .heads = 64, .hidden = 4096, .inner = 16384, .vocabulary = 30000, .activation = "gelu_new"};
  Architecture read = read_bert_like(config, defaults);
  read.causal = false;  // transformers takes no notice of is_decoder here
  read.embedding = config.size({"embedding_size"}, 128);
  if (config.integer({"inner_group_num"}, 1) != 1) config.refuse("inner_group_num other than 1");
  const auto layers = static_cast<std::int64_t>(read.layers.size());
  const std::int64_t groups = config.size({"num_hidden_groups"}, 1, layers);
  for (std::int64_t i = 0; i < layers; ++i) {
    // As transformers divides, in floating point: 5 layers in 3 groups are 2, 2 and 1.
    const auto group = static_cast<std::int64_t>(static_cast<double>(i) /
                                                 (static_cast<double>(layers) / static_cast<double>(groups)));
    read.layers[static_cast<std::size_t>(i)].prefix =
        "encoder.albert_layer_groups." + std::to_string(group) + ".albert_layers.0.";
  }
  read.names.embedding_projection = "encoder.embedding_hidden_mapping_in";
  read.names.query = "attention.query";
  read.names.key = "attention.key";
  read.names.value = "attention.value";
  read.names.output = "attention.dense";
  read.names.attention_norm = "attention.LayerNorm";
  read.names.inner = "ffn";
  read.names.outer = "ffn_output";
  read.names.output_norm = "full_layer_layer_norm";
  read.top.pooler = "pooler";
  return read;
}

}  // namespace

const Family kAlbert = {{"albert"}, read_albert};

}  // namespace attnviz
