#include <algorithm>

#include "attnviz/error.h"
#include "figure/describe.h"
#include "figure/panel.h"

namespace attnviz {
namespace {

void check(const Heatmap& heatmap) {
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

/// Title and sentence above the map, from its left edge to `right`.
void draw_heading(Page& page, double x, double y, double right, const std::string& title,
                  const std::string& sentence) {
  const auto room = [&](double at_least) { return std::max(right - x, at_least); };
  double bottom = y - 7;
  if (!sentence.empty()) {
    const double size = TypeSizes::kSubtitle;
    page.add(Text{.x = x,
                  .y = bottom - size / 2,
                  .text = page.shortened(sentence, room(0), size),
                  .size = size,
                  .color = page.colors().muted});
    bottom -= size + 4.5;
  }
  if (!title.empty()) {
    constexpr double kRoomForAName = 400;  // names make a page wider rather than being cut
    const double size = TypeSizes::kTitle;
    page.add(Text{.x = x,
                  .y = bottom - size / 2,
                  .text = page.shortened(title, room(kRoomForAName), size, true),
                  .size = size,
                  .color = page.colors().ink,
                  .bold = true});
  }
}

void draw_notes(Page& page, double x, double right, const std::vector<std::string>& notes) {
  const double size = TypeSizes::kNote;
  double y = page.bounds().bottom + 4;
  for (const std::string& note : notes) {
    for (const std::string& line : page.wrapped(visible(note), right - x, size)) {
      y += size * 1.3;
      page.add(Text{.x = x, .y = y - size / 2, .text = line, .size = size, .color = page.colors().muted});
    }
  }
}

}  // namespace

Figure head_heatmap(const Heatmap& heatmap, const Look& look, const MeasureText& measure) {
  check(heatmap);
  const std::string title = visible(look.title.value_or(heatmap.title));
  const ColorScale scale({&heatmap.weights, 1}, heatmap.causal, look);
  const std::size_t rows = heatmap.weights.rows(), columns = heatmap.weights.columns;
  const Panel panel{.pitch = cell_pitch(std::max(rows, columns)), .rows = rows, .columns = columns};

  Page page(look.theme, measure);
  draw_cells(page, panel, heatmap, scale);
  draw_annotations(page, panel, heatmap, scale, look.annotate);
  const Box key_labels = draw_key_labels(page, panel, heatmap.keys);
  const Box query_labels = draw_query_labels(page, panel, heatmap.queries);
  draw_query_title(page, panel, query_labels, key_labels);
  constexpr double kToTheBar = 14.4;
  const Box bar = draw_color_bar(page, scale, panel.width() + kToTheBar, 0, panel.height(), heatmap.causal);
  // A bar longer than its map stands where the title of the keys might.
  draw_key_title(page, panel, key_labels, bar.bottom > panel.height() + 1 ? bar.bottom : 0);

  constexpr double kLeastForTheSentence = 230;
  const double right = std::max(page.bounds().right, kLeastForTheSentence);
  draw_heading(page, 0, 0, right, title, visible(heatmap.subtitle));
  draw_notes(page, 0, right, heatmap.notes);
  return std::move(page).finish(title, description(heatmap, scale));
}

}  // namespace attnviz
