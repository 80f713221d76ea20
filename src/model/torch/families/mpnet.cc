/// MPNet (Song et al. 2020): an encoder with a bias by distance on every score, beside RoBERTa's positions.
#include "model/torch/families/families.h"

namespace attnviz {
namespace {

constexpr std::int64_t kBuckets = 32;
constexpr std::int64_t kFurthest = 128;
constexpr std::int64_t kPaddingId = 1;  ///< transformers takes it whatever pad_token_id says

Architecture read_mpnet(const Config& config) {
  Architecture read = read_bert_like(config, {.inner = 3072, .vocabulary = 30527});
  read.causal = false;  // transformers takes no notice of is_decoder here
  count_positions_from_padding(config, kPaddingId, read);
  read.buckets = config.integer({"relative_attention_num_buckets"}, kBuckets);
  if (read.buckets != kBuckets) config.refuse("relative_attention_num_buckets other than 32");
  read.furthest = kFurthest;
  read.types = 0;
  read.names.types = "";
  read.names.relative_bias = "encoder.relative_attention_bias";
  read.names.query = "attention.attn.q";
  read.names.key = "attention.attn.k";
  read.names.value = "attention.attn.v";
  read.names.output = "attention.attn.o";
  read.names.attention_norm = "attention.LayerNorm";
  read.top = {.classifier = "classifier.out_proj", .pooler = "classifier.dense"};
  return read;
}

}  // namespace

const Family kMpnet = {{"mpnet"}, read_mpnet};

}  // namespace attnviz
