#include <algorithm>
#include <cmath>

#include "figure/describe.h"
#include "figure/heading.h"
#include "figure/panel.h"

namespace attnviz {
namespace {

constexpr double kBetweenSides = 24, kPanelTitle = 9, kAboveMaps = 16.8;

/// Both maps have sides of about this length, whatever their numbers of tokens.
double side_of(const Comparison& comparison) {
  constexpr double kSmallest = 150, kLargest = 340;
  std::size_t tokens = 0;
  for (const auto& [map, colors, facts] : comparison.sides) {
    tokens = std::max({tokens, map.weights.rows(), map.weights.columns});
  }
  return std::clamp(cell_pitch(tokens) * static_cast<double>(tokens), kSmallest, kLargest);
}

Panel panel_of(const Page& page, const Heatmap& map, double side, Annotate annotate) {
  const auto tokens = static_cast<double>(std::max(map.weights.rows(), map.weights.columns));
  // Cells too small for the grid would make the sides differ.
  constexpr double kSmallestOnGrid = 3;
  double pitch = side / tokens;
  if (pitch >= kSmallestOnGrid) pitch = kGrid * std::round(pitch / kGrid);
  if (annotate == Annotate::always) pitch = std::max(pitch, annotated_pitch(page, map));
  return square_panel(map, pitch);
}

/// How far labels of a map reach left of it.
double label_room(Page empty, const Panel& panel, const Heatmap& map) {
  const Box queries = draw_query_labels(empty, panel, map.queries);
  return panel.x - std::min(queries.left, draw_key_labels(empty, panel, map.keys).left);
}

/// Names in one column, values in another, from y down; no wider than `room`.
void draw_facts(Page& page, double x, double y, double room, const Compared& side) {
  constexpr double kSize = 8, kLine = kSize * 1.5, kApart = 10;
  double names = 0;
  for (const auto& [name, value] : side.facts) names = std::max(names, page.width(name, kSize));
  for (const auto& [name, value] : side.facts) {
    y += kLine;
    page.add(Text{.x = x, .y = y, .text = name, .size = kSize, .color = page.colors().muted});
    const std::string text = page.shortened(value, room - names - kApart, kSize);
    page.add(Text{.x = x + names + kApart, .y = y, .text = text, .size = kSize, .color = page.colors().ink});
  }
}

void draw_side_title(Page& page, const Panel& panel, double room, const std::string& title) {
  page.add(Text{.x = panel.x,
                .y = panel.y - kPanelTitle,
                .text = page.shortened(title, room, kPanelTitle, true),
                .size = kPanelTitle,
                .color = page.colors().ink,
                .bold = true});
}

/// Cells, numbers, labels and titles of one side. Returns what its key labels cover.
Box draw_side(Page& page, const Panel& panel, const Compared& side, const ColorScale& scale,
              Annotate annotate) {
  draw_cells(page, panel, side.map, scale);
  draw_annotations(page, panel, side.map, scale, annotate);
  draw_query_labels(page, panel, side.map.queries);
  return draw_key_labels(page, panel, side.map.keys);
}

}  // namespace

Figure comparison_figure(const Comparison& comparison, const Look& look, const MeasureText& measure) {
  const auto& [first, second] = comparison.sides;
  const std::array<Heatmap, 2> maps = {first.map, second.map};
  std::vector<ColorScale> scales;
  for (const Compared& side : comparison.sides) {
    check_labels(side.map);
    Look own = look;
    own.colors = side.colors;
    scales.emplace_back(maps, own);
  }
  Page page(look.theme, measure);
  const double length = side_of(comparison);
  std::array<Panel, 2> panels = {panel_of(page, first.map, length, look.annotate),
                                 panel_of(page, second.map, length, look.annotate)};
  const double second_labels = label_room(page, panels[1], second.map);
  const double slot = panels[0].width() + kBetweenSides;
  // The titles of the keys stand in the middle of their maps, which may be narrower than they are.
  const double titles = page.width(key_title(first.map.cross), TypeSizes::kAxisTitle) + kBetweenSides;
  const double apart = std::max(slot + second_labels, titles + (panels[0].width() - panels[1].width()) / 2);
  panels[1].x = kGrid * std::round(apart / kGrid);

  Box key_labels = panels[0].box(), query_labels = panels[0].box();
  for (std::size_t i = 0; i < 2; ++i) {
    const Box labels = draw_side(page, panels[i], comparison.sides[i], scales[i], look.annotate);
    if (i == 0) query_labels.left = -label_room(Page(look.theme, measure), panels[0], first.map);
    key_labels = key_labels.joined(labels);
  }
  draw_query_title(page, {panels[0].box(), first.map.cross}, query_labels, query_labels);
  draw_key_title(page, {panels[0].box(), first.map.cross}, key_labels);
  draw_key_title(page, {panels[1].box(), second.map.cross}, key_labels);

  const double facts_top = page.bounds().bottom;
  for (std::size_t i = 0; i < 2; ++i) {
    const double room = i == 0 ? panels[1].x - kBetweenSides : panels[1].width();
    draw_side_title(page, panels[i], room, visible(comparison.sides[i].map.title));
    draw_facts(page, panels[i].x, facts_top, room, comparison.sides[i]);
  }
  constexpr double kToTheBar = 14.4;
  const ColorBar bar{scales, first.map.quantity, blank_cells(first.map.causal ? first.map : second.map)};
  draw_color_bar(page, bar, panels[1].box().right + kToTheBar, 0,
                 std::max(panels[0].height(), panels[1].height()));

  const std::string title = visible(look.title.value_or(comparison.title));
  draw_heading(page, 0, -kAboveMaps, page.bounds().right, title, visible(comparison.subtitle));
  draw_notes(page, 0, page.bounds().right, comparison.notes);
  return std::move(page).finish(title, description(comparison, scales.front()));
}

}  // namespace attnviz
