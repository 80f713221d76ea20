/// A part of a map, larger beside it.
#pragma once

#include "figure/panel.h"

namespace attnviz {

/// The part as a map of its own, and where it is drawn.
struct Inset {
  Heatmap part;
  Panel panel;
};

/// Right of the map at `panel`; only its cells.
[[nodiscard]] Inset draw_inset_cells(Page& page, const Panel& panel, const Heatmap& map,
                                     const ColorScale& scale);

/// A frame on its place in the map, lines from there to the inset, its title and its labels. Returns what the
/// inset covers.
Box draw_inset_frame(Page& page, const Panel& panel, const Heatmap& map, const Inset& inset);

}  // namespace attnviz
