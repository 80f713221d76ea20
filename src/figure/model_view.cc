#include <algorithm>
#include <cmath>

#include "figure/ink.h"
#include "figure/panel.h"
#include "figure/view.h"

namespace attnviz {
namespace {

constexpr double kBetween = 9.6, kToNames = 6;

/// Thumbnails of one size, a row a layer, a column a head.
struct Layout {
  double width = 0, height = 0;
  TokenRows queries, keys;

  [[nodiscard]] double left(std::size_t column) const {
    return (width + kBetween) * static_cast<double>(column);
  }
  [[nodiscard]] double top(std::size_t row) const { return (height + kBetween) * static_cast<double>(row); }
};

Layout layout_of(const View& view) {
  constexpr double kForAll = 740, kSmallest = 43.2, kLargest = 192, kHighestRow = 14.4;
  const View::Range queries = view.queries(), keys = view.keys();
  const auto longer = static_cast<double>(std::max(queries.end - queries.begin, keys.end - keys.begin));
  Layout layout;
  const double share = kForAll / static_cast<double>(view.heads.size()) - kBetween;
  layout.width = kGrid * std::round(std::clamp(share, kSmallest, kLargest) / kGrid);
  layout.height = std::clamp(longer * kHighestRow, kSmallest, layout.width);
  const auto rows = [&](View::Range range, double height) {
    return TokenRows{height / longer, range, view.second_from};
  };
  // A pair's gap comes out of the rows.
  const double longest = std::max(rows(queries, layout.height).bottom(), rows(keys, layout.height).bottom());
  const double height = layout.height - std::max(longest - layout.height, 0.0);
  layout.queries = rows(queries, height);
  layout.keys = rows(keys, height);
  return layout;
}

/// A hair line beside the tokens of a thumbnail's side, broken where a pair's second sentence begins.
void draw_axis(Page& page, double x, double top, const TokenRows& rows) {
  const auto part = [&](std::size_t begin, std::size_t end) {
    page.add(Line{x, top + rows.center(begin) - rows.pitch / 2, x,
                  top + rows.center(end - 1) + rows.pitch / 2, 0.5, page.colors().rule});
  };
  if (!rows.has_gap()) return part(rows.range.begin, rows.range.end);
  part(rows.range.begin, *rows.second_from);
  part(*rows.second_from, rows.range.end);
}

/// The strong end of the look's colours, as far as it stands out from the page.
Color ink_of_lines(const Page& page, const ColorScale& scale) {
  constexpr double kStandsOut = 4.5;
  for (double place = 0.9; place >= 0.1; place -= 0.05) {
    const Color color = scale.color_at(place);
    if (contrast(color, page.colors().page) >= kStandsOut) return color;
  }
  return page.colors().ink;
}

std::size_t place_of(const std::vector<int>& numbers, int number) {
  return static_cast<std::size_t>(std::find(numbers.begin(), numbers.end(), number) - numbers.begin());
}

/// `line` in its thumbnail.
Line placed(const Layout& layout, const View& view, const ViewLine& line, Color color) {
  constexpr double kThinnest = 0.2, kThickest = 0.9, kShareOfRow = 0.14;
  const double left = layout.left(place_of(view.heads, line.head));
  const double top = layout.top(place_of(view.layers, line.layer));
  return {.x1 = left,
          .y1 = top + layout.queries.center(line.query),
          .x2 = left + layout.width,
          .y2 = top + layout.keys.center(line.key),
          .width = std::clamp(layout.queries.pitch * kShareOfRow, kThinnest, kThickest),
          .color = color};
}

void draw_names(Page& page, const Layout& layout, const View& view) {
  Text name{.text = {}, .size = TypeSizes::kTick, .color = page.colors().quiet};
  name.align = Text::Align::middle;
  name.y = -kToNames;
  for (std::size_t column = 0; column < view.heads.size(); ++column) {
    name.text = "Head " + std::to_string(view.heads[column]);
    name.x = layout.left(column) + layout.width / 2;
    page.add(name);
  }
  name.align = Text::Align::end;
  name.x = -kToNames;
  for (std::size_t row = 0; row < view.layers.size(); ++row) {
    name.text = "Layer " + std::to_string(view.layers[row]);
    name.y = layout.top(row) + layout.height / 2;
    page.add(name);
  }
}

void draw_axes(Page& page, const Layout& layout, const View& view) {
  constexpr double kMark = 2.4;
  for (std::size_t row = 0; row < view.layers.size(); ++row) {
    for (std::size_t column = 0; column < view.heads.size(); ++column) {
      const double left = layout.left(column), top = layout.top(row);
      draw_axis(page, left, top, layout.queries);
      draw_axis(page, left + layout.width, top, layout.keys);
      if (!view.token) continue;
      const double x = left + (view.token_is_key ? layout.width : 0);
      const double y = top + (view.token_is_key ? layout.keys : layout.queries).center(*view.token);
      page.add(Rectangle{x - kMark / 2, y - kMark / 2, kMark, kMark, page.colors().ink});
    }
  }
}

}  // namespace

Figure model_view(const View& view, const Look& look, const MeasureText& measure) {
  const SightLines sight = lines_in_sight(view);
  const ColorScale scale = scale_of(sight, look);
  Page page(look.theme, measure);
  const Layout layout = layout_of(view);
  const Color strongest = ink_of_lines(page, scale);
  for (const ViewLine& line : sight.lines) {
    const Color color = mixed(page.colors().page, strongest, scale.position(line.weight));
    page.add(placed(layout, view, line, color));
  }
  draw_axes(page, layout, view);
  draw_names(page, layout, view);
  constexpr double kLongestBar = 300;
  const double height = layout.top(view.layers.size() - 1) + layout.height;
  draw_line_bar(page, {scale, strongest, view.quantity}, std::min(kLongestBar, height));
  return finished(std::move(page), view, sight, look);
}

}  // namespace attnviz
