#include "attnviz/error.h"
#include "tokens/read_components.h"

namespace attnviz::tokens {

PreTokenizer read_pre_tokenizer(const Component& pre_tokenizer) {
  PreTokenizer result;
  if (pre_tokenizer.type() == "BertPreTokenizer") {
    result.steps.push_back(bert_words());
  } else if (pre_tokenizer.type() == "ByteLevel") {
    if (pre_tokenizer.flag("add_prefix_space")) result.steps.push_back(prefix_space());
    if (pre_tokenizer.flag("use_regex", true)) result.steps.push_back(gpt2_words());
    result.byte_level = true;
  } else {
    throw pre_tokenizer.unsupported("BertPreTokenizer, ByteLevel");
  }
  return result;
}

}  // namespace attnviz::tokens
