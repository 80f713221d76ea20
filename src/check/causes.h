/// causes: one change that explains many numbers.
#pragma once

#include <string>
#include <vector>

#include "attnviz/check.h"

namespace attnviz {

/// All their numbers do; they are of one shape.
[[nodiscard]] bool maps_agree(const MatrixView& expected, const MatrixView& actual,
                              const CheckOptions& options);

/// What happened to the numbers, where it can be told: maps (heads, layers), rows or columns that changed
/// places, a matrix that is transposed, numbers that are all so many times what they were.
[[nodiscard]] std::vector<std::string> causes(const Record& expected, const Record& actual,
                                              const CheckOptions& options);

}  // namespace attnviz
