/// ELECTRA (Clark et al. 2020): BERT with embeddings of another width than the model's.
#include "model/torch/families/families.h"

namespace attnviz {
namespace {

Architecture read_electra(const Config& config) {
  Architecture read = read_bert_like(config, {.heads = 4, .hidden = 256, .inner = 1024});
  read.embedding = config.size({"embedding_size"}, 128);
  if (read.embedding != read.hidden) read.names.embedding_projection = "embeddings_project";
  read.top = {.classifier = "classifier.out_proj", .pooler = "classifier.dense", .pooler_activation = "gelu"};
  return read;
}

}  // namespace

const Family kElectra = {{"electra"}, read_electra};

}  // namespace attnviz
