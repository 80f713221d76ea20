/// RoBERTa (Liu et al. 2019), XLM-RoBERTa (Conneau et al. 2020) and CamemBERT (Martin et al. 2020): BERT,
/// with positions counted from behind the padding token's id.
#include "model/torch/families/families.h"

namespace attnviz {
namespace {

Architecture read_roberta(const Config& config) {
  const bool first = config.text({"model_type"}, "") == "roberta";
  Architecture read = read_bert_like(config, {.inner = 3072, .vocabulary = first ? 50265 : 30522});
  count_positions_from_padding(config, config.integer({"pad_token_id"}, 1), read);
  read.top = {.classifier = "classifier.out_proj", .pooler = "classifier.dense"};
  return read;
}

}  // namespace

const Family kRoberta = {{"roberta", "xlm-roberta", "camembert"}, read_roberta};

}  // namespace attnviz
