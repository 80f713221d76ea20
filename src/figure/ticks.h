/// Round numbers for axes and colour bars.
#pragma once

namespace attnviz {

/// A linear scale's step, 1, 2, 2.5 or 5 times a power of ten, and the decimals that write it.
struct Step {
  double size;
  int decimals;
};

/// The smallest round step that is no smaller than `at_least`, which is positive.
[[nodiscard]] Step round_step(double at_least);

/// The decimals that write three digits of `largest`, which is positive, and of what stands beside it.
[[nodiscard]] int decimals_of(double largest);

}  // namespace attnviz
