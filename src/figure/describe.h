/// A map in words.
#pragma once

#include <string>

#include "attnviz/figure.h"

namespace attnviz {

/// Sentences for readers who cannot see the map: what it is, its strongest links off the diagonal, where
/// its rows concentrate, and its notes.
[[nodiscard]] std::string description(const Heatmap& heatmap, const ColorScale& scale);

}  // namespace attnviz
