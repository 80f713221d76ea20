/// The kinds of tokenizers that transformers' classes make.
#pragma once

namespace attnviz::tokens {

/// `backend` takes a tokenizer.json as it is; `sentencepiece` is what it makes of a bare .model file.
enum class Family {
  backend,
  bert,
  mpnet,
  roberta,
  blenderbot,
  gpt2,
  gpt_neox,
  qwen2,
  qwen3_5,
  marian,
  albert,
  camembert,
  deberta_v2,
  gemma,
  llama,
  mbart,
  pegasus,
  sentencepiece,
  t5,
  xlm_roberta,
  xlnet
};

}  // namespace attnviz::tokens
