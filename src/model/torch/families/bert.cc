/// BERT (Devlin et al. 2019), and what its relatives share with it; as a decoder, too.
#include "model/torch/families/families.h"

namespace attnviz {

Architecture read_bert_like(const Config& config, const Defaults& defaults) {
  Architecture read = read_sizes(config, {}, defaults, "encoder.layer.");
  set_head_size(divided_width(config, read), read);
  read.causal = config.flag("is_decoder", false) && masks_the_future(config);
  read.types = config.size({"type_vocab_size"}, 2);
  read.names = {.words = "embeddings.word_embeddings",
                .positions = "embeddings.position_embeddings",
                .types = "embeddings.token_type_embeddings",
                .embedding_norm = "embeddings.LayerNorm",
                .query = "attention.self.query",
                .key = "attention.self.key",
                .value = "attention.self.value",
                .output = "attention.output.dense",
                .attention_norm = "attention.output.LayerNorm",
                .inner = "intermediate.dense",
                .outer = "output.dense",
                .output_norm = "output.LayerNorm"};
  read.top = {.pooler = "pooler.dense", .pooler_inside = true};
  return read;
}

namespace {

Architecture read_bert(const Config& config) { return read_bert_like(config, {.inner = 3072}); }

}  // namespace

const Family kBert = {{"bert"}, read_bert};

}  // namespace attnviz
