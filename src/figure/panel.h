/// The pieces of a map that every layout is made of: cells, labels, axis titles, colour bar.
#pragma once

#include <cstddef>
#include <span>

#include "attnviz/figure.h"
#include "figure/page.h"

namespace attnviz {

/// Where a map lies: square cells, `pitch` points apart.
struct Panel {
  double x = 0, y = 0;
  double pitch = 0;
  std::size_t rows = 0, columns = 0;

  [[nodiscard]] double width() const { return pitch * static_cast<double>(columns); }
  [[nodiscard]] double height() const { return pitch * static_cast<double>(rows); }
  [[nodiscard]] double center_x(std::size_t column) const {
    return x + pitch * (static_cast<double>(column) + 0.5);
  }
  [[nodiscard]] double center_y(std::size_t row) const {
    return y + pitch * (static_cast<double>(row) + 0.5);
  }
};

/// The distance between the cells of a map with so many tokens on its longer side: a whole number of
/// grid steps, so that a page suits a paper and annotations fit as long as they can.
[[nodiscard]] double cell_pitch(std::size_t tokens);

/// The map's cells: rectangles with hair-thin gaps while there are few, one image when there are very many.
void draw_cells(Page& page, const Panel& panel, const Heatmap& heatmap, const ColorScale& scale);

/// The weights with two decimals, if they fit or `annotate` says so.
void draw_annotations(Page& page, const Panel& panel, const Heatmap& heatmap, const ColorScale& scale,
                      Annotate annotate);

/// Tokens below the columns at 45°, and left of the rows; every k-th when they would touch. Each returns
/// what its labels cover.
Box draw_key_labels(Page& page, const Panel& panel, std::span<const TokenLabel> keys);
Box draw_query_labels(Page& page, const Panel& panel, std::span<const TokenLabel> queries);

/// "Keys (attending to)" below `labels`, and no higher than `top`.
void draw_key_title(Page& page, const Panel& panel, const Box& labels, double top);
/// "Queries (attending from)" left of the query labels, and of the key labels where it would reach them.
void draw_query_title(Page& page, const Panel& panel, const Box& query_labels, const Box& key_labels);

/// A slim bar right of (x, y) with round ticks and the name "Attention Weight", `height` points tall with
/// its "masked" entry, or as tall as its name needs. Returns what it covers.
Box draw_color_bar(Page& page, const ColorScale& scale, double x, double y, double height, bool masked);

}  // namespace attnviz
