#include "attnviz/error.h"
#include "tokens/bert_normalizer.h"
#include "tokens/read_components.h"

namespace attnviz::tokens {
namespace {

BertNormalizer read_bert_normalizer(const Component& normalizer) {
  const bool lowercase = normalizer.flag("lowercase");
  return {normalizer.flag("clean_text"), normalizer.flag("handle_chinese_chars"),
          normalizer.flag("strip_accents", lowercase), lowercase};
}

void read_step(const Component& step, Normalizer& normalizer) {
  const std::string& type = step.type();
  if (type == "Sequence") {
    for (const json& object : step.list("normalizers")) {
      read_step({object, step.name() + ": step"}, normalizer);
    }
  } else if (type == "BertNormalizer") {
    normalizer.steps.emplace_back(read_bert_normalizer(step));
  } else {
    throw step.unsupported("BertNormalizer, Sequence");
  }
}

}  // namespace

Normalizer read_normalizer(const Component& normalizer) {
  Normalizer result;
  read_step(normalizer, result);
  return result;
}

}  // namespace attnviz::tokens
