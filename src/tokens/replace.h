/// "Replace": whatever matches becomes one text; a NormalizerStep.
#pragma once

#include <string>

#include "tokens/normalizer.h"
#include "tokens/regex.h"

namespace attnviz::tokens {

struct Replace {
  Regex pattern;
  std::string content;

  /// The content has the origin of the last character that it replaces.
  [[nodiscard]] AlignedText operator()(AlignedView text) const;
};

}  // namespace attnviz::tokens
