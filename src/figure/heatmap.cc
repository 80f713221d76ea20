#include <algorithm>
#include <cmath>

#include "attnviz/error.h"
#include "figure/describe.h"
#include "figure/heading.h"
#include "figure/panel.h"
#include "figure/zoom.h"

namespace attnviz {
namespace {

/// Square cells; taller ones for few layers of many tokens, so that each layer has its label.
Panel panel_of(const Heatmap& map) {
  constexpr double kLabeledRow = 14.4;
  Panel panel = square_panel(map, cell_pitch(std::max(map.weights.rows(), map.weights.columns)));
  if (map.rows_are_layers) panel.row_pitch = std::max(panel.row_pitch, kLabeledRow);
  return panel;
}

/// Of a long text's weights two decimals say nothing: "0.00" in every cell.
Annotate annotate_inset(const Heatmap& part, Annotate annotate) {
  constexpr float kLeast = 0.05F;
  const bool tiny = std::none_of(part.weights.values.begin(), part.weights.values.end(),
                                 [](float weight) { return std::abs(weight) >= kLeast; });
  return annotate == Annotate::automatic && tiny ? Annotate::never : annotate;
}

}  // namespace

void check_labels(const Heatmap& heatmap) {
  const MatrixView& weights = heatmap.weights;
  const bool whole = weights.columns > 0 && weights.values.size() % weights.columns == 0;
  if (!whole || weights.rows() == 0)
    throw Error("heatmap: no weights to draw, expected at least one row and column");
  if (heatmap.queries.size() != weights.rows() || heatmap.keys.size() != weights.columns) {
    throw Error("heatmap: labels do not match the weights, expected " + std::to_string(weights.rows()) +
                " queries and " + std::to_string(weights.columns) + " keys, got " +
                std::to_string(heatmap.queries.size()) + " and " + std::to_string(heatmap.keys.size()));
  }
}

Figure head_heatmap(const Heatmap& heatmap, const Look& look, const MeasureText& measure) {
  check_labels(heatmap);
  const std::string title = visible(look.title.value_or(heatmap.title));
  const ColorScale scale(maps_of(heatmap), look);
  const Panel panel = panel_of(heatmap);

  Page page(look.theme, measure);
  draw_cells(page, panel, heatmap, scale);
  // Beside a part with its numbers the map has none: the lines to the part would cross them.
  const bool bare = heatmap.zoom && look.annotate == Annotate::automatic;
  draw_annotations(page, panel, heatmap, scale, bare ? Annotate::never : look.annotate);
  double right_edge = panel.width();
  if (heatmap.zoom) {
    const Inset inset = draw_inset_cells(page, panel, heatmap, scale);
    draw_annotations(page, inset.panel, inset.part, scale, annotate_inset(inset.part, look.annotate));
    right_edge = draw_inset_frame(page, panel, heatmap, inset).right;
  }
  const std::size_t by = heatmap.pooling.by;
  const Box key_labels = draw_key_labels(page, panel, with_positions(heatmap.keys, by));
  const Box query_labels =
      draw_query_labels(page, panel, with_positions(heatmap.queries, heatmap.rows_are_layers ? 1 : by));
  const TitledMaps titled{panel.box(), heatmap.cross};
  if (!heatmap.rows_are_layers) draw_query_title(page, titled, query_labels, key_labels);
  constexpr double kToTheBar = 14.4;
  const ColorBar color_bar{{&scale, 1}, heatmap.quantity, blank_cells(heatmap)};
  const Box bar = draw_color_bar(page, color_bar, right_edge + kToTheBar, 0, panel.height());
  // A bar longer than its map stands where the title of the keys might.
  const bool long_bar = !heatmap.zoom && bar.bottom > panel.height() + 1;
  draw_key_title(page, titled, key_labels, long_bar ? bar.bottom : 0);

  constexpr double kLeastForTheSentence = 230;
  const double right = std::max(page.bounds().right, kLeastForTheSentence);
  draw_heading(page, 0, 0, right, title, visible(heatmap.subtitle));
  draw_notes(page, 0, right, heatmap.notes);
  return std::move(page).finish(title, description(heatmap, scale));
}

}  // namespace attnviz
