#include "tokens/normalizer.h"

namespace attnviz::tokens {

AlignedText Normalizer::operator()(AlignedView text) const {
  if (empty()) return AlignedText::copy(text);
  AlignedText result = steps.front()(text);
  for (std::size_t i = 1; i < steps.size(); ++i) result = steps[i](result.view());
  return result;
}

}  // namespace attnviz::tokens
