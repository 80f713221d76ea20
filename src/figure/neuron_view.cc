#include <algorithm>
#include <cmath>
#include <string>

#include "attnviz/error.h"
#include "figure/number.h"
#include "figure/panel.h"
#include "figure/view.h"

namespace attnviz {
namespace {

constexpr double kToTokens = 5, kFan = 57.6, kBetween = 19.2;
constexpr double kBars = 52.8;   // the longest bar of dot products, and of weights
constexpr double kHeadGap = 10;  // columns' names above the rows

/// The vectors of one query and the keys that it may see, and what they make.
struct Neurons {
  MatrixView query, keys;  ///< a row; a row each
  std::vector<float> products;
  std::vector<double> dots;
  std::span<const float> weights;

  explicit Neurons(const View& view) : dots(dot_products(view)) {
    const std::size_t size = view.head_size, first = keys_seen(view).begin, seen = dots.size();
    const int head = view.shown_heads.front();
    query = {view.query_at(view.layer, head).values.subspan(*view.token * size, size), size};
    keys = {view.key_at(view.layer, head).values.subspan(first * size, seen * size), size};
    for (std::size_t i = 0; i < keys.values.size(); ++i)
      products.push_back(query.values[i % size] * keys.values[i]);
    weights = view.at(view.layer, head).values.subspan(*view.token * view.key_tokens().size() + first, seen);
  }

  [[nodiscard]] MatrixView products_by_key() const { return {products, keys.columns}; }
};

/// A diverging map, 0 in its middle: the look's own, or one that suits the theme.
Look look_of_vectors(const Look& look) {
  const ColorMap own(look.theme == Theme::dark ? "berlin" : "RdBu_r");
  return {.colors = look.colors.is_diverging() ? look.colors : own, .theme = look.theme};
}

Heatmap vectors_map(const MatrixView& values) { return {.weights = values, .is_signed = true}; }

/// Where the columns begin, from x = 0 where the query's band does.
struct Layout {
  TokenRows queries, key_rows;
  double cell = 0;  ///< the width of a band's cell
  double band = 0;
  double keys = 0, products = 0, dots = 0, weights = 0, tokens = 0;
  double number_size = 0;  ///< 0: no numbers, but their range at the foot
  double numbers = 0;      ///< the width of the column of numbers before bars
};

/// As wide as the widest of the numbers before bars.
double width_of_numbers(const Page& page, const std::vector<double>& dots, double size) {
  double width = page.width("0.00", size);
  for (const double dot : dots) width = std::max(width, page.width(signed_fixed(dot, 2), size));
  return width;
}

Layout layout_of(const Page& page, const View& view, const std::vector<double>& dots, Annotate annotate) {
  constexpr double kBandWidth = 122.88, kWidestCell = 14.4, kSlot = 86.4;
  double pitch = row_pitch(std::max(view.tokens.size(), view.key_tokens().size()));
  if (annotate == Annotate::always)
    pitch = std::max(pitch, kGrid * std::ceil(TypeSizes::kSmallestAnnotation * TypeSizes::kLine / kGrid));
  Layout layout;
  layout.queries = {pitch, view.queries(), view.second_from};
  layout.key_rows = {pitch, view.keys(), view.second_from};
  const double share = std::min(kBandWidth / static_cast<double>(view.head_size), kWidestCell);
  layout.cell = kGrid * std::max(1.0, std::round(share / kGrid));
  layout.band = layout.cell * static_cast<double>(view.head_size);
  const double size = std::min(TypeSizes::kTick, pitch / TypeSizes::kLine);
  if (annotate != Annotate::never && size >= TypeSizes::kSmallestAnnotation - 1e-9) layout.number_size = size;
  constexpr double kAroundNumbers = 4;
  if (layout.number_size > 0)
    layout.numbers = width_of_numbers(page, dots, layout.number_size) + kAroundNumbers;
  const double slot = std::max(layout.band, kSlot);
  const double bars = std::max(layout.numbers + kBars, kSlot);
  layout.keys = slot + kFan;
  layout.products = layout.keys + slot + kBetween;
  layout.dots = layout.products + slot + kBetween;
  layout.weights = layout.dots + bars + kBetween;
  layout.tokens = layout.weights + layout.numbers + kBars + kToTokens;
  return layout;
}

/// Vectors, a row each.
struct Bands {
  const TokenRows& rows;
  double x = 0;
  std::size_t first = 0;  ///< the token of the first row
  MatrixView values;
  const ColorScale& scale;
};

/// A band a row, without air between the rows where they are low. A band that is alone is never too low.
void draw_bands(Page& page, const Layout& layout, const Bands& bands) {
  constexpr double kLowest = 4.8, kShare = 0.8;
  const auto& [rows, x, first, values, scale] = bands;
  const bool alone = values.rows() == 1, apart = rows.pitch >= kLowest || alone;
  const double share = std::max(rows.pitch * kShare, alone ? kLowest : 0);
  const double height = apart ? kGrid * std::round(share / kGrid) : rows.pitch;
  const std::size_t cells = (2 * rows.range.end + 1) * values.columns;
  for (std::size_t row = 0, end = 0; row < values.rows(); row = end) {
    const bool before_gap = rows.has_gap() && row + first < *rows.second_from;
    const std::size_t segment = before_gap ? *rows.second_from - first : values.rows();
    end = apart ? row + 1 : std::min(segment, values.rows());
    const MatrixView part{values.values.subspan(row * values.columns, (end - row) * values.columns),
                          values.columns};
    const double top = rows.center(row + first) - height / 2;
    draw_cells(page, {x, top, layout.cell, height, end - row, values.columns}, vectors_map(part), scale,
               cells);
  }
}

void draw_fan(Page& page, const Layout& layout, const SightLines& sight, const ColorScale& scale) {
  constexpr double kAway = 2.4, kThinnest = 0.3, kThickest = 1.2;
  const double stroke = std::clamp(layout.queries.pitch * 0.1, kThinnest, kThickest);
  const Color paper = page.colors().page;
  for (const ViewLine& line : sight.lines) {
    page.add(Line{layout.band + kAway, layout.queries.center(line.query), layout.keys - kAway,
                  layout.key_rows.center(line.key), stroke,
                  mixed(paper, head_color(line.head, paper), scale.position(line.weight))});
  }
}

/// A number a row, and what it looks like.
struct Bars {
  double x = 0;
  std::size_t first = 0;  ///< the token of the first row
  std::vector<double> values;
  bool is_signed = false;
  Color positive{}, negative{};

  [[nodiscard]] std::string number(double value) const {
    return is_signed ? signed_fixed(value, 2) : fixed(value, 2);
  }
};

void draw_bars(Page& page, const Layout& layout, const Bars& bars) {
  constexpr double kShare = 0.72, kThickest = 10, kHair = 0.5;
  double lower = 0, upper = 0;
  for (const double value : bars.values) {
    if (!std::isfinite(value)) continue;  // its number alone is written
    lower = std::min(lower, value);
    upper = std::max(upper, value);
  }
  const double unit = upper > lower ? kBars / (upper - lower) : 0;
  const double left = bars.x + layout.numbers, zero = left - lower * unit;
  const TokenRows& rows = layout.key_rows;
  const double thickness = std::min(rows.pitch * kShare, kThickest);
  for (std::size_t i = 0; i < bars.values.size(); ++i) {
    const double value = bars.values[i], y = rows.center(bars.first + i);
    const double length = std::isfinite(value) ? std::abs(value) * unit : 0;
    page.add(Rectangle{value < 0 ? zero - length : zero, y - thickness / 2, length, thickness,
                       value < 0 ? bars.negative : bars.positive});
    if (layout.number_size == 0) continue;
    page.add(Text{.x = left - 3,
                  .y = y,
                  .text = bars.number(value),
                  .size = layout.number_size,
                  .color = page.colors().ink,
                  .align = Text::Align::end,
                  .middle = Text::Middle::cap_height});
  }
  const double top = rows.center(bars.first) - rows.pitch / 2;
  const double bottom = rows.center(bars.first + bars.values.size() - 1) + rows.pitch / 2;
  page.add(Line{zero, top, zero, bottom, kHair, page.colors().rule});
  if (layout.number_size > 0) return;
  page.add(Text{.x = left + kBars / 2,
                .y = bottom + 8,
                .text = bars.number(lower) + " to " + bars.number(upper),
                .size = TypeSizes::kTick,
                .color = page.colors().quiet,
                .align = Text::Align::middle});
}

void draw_column_names(Page& page, const Layout& layout, const View& view) {
  const auto name = [&](double x, std::string text) {
    page.add(Text{.x = x,
                  .y = -kHeadGap,
                  .text = std::move(text),
                  .size = TypeSizes::kAxisTitle,
                  .color = page.colors().quiet});
  };
  name(0, "Query q");
  name(layout.keys, "Key k");
  name(layout.products, "q × k, elementwise");
  name(layout.dots, scaled_dots(view, "q · k", " / "));
  name(layout.weights, "Softmax");
}

/// From the first of them, right of all that is drawn.
void draw_vector_bars(Page& page, const ColorBar& vectors, const ColorBar& products, double height) {
  constexpr double kLongest = 200, kApart = 9.6, kToTheBar = 14.4;
  const double length = std::min(height, kLongest), x = page.bounds().right + kToTheBar;
  const Box first = draw_color_bar(page, vectors, x, 0, length);
  draw_color_bar(page, products, first.right + kApart, 0, length);
}

}  // namespace

View::Range keys_seen(const View& view) {
  View::Range keys = view.keys();
  if (view.causal) keys.end = std::min(keys.end, *view.token + 1);
  const std::size_t window = view.window();
  if (window > 0 && *view.token >= window) keys.begin = std::max(keys.begin, *view.token + 1 - window);
  if (window > 0) keys.end = std::min(keys.end, *view.token + window);
  if (keys.begin >= keys.end) {
    throw Error(
        "view: token " + std::to_string(*view.token) + " sees none of the keys that the filter leaves",
        "choose another token, or another filter");
  }
  return keys;
}

std::string scaled_dots(const View& view, const std::string& dots, const std::string& over) {
  const double scale = view.dot_scale(), usual = 1 / std::sqrt(static_cast<double>(view.head_size));
  if (scale == 1) return dots;
  if (std::abs(scale - usual) <= 1e-9 * usual) return dots + over + "√" + std::to_string(view.head_size);
  return dots + " × " + fixed(scale, 4);
}

std::vector<double> dot_products(const View& view) {
  const std::size_t token = *view.token;
  const auto [begin, end] = keys_seen(view);
  const MatrixView query = view.query_at(view.layer, view.shown_heads.front());
  const MatrixView key = view.key_at(view.layer, view.shown_heads.front());
  std::vector<double> dots(end - begin, 0);
  for (std::size_t row = begin; row < end; ++row) {
    double& dot = dots[row - begin];
    for (std::size_t i = 0; i < view.head_size; ++i)
      dot += static_cast<double>(query(token, i)) * key(row, i);
    dot *= view.dot_scale();
  }
  return dots;
}

Figure neuron_view(const View& view, const Look& look, const MeasureText& measure) {
  const SightLines sight = lines_in_sight(view);
  const ColorScale weights = scale_of(sight, look);
  const Neurons neurons(view);
  const Look vector_look = look_of_vectors(look);
  const std::vector<Heatmap> vectors = {vectors_map(neurons.query), vectors_map(neurons.keys)};
  const Heatmap products = vectors_map(neurons.products_by_key());
  const ColorScale vector_scale(vectors, vector_look), product_scale({&products, 1}, vector_look);

  Page page(look.theme, measure);
  const Layout layout = layout_of(page, view, neurons.dots, look.annotate);
  draw_fan(page, layout, sight, weights);
  const auto [first, end] = keys_seen(view);
  draw_bands(page, layout, {layout.queries, 0, *view.token, neurons.query, vector_scale});
  draw_bands(page, layout, {layout.key_rows, layout.keys, first, neurons.keys, vector_scale});
  draw_bands(page, layout,
             {layout.key_rows, layout.products, first, neurons.products_by_key(), product_scale});
  constexpr double kPositive = 0.88;
  draw_bars(page, layout,
            {layout.dots, first, neurons.dots, true, product_scale.color_at(kPositive),
             product_scale.color_at(1 - kPositive)});
  const Color own = head_color(view.shown_heads.front(), page.colors().page);
  draw_bars(page, layout,
            {layout.weights, first, {neurons.weights.begin(), neurons.weights.end()}, false, own, own});
  draw_tokens(page, {view.tokens, layout.queries, -kToTokens, Text::Align::end, view.token});
  draw_tokens(page, {view.key_tokens(), layout.key_rows, layout.tokens, Text::Align::start, {}});
  draw_column_names(page, layout, view);
  const bool masked = first > view.keys().begin || end < view.keys().end;
  draw_vector_bars(page,
                   {.scales = {&vector_scale, 1}, .name = "Query and Key", .blank = masked ? "masked" : ""},
                   {.scales = {&product_scale, 1}, .name = "q × k"},
                   std::max(layout.queries.bottom(), layout.key_rows.bottom()));
  return finished(std::move(page), view, sight, look);
}

}  // namespace attnviz
