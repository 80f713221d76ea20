/// What becomes of a text before it is cut into words.
#pragma once

#include <functional>
#include <vector>

#include "tokens/aligned_text.h"

namespace attnviz::tokens {

/// One of tokenizer.json's normalizers. What it inserts takes the origin of a character beside it, so that
/// origins never decrease.
using NormalizerStep = std::function<AlignedText(AlignedView)>;

/// Steps, one after the other: a "Sequence", or a single one. Without steps it changes nothing.
struct Normalizer {
  std::vector<NormalizerStep> steps = {};

  [[nodiscard]] bool empty() const { return steps.empty(); }
  [[nodiscard]] AlignedText operator()(AlignedView text) const;
};

}  // namespace attnviz::tokens
