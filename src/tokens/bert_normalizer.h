/// BERT's normalizer.
#pragma once

#include "tokens/aligned_text.h"

namespace attnviz::tokens {

/// tokenizer.json's normalizer "BertNormalizer".
struct BertNormalizer {
  bool clean_text = true;            ///< control characters vanish, white space becomes spaces
  bool handle_chinese_chars = true;  ///< ideographs get spaces around them
  bool strip_accents = true;         ///< NFD, then nonspacing marks vanish
  bool lowercase = true;

  [[nodiscard]] AlignedText operator()(AlignedView text) const;
};

}  // namespace attnviz::tokens
