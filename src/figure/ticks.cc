#include "figure/ticks.h"

#include <algorithm>
#include <cmath>

namespace attnviz {

Step round_step(double at_least) {
  const int exponent = static_cast<int>(std::floor(std::log10(at_least)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0, 10.0}) {
    const double size = factor * std::pow(10, exponent);
    if (size < at_least * (1 - 1e-9)) continue;
    const int digits = factor == 10 ? exponent + 1 : exponent;
    return {size, std::max(0, (factor == 2.5 ? 1 : 0) - digits)};
  }
  return {at_least, std::max(0, -exponent)};
}

int decimals_of(double largest) {
  constexpr int kDigits = 3, kMost = 8;
  return std::clamp(kDigits - 1 - static_cast<int>(std::floor(std::log10(largest))), 0, kMost);
}

}  // namespace attnviz
