#include "figure/zoom.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace attnviz {
namespace {

constexpr double kTitle = 8, kTitleRoom = 14.4, kFromMap = 38.4;

/// Below `labels` points of labels, no deeper than the map: cells as large as that allows, but no larger than
/// a map of as many tokens has.
Panel inset_of(const Panel& panel, const Heatmap& part, double labels) {
  constexpr double kLeast = 48;
  const std::size_t rows = part.weights.rows(), columns = part.weights.columns;
  const double height = std::max(panel.height() - kTitleRoom - labels, kLeast);
  const double width = std::max(panel.width(), kLeast);
  const double fitting = std::min(height / static_cast<double>(rows), width / static_cast<double>(columns));
  const double pitch = std::min(fitting, cell_pitch(std::max(rows, columns)));
  Panel inset = square_panel(part, kGrid * std::max(1.0, std::floor(pitch / kGrid)));
  inset.x = kGrid * std::round((panel.box().right + kFromMap) / kGrid);
  inset.y = panel.y + kGrid * std::floor((kTitleRoom + labels) / kGrid);
  return inset;
}

/// Tokens above the columns at 45°: below them, they would lie on the lines from the map. Returns what they
/// cover.
Box draw_labels_above(Page& page, const Panel& panel, std::span<const TokenLabel> keys) {
  constexpr double kAway = 5;
  const auto [every, size] = thinned(panel.column_pitch, std::numbers::sqrt2 / 2);
  Box covered{panel.x, panel.y, panel.box().right, panel.y};
  for (std::size_t column = 0; column < keys.size(); column += every) {
    Text text = label_text(page, keys[column], size);
    text.align = Text::Align::start;
    text.angle = -45;
    text.x = panel.center_x(column) + size * 0.12;
    text.y = panel.y - kAway;
    covered = covered.joined(page.add(text));
  }
  return covered;
}

/// Where the part lies in the map.
Box place_of(const Panel& panel, const Heatmap& map) {
  const auto by = static_cast<double>(map.pooling.by);
  const Zoom& zoom = *map.zoom;
  const auto x = [&](std::size_t key) {
    return panel.x + static_cast<double>(key) / by * panel.column_pitch;
  };
  const auto y = [&](std::size_t query) {
    return panel.y + static_cast<double>(query) / by * panel.row_pitch;
  };
  return {x(zoom.key), y(zoom.query), std::min(x(zoom.key + zoom.weights.columns), panel.box().right),
          std::min(y(zoom.query + zoom.weights.rows()), panel.box().bottom)};
}

void draw_frame(Page& page, const Box& box, double width, Color color) {
  page.add(Line{box.left, box.top, box.right, box.top, width, color});
  page.add(Line{box.left, box.bottom, box.right, box.bottom, width, color});
  page.add(Line{box.left, box.top, box.left, box.bottom, width, color});
  page.add(Line{box.right, box.top, box.right, box.bottom, width, color});
}

}  // namespace

Inset draw_inset_cells(Page& page, const Panel& panel, const Heatmap& map, const ColorScale& scale) {
  Inset inset{zoomed(map), {}};
  double labels = 0;
  for (int round = 0; round < 2; ++round) {  // smaller cells have smaller labels
    inset.panel = inset_of(panel, inset.part, labels);
    Page scratch = page;
    labels = inset.panel.y - draw_labels_above(scratch, inset.panel, inset.part.keys).top;
  }
  inset.panel = inset_of(panel, inset.part, labels);
  draw_cells(page, inset.panel, inset.part, scale);
  return inset;
}

Box draw_inset_frame(Page& page, const Panel& panel, const Heatmap& map, const Inset& inset) {
  constexpr double kFrame = 0.9, kConnector = 0.5;
  const Palette& colors = page.colors();
  const Box place = place_of(panel, map), box = inset.panel.box();
  page.add(Line{place.right, place.top, box.left, box.top, kConnector, colors.quiet});
  page.add(Line{place.right, place.bottom, box.left, box.bottom, kConnector, colors.quiet});
  draw_frame(page, place, kFrame, colors.ink);
  draw_frame(page, box, kConnector, colors.quiet);
  const Box queries = draw_query_labels(page, inset.panel, inset.part.queries, LabelSide::right);
  const Box keys = draw_labels_above(page, inset.panel, inset.part.keys);
  const std::string& title = inset.part.title;
  const Box name =
      page.add(Text{.x = box.left,
                    .y = keys.top - kTitle * 0.7,
                    .text = std::string(1, static_cast<char>(title[0] - 'a' + 'A')) + title.substr(1),
                    .size = kTitle,
                    .color = colors.quiet});
  return box.joined(queries).joined(keys).joined(name);
}

}  // namespace attnviz
