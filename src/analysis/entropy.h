/// Entropies of attention, in nats.
#pragma once

#include <span>

#include "attnviz/attention.h"

namespace attnviz {

/// −Σ A·log(A + 1e-10) of one row; never negative.
[[nodiscard]] double row_entropy(std::span<const float> row);

[[nodiscard]] double mean_row_entropy(const MatrixView& matrix);

}  // namespace attnviz
