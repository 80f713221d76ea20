/// Maps in words, for readers who cannot see them.
#pragma once

#include <string>

#include "attnviz/figure.h"

namespace attnviz {

/// What the map is, its strongest links off the diagonal, where its rows concentrate, and its notes.
[[nodiscard]] std::string description(const Heatmap& heatmap, const ColorScale& scale);

/// What the grid is, each panel's strongest link (of many panels those with the strongest), and its notes.
[[nodiscard]] std::string description(const HeatmapGrid& grid, const ColorScale& scale);

/// What is compared, the facts, each map's strongest links, and the notes.
[[nodiscard]] std::string description(const Comparison& comparison, const ColorScale& scale);

/// Where mean weight and entropy are lowest and highest, and the mean map as any map.
[[nodiscard]] std::string description(const Summary& summary, const ColorScale& scale);

}  // namespace attnviz
