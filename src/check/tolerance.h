/// tolerance: when two numbers are the same.
#pragma once

#include <cmath>

#include "attnviz/check.h"

namespace attnviz {

/// What is not a number agrees with nothing. The options have their atol.
[[nodiscard]] inline bool agree(double expected, double actual, const CheckOptions& options) {
  return std::abs(actual - expected) <= *options.atol + options.rtol * std::abs(expected);
}

}  // namespace attnviz
