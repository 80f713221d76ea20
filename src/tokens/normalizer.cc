#include "tokens/normalizer.h"

namespace attnviz::tokens {

AlignedText Normalizer::operator()(AlignedView text) const {
  if (empty()) return {std::string(text.text), {text.origin, text.origin + text.text.size()}};
  AlignedText result = steps.front()(text);
  for (std::size_t i = 1; i < steps.size(); ++i) result = steps[i](result.view());
  return result;
}

}  // namespace attnviz::tokens
