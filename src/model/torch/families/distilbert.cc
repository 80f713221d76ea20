/// DistilBERT (Sanh et al. 2019): BERT's layers without token types.
#include "model/torch/families/families.h"

namespace attnviz {
namespace {

Architecture read_distilbert(const Config& config) {
  const Keys keys = {.layers = "n_layers",
                     .heads = "n_heads",
                     .hidden = "dim",
                     .inner = "hidden_dim",
                     .epsilon = nullptr,
                     .activation = "activation"};
  Architecture read = read_sizes(config, keys, {.layers = 6, .inner = 3072}, "transformer.layer.");
  set_head_size(divided_width(config, read), read);
  read.names = {.words = "embeddings.word_embeddings",
                .positions = "embeddings.position_embeddings",
                .embedding_norm = "embeddings.LayerNorm",
                .query = "attention.q_lin",
                .key = "attention.k_lin",
                .value = "attention.v_lin",
                .output = "attention.out_lin",
                .attention_norm = "sa_layer_norm",
                .inner = "ffn.lin1",
                .outer = "ffn.lin2",
                .output_norm = "output_layer_norm"};
  read.top = {.pooler = "pre_classifier", .pooler_activation = "relu"};
  return read;
}

}  // namespace

const Family kDistilbert = {{"distilbert"}, read_distilbert};

}  // namespace attnviz
