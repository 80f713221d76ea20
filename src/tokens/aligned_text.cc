#include "tokens/aligned_text.h"

#include "attnviz/error.h"

namespace attnviz::tokens {

void Growth::refuse() const {
  throw Error(thing_ + ": its tokenizer makes a text of " + std::to_string(text_bytes_) +
                  (text_bytes_ == 1 ? " byte" : " bytes") + " more than " +
                  std::to_string(kAtLeast + kTimes * text_bytes_) + " longer, which no known one does",
              "look at \"normalizer\" and \"pre_tokenizer\" in its tokenizer.json: a step multiplies what "
              "another one wrote");
}

}  // namespace attnviz::tokens
