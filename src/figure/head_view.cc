#include <algorithm>
#include <cmath>

#include "figure/ink.h"
#include "figure/number.h"
#include "figure/panel.h"
#include "figure/view.h"

namespace attnviz {
namespace {

constexpr double kToLabels = 5, kToCells = 2.4;

/// Where lines, cells and tokens lie; x = 0 is the lines' left end.
struct Layout {
  TokenRows queries, keys;
  double across = 0;  ///< from the left ends of lines to the right ones
  double fan = 0;     ///< between the ends of two heads' lines at a token
  double stroke = 1;
  double cell = 0;         ///< the width of a head's cell beside each token that the chosen one is linked to
  double number_size = 0;  ///< of the weights in cells
};

Layout layout_of(const Page& page, const View& view, const SightLines& sight, Annotate annotate) {
  const View::Range queries = view.queries(), keys = view.keys();
  const std::size_t heads = view.shown_heads.size();
  double pitch = row_pitch(std::max(queries.end - queries.begin, keys.end - keys.begin));
  Layout layout;
  if (view.token && annotate == Annotate::always)
    pitch = std::max(pitch, kGrid * std::ceil(TypeSizes::kSmallestAnnotation * TypeSizes::kLine / kGrid));
  layout.queries = {pitch, queries, view.second_from};
  layout.keys = {pitch, keys, view.second_from};
  const double height = std::max(layout.queries.bottom(), layout.keys.bottom());
  layout.across = kGrid * std::round(std::clamp(height * 0.6, 130.0, 260.0) / kGrid);
  constexpr double kShareOfRow = 0.5, kFarthest = 1.3, kThickest = 1.2, kThinnest = 0.3;
  layout.fan = std::min(pitch * kShareOfRow / static_cast<double>(heads), kFarthest);
  layout.stroke = std::clamp(heads > 1 ? layout.fan * 1.1 : pitch * 0.1, kThinnest, kThickest);
  if (!view.token) return layout;

  const double size = std::min(TypeSizes::kTick, (pitch - kGrid) / TypeSizes::kLine);
  const bool room = heads == 1 && size >= TypeSizes::kSmallestAnnotation;
  if (annotate == Annotate::always || (annotate == Annotate::automatic && room)) layout.number_size = size;
  constexpr double kForCells = 72, kWidest = 12, kNarrowest = 2.88, kAroundNumber = 4;
  layout.cell = layout.number_size > 0
                    ? page.width(widest_number(view, sight), layout.number_size) + kAroundNumber
                    : std::clamp(kForCells / static_cast<double>(heads), kNarrowest, kWidest);
  layout.cell = kGrid * std::round(layout.cell / kGrid);
  return layout;
}

/// What the pieces of the figure are drawn from.
struct Scene {
  const View& view;
  const SightLines& sight;
  const ColorScale& scale;
  Layout layout;

  [[nodiscard]] double heads() const { return static_cast<double>(view.shown_heads.size()); }
  [[nodiscard]] double place_of(int head) const {
    const auto found = std::find(view.shown_heads.begin(), view.shown_heads.end(), head);
    return static_cast<double>(found - view.shown_heads.begin());
  }
  [[nodiscard]] Color color_of(const ViewLine& line, Color paper) const {
    return mixed(paper, head_color(line.head, paper), scale.position(line.weight));
  }
};

void draw_lines(Page& page, const Scene& scene) {
  const Layout& layout = scene.layout;
  for (const ViewLine& line : scene.sight.lines) {
    const double aside = (scene.place_of(line.head) - (scene.heads() - 1) / 2) * layout.fan;
    page.add(Line{0, layout.queries.center(line.query) + aside, layout.across,
                  layout.keys.center(line.key) + aside, layout.stroke,
                  scene.color_of(line, page.colors().page)});
  }
}

/// Beside each token at the far ends of the lines, a cell a head.
void draw_cells_of_token(Page& page, const Scene& scene) {
  const auto& [view, sight, scale, layout] = scene;
  const double left = view.token_is_key ? -kToCells - layout.cell * scene.heads() : layout.across + kToCells;
  const TokenRows& rows = view.token_is_key ? layout.queries : layout.keys;
  constexpr double kLowestWithGaps = 4.8;
  const double gap = rows.pitch >= kLowestWithGaps ? kGrid : 0;
  const int decimals = decimals_of(view, sight);
  for (const ViewLine& line : sight.lines) {
    const double x = left + layout.cell * scene.place_of(line.head);
    const double y = rows.center(view.token_is_key ? line.query : line.key);
    const Color fill = scene.color_of(line, page.colors().page);
    page.add(Rectangle{x, y - rows.pitch / 2, layout.cell - gap, rows.pitch - gap, fill, gap == 0});
    if (layout.number_size == 0) continue;
    page.add(Text{.x = x + (layout.cell - gap) / 2,
                  .y = y - gap / 2,
                  .text = fixed(line.weight, decimals),
                  .size = layout.number_size,
                  .color = ink_on(fill),
                  .align = Text::Align::middle,
                  .middle = Text::Middle::cap_height});
  }
}

/// What stands above a column of tokens.
void draw_caption(Page& page, double x, Text::Align align, const char* words) {
  constexpr double kAboveRows = 10;
  page.add(Text{.x = x,
                .y = -kAboveRows,
                .text = words,
                .size = TypeSizes::kAxisTitle,
                .color = page.colors().quiet,
                .align = align});
}

void draw_token_columns(Page& page, const Scene& scene) {
  const auto& [view, sight, scale, layout] = scene;
  const double cells = layout.cell > 0 ? kToCells + layout.cell * scene.heads() : 0;
  const auto chosen = [&](bool key) { return view.token_is_key == key ? view.token : std::nullopt; };
  const double left = -kToLabels - (view.token_is_key ? cells : 0);
  const double right = layout.across + kToLabels + (view.token_is_key ? 0 : cells);
  draw_tokens(page, {view.tokens, layout.queries, left, Text::Align::end, chosen(false)});
  draw_tokens(page, {view.key_tokens(), layout.keys, right, Text::Align::start, chosen(true)});
  draw_caption(page, left, Text::Align::end, query_title(view.is_cross()));
  draw_caption(page, right, Text::Align::start, key_title(view.is_cross()));
}

/// A tile with its number for each head, in rows from the left end of all that is drawn.
void draw_heads(Page& page, const View& view) {
  constexpr double kSide = 12, kPitch = 13.44, kAboveCaptions = 9.6;
  const Box bounds = page.bounds();
  const auto in_row = static_cast<std::size_t>((bounds.right - bounds.left) / kPitch);
  const std::size_t count = view.shown_heads.size(), rows = (count + in_row - 1) / in_row;
  const double top = bounds.top - kAboveCaptions - kPitch * static_cast<double>(rows);
  for (std::size_t i = 0; i < count; ++i) {
    const double x = bounds.left + kPitch * static_cast<double>(i % in_row);
    const double y = top + kPitch * static_cast<double>(i / in_row);
    const Color fill = head_color(view.shown_heads[i], page.colors().page);
    page.add(Rectangle{x, y, kSide, kSide, fill});
    const std::string number = std::to_string(view.shown_heads[i]);
    page.add(Text{.x = x + kSide / 2,
                  .y = y + kSide / 2,
                  .text = number,
                  .size = number.size() > 2 ? 5.0 : 7.0,
                  .color = ink_on(fill),
                  .align = Text::Align::middle,
                  .middle = Text::Middle::cap_height});
  }
}

}  // namespace

Figure head_view(const View& view, const Look& look, const MeasureText& measure) {
  const SightLines sight = lines_in_sight(view);
  const ColorScale scale = scale_of(sight, look);
  Page page(look.theme, measure);
  const Scene scene{view, sight, scale, layout_of(page, view, sight, look.annotate)};
  draw_lines(page, scene);
  if (view.token) draw_cells_of_token(page, scene);
  draw_token_columns(page, scene);
  draw_heads(page, view);
  const bool one = view.shown_heads.size() == 1;
  const Color strongest =
      one ? head_color(view.shown_heads.front(), page.colors().page) : page.colors().quiet;
  constexpr double kLongestBar = 200;
  const double height = std::max(scene.layout.queries.bottom(), scene.layout.keys.bottom());
  draw_line_bar(page, {scale, strongest, view.quantity}, std::min(kLongestBar, height));
  return finished(std::move(page), view, sight, look);
}

}  // namespace attnviz
