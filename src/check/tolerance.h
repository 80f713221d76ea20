/// tolerance: when two numbers are the same.
#pragma once

#include <cmath>

#include "attnviz/check.h"

namespace attnviz {

/// What is not finite agrees with its like alone. The options have their atol.
[[nodiscard]] inline bool agree(double expected, double actual, const CheckOptions& options) {
  if (!std::isfinite(expected) || !std::isfinite(actual))
    return expected == actual || (std::isnan(expected) && std::isnan(actual));
  return std::abs(actual - expected) <= *options.atol + options.rtol * std::abs(expected);
}

}  // namespace attnviz
