/// The pieces of a map that every layout is made of: cells, labels, axis titles, colour bar.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "attnviz/figure.h"
#include "figure/page.h"

namespace attnviz {

/// Where a map lies: cells of `column_pitch` by `row_pitch` points, square in most figures.
struct Panel {
  double x = 0, y = 0;
  double column_pitch = 0, row_pitch = 0;
  std::size_t rows = 0, columns = 0;

  [[nodiscard]] double width() const { return column_pitch * static_cast<double>(columns); }
  [[nodiscard]] double height() const { return row_pitch * static_cast<double>(rows); }
  [[nodiscard]] double center_x(std::size_t column) const {
    return x + column_pitch * (static_cast<double>(column) + 0.5);
  }
  [[nodiscard]] double center_y(std::size_t row) const {
    return y + row_pitch * (static_cast<double>(row) + 0.5);
  }
  [[nodiscard]] Box box() const { return {x, y, x + width(), y + height()}; }
};

/// A square-celled panel for the map, its top left corner at the origin.
[[nodiscard]] inline Panel square_panel(const Heatmap& map, double pitch) {
  return {0, 0, pitch, pitch, map.weights.rows(), map.weights.columns};
}

/// The distance between the cells of a map with so many tokens on its longer side: a whole number of
/// grid steps, so that a page suits a paper and annotations fit as long as they can.
[[nodiscard]] double cell_pitch(std::size_t tokens);

/// Decimals of the numbers in a map's cells: 2, from 10 on fewer; of differences and norms that two would
/// hide, as many as show them, up to 4.
[[nodiscard]] int decimals_of(const Heatmap& heatmap);

/// The widest text of such a number: "0.00".
[[nodiscard]] std::string widest_number(const Heatmap& heatmap);

/// The pitch of the smallest cells that hold a number's text of 5 points.
[[nodiscard]] double annotated_pitch(const Page& page, const Heatmap& heatmap);

/// The most cells that a page draws one by one: beyond, its maps are images.
inline constexpr std::size_t kMostVectorCells = 20'000;

/// The map's cells: rectangles with hair-thin gaps while there are few, one image when there are very many,
/// or when the page has too many in all.
void draw_cells(Page& page, const Panel& panel, const Heatmap& heatmap, const ColorScale& scale,
                std::size_t cells_on_page = 0);

/// The weights in numbers, if they fit or `annotate` says so.
void draw_annotations(Page& page, const Panel& panel, const Heatmap& heatmap, const ColorScale& scale,
                      Annotate annotate);

/// Labels as large as their cells allow; when that is too small, fewer and larger ones.
struct Thinning {
  std::size_t every;  ///< the k of every k-th
  double size;
};

/// Of labels that lie across `share_of_pitch` of the distance between cells.
[[nodiscard]] Thinning thinned(double pitch, double share_of_pitch = 1);

/// A token as labels write it: special ones grey, marks lightened, long ones cut. Its place is left open.
[[nodiscard]] Text label_text(const Page& page, const TokenLabel& label, double size, bool bold = false);

/// Where several tokens share a label: with the position of the one that it is, in front.
[[nodiscard]] std::vector<TokenLabel> with_positions(std::span<const TokenLabel> labels, std::size_t by);

enum class LabelSide { left, right };

/// Tokens below the columns at 45°, and beside the rows; every k-th when they would touch. Each returns
/// what its labels cover.
Box draw_key_labels(Page& page, const Panel& panel, std::span<const TokenLabel> keys);
Box draw_query_labels(Page& page, const Panel& panel, std::span<const TokenLabel> queries,
                      LabelSide side = LabelSide::left);

/// "Queries (attending from)" and "Keys (attending to)"; of cross attention a target and its source.
[[nodiscard]] const char* query_title(bool cross);
[[nodiscard]] const char* key_title(bool cross);

/// What maps cover that share their axes' titles.
struct TitledMaps {
  Box box;
  bool cross = false;  ///< as of a Heatmap
};

/// The key title below `labels` and no higher than `top`, in the middle of `maps`.
void draw_key_title(Page& page, const TitledMaps& maps, const Box& labels, double top = 0);
/// The query title left of the query labels, and of the key labels where it would reach them.
void draw_query_title(Page& page, const TitledMaps& maps, const Box& query_labels, const Box& key_labels);

/// A slim bar with round ticks and its name.
struct ColorBar {
  std::span<const ColorScale> scales;  ///< one strip each, side by side; of one range
  std::string name;
  std::string blank{};                         ///< with an entry below: what blank cells are
  std::function<Color(double place)> color{};  ///< in place of the scales' own colours
};

/// Right of (x, y), `height` points tall with its entry for blank cells, or as tall as its name needs.
/// Returns what it covers.
Box draw_color_bar(Page& page, const ColorBar& bar, double x, double y, double height);

/// Throws Error when the map has no weights, or labels that do not match them.
void check_labels(const Heatmap& heatmap);

}  // namespace attnviz
