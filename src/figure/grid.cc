#include <algorithm>
#include <cmath>

#include "attnviz/error.h"
#include "figure/describe.h"
#include "figure/heading.h"
#include "figure/panel.h"

namespace attnviz {
namespace {

constexpr double kPanelTitle = 8, kBetweenColumns = 16.8, kBetweenRows = 9.6;

void check(const HeatmapGrid& grid) {
  if (grid.panels.empty() || grid.columns == 0) throw Error("grid: no panels, expected at least one");
  const MatrixView& first = grid.panels.front().weights;
  for (const Heatmap& map : grid.panels) {
    check_labels(map);
    if (map.weights.rows() == first.rows() && map.weights.columns == first.columns) continue;
    throw Error("grid: panels of different sizes, expected " + std::to_string(first.rows()) + " × " +
                std::to_string(first.columns) + ", got " + std::to_string(map.weights.rows()) + " × " +
                std::to_string(map.weights.columns));
  }
}

/// What all panels of a grid have in common.
struct Layout {
  std::size_t columns = 0, rows = 0;  ///< of panels
  std::size_t pooled = 1;             ///< cells of a map on a side of what is drawn as one
  Panel panel;                        ///< at the origin
  double title_height = 0;
  double row_height = 0;    ///< from one row of panels to the next
  double last_row_gap = 0;  ///< before the last row, where it is not full: for labels above it

  [[nodiscard]] Panel at(std::size_t index) const {
    Panel placed = panel;
    const std::size_t row = index / columns;
    placed.x = static_cast<double>(index % columns) * (panel.width() + kBetweenColumns);
    placed.y = static_cast<double>(row) * row_height + (row > 0 && row + 1 == rows ? last_row_gap : 0);
    return placed;
  }
};

bool is_overview(const HeatmapGrid& grid) { return !grid.row_names.empty(); }

/// The longer side of a panel, so that the page fits a screen and titles fit their panels.
double panel_side(const Page& page, const HeatmapGrid& grid, std::size_t columns, std::size_t tokens) {
  constexpr double kForPanels = 740, kSmallest = 43.2;
  const double shared = kForPanels / static_cast<double>(columns) - kBetweenColumns;
  double side = std::max(std::min(cell_pitch(tokens) * static_cast<double>(tokens), shared), kSmallest);
  if (is_overview(grid)) return side;
  for (const Heatmap& map : grid.panels) {
    constexpr double kLongestTitle = 120;
    side = std::max(side, std::min(page.width(visible(map.title), kPanelTitle), kLongestTitle));
  }
  return side;
}

Layout layout_of(const Page& page, const HeatmapGrid& grid, Annotate annotate) {
  Layout layout;
  layout.columns = std::min(grid.columns, grid.panels.size());
  layout.rows = (grid.panels.size() + layout.columns - 1) / layout.columns;
  const MatrixView& first = grid.panels.front().weights;
  const std::size_t tokens = std::max(first.rows(), first.columns);
  const double side = panel_side(page, grid, layout.columns, tokens);
  double pitch = kGrid * std::max(1.0, std::round(side / static_cast<double>(tokens) / kGrid));
  if (annotate == Annotate::always) {
    pitch = std::max(pitch, annotated_pitch(page, grid.panels.front()));
  } else {
    layout.pooled = static_cast<std::size_t>(std::ceil(static_cast<double>(tokens) * kGrid / side));
    const double cells = std::ceil(static_cast<double>(tokens) / static_cast<double>(layout.pooled));
    if (layout.pooled > 1) pitch = kGrid * std::max(1.0, std::round(side / cells / kGrid));
  }
  const auto pooled = [&](std::size_t count) { return (count + layout.pooled - 1) / layout.pooled; };
  layout.panel = {0, 0, pitch, pitch, pooled(first.rows()), pooled(first.columns)};
  const bool titled =
      !is_overview(grid) && std::any_of(grid.panels.begin(), grid.panels.end(),
                                        [](const Heatmap& map) { return !map.title.empty(); });
  layout.title_height = titled ? kPanelTitle * 1.6 : 0;
  layout.row_height = kGrid * std::ceil((layout.panel.height() + layout.title_height + kBetweenRows) / kGrid);
  return layout;
}

void draw_panel(Page& page, const Panel& panel, const Heatmap& map, const ColorScale& scale, const Look& look,
                std::size_t cells_on_page) {
  draw_cells(page, panel, map, scale, cells_on_page);
  draw_annotations(page, panel, map, scale, look.annotate);
}

void draw_panel_title(Page& page, const Panel& panel, const std::string& title) {
  page.add(Text{.x = panel.x,
                .y = panel.y - kPanelTitle * 0.9,
                .text = page.shortened(title, panel.width() + kBetweenColumns / 2, kPanelTitle),
                .size = kPanelTitle,
                .color = page.colors().quiet});
}

/// The labels of the panels with nothing below them, and of those at the left. Returns what they cover,
/// below and at the left of the panels.
struct OuterLabels {
  Box keys, queries;
};

OuterLabels draw_outer_labels(Page& page, const Layout& layout, const HeatmapGrid& grid) {
  const std::size_t count = grid.panels.size();
  const Box first = layout.at(0).box(), last = layout.at(count - 1).box();
  OuterLabels covered{{first.left, last.bottom, first.right, last.bottom},
                      {first.left, first.top, first.left, last.bottom}};
  const Heatmap& map = grid.panels.front();
  const std::size_t by = map.pooling.by > 1 ? map.pooling.by * layout.pooled : 1;
  const std::vector<TokenLabel> keys = with_positions(pooled_labels(map.keys, layout.pooled), by);
  const std::vector<TokenLabel> queries = with_positions(pooled_labels(map.queries, layout.pooled), by);
  for (std::size_t i = 0; i < count; ++i) {
    const Panel panel = layout.at(i);
    if (i + layout.columns >= count) covered.keys = covered.keys.joined(draw_key_labels(page, panel, keys));
    if (i % layout.columns == 0)
      covered.queries = covered.queries.joined(draw_query_labels(page, panel, queries));
  }
  return covered;
}

/// How far key labels reach below their panel.
double depth_of_key_labels(Page page, const Layout& layout, const HeatmapGrid& grid) {
  const Panel panel = layout.at(0);
  const std::vector<TokenLabel> keys = pooled_labels(grid.panels.front().keys, layout.pooled);
  return draw_key_labels(page, panel, keys).bottom - panel.box().bottom;
}

/// Names of the rows and columns of panels, in place of token labels.
void draw_names(Page& page, const Layout& layout, const HeatmapGrid& grid) {
  constexpr double kAway = 6;
  Text name{.text = {}, .size = TypeSizes::kTick, .color = page.colors().quiet};
  for (std::size_t column = 0; column < std::min(layout.columns, grid.column_names.size()); ++column) {
    const Panel panel = layout.at(column);
    name.text =
        page.shortened(visible(grid.column_names[column]), panel.width() + kBetweenColumns / 2, name.size);
    name.align = Text::Align::middle;
    name.x = (panel.box().left + panel.box().right) / 2;
    name.y = panel.y - kAway;
    page.add(name);
  }
  for (std::size_t row = 0; row < std::min(layout.rows, grid.row_names.size()); ++row) {
    const Panel panel = layout.at(row * layout.columns);
    name.text = visible(grid.row_names[row]);
    name.align = Text::Align::end;
    name.x = panel.x - kAway;
    name.y = (panel.box().top + panel.box().bottom) / 2;
    page.add(name);
  }
}

}  // namespace

Figure heatmap_grid(const HeatmapGrid& grid, const Look& look, const MeasureText& measure) {
  check(grid);
  const ColorScale scale(grid.panels, look);
  Page page(look.theme, measure);
  Layout layout = layout_of(page, grid, look.annotate);
  const std::size_t count = grid.panels.size();
  const bool ragged = count % layout.columns != 0 && layout.rows > 1;
  if (ragged && !is_overview(grid)) layout.last_row_gap = depth_of_key_labels(page, layout, grid);

  Box maps = layout.at(0).box();
  const std::size_t cells = count * layout.panel.rows * layout.panel.columns;
  for (std::size_t i = 0; i < count; ++i) {
    const Panel panel = layout.at(i);
    Heatmap map = grid.panels[i];
    const std::vector<float> pooled = pooled_weights(map, {layout.pooled, map.pooling.how});
    map.weights = {pooled, layout.panel.columns};
    map.pooling.by *= layout.pooled;
    draw_panel(page, panel, map, scale, look, cells);
    if (layout.title_height > 0) draw_panel_title(page, panel, visible(map.title));
    maps = maps.joined(panel.box());
  }
  const Heatmap& first = grid.panels.front();
  if (is_overview(grid)) {
    draw_names(page, layout, grid);
  } else {
    const OuterLabels labels = draw_outer_labels(page, layout, grid);
    draw_query_title(page, {maps, first.cross}, labels.queries, labels.keys);
    draw_key_title(page, {maps, first.cross}, labels.keys);
  }
  constexpr double kToTheBar = 14.4, kLongestBar = 300;
  const double bar_height = std::min(maps.bottom - maps.top, std::max(kLongestBar, layout.panel.height()));
  draw_color_bar(page, {{&scale, 1}, first.quantity, blank_cells(first)}, maps.right + kToTheBar, 0,
                 bar_height);

  const std::string title = visible(look.title.value_or(grid.title));
  draw_heading(page, 0, -std::max(layout.title_height, is_overview(grid) ? 14.0 : 0.0), page.bounds().right,
               title, visible(grid.subtitle));
  std::vector<std::string> notes = grid.notes;
  if (layout.pooled > 1) {
    std::erase(notes, pooling_note(first, first.pooling));
    notes.push_back(pooling_note(first, {first.pooling.by * layout.pooled, first.pooling.how}));
  }
  draw_notes(page, 0, page.bounds().right, notes);
  return std::move(page).finish(title, description(grid, scale));
}

}  // namespace attnviz
