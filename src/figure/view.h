/// What the three views share: their lines, tokens in columns, and the colours of heads.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attnviz/figure.h"
#include "figure/page.h"

namespace attnviz {

/// The most lines in a figure.
inline constexpr std::size_t kMostLines = 20'000;

struct ViewLine {
  int layer, head;
  std::size_t query, key;
  float weight;
};

struct SightLines {
  std::vector<ViewLine> lines;   ///< weakest first
  std::optional<double> from{};  ///< smaller weights are left out, for the view's threshold or kMostLines
  bool too_many = false;         ///< for kMostLines
  std::size_t not_finite = 0;    ///< weights that have no line, since they are no numbers to compare
};

/// The weights above 0 that the view's layers, heads, token, filter and threshold leave.
[[nodiscard]] SightLines lines_in_sight(const View& view);

/// Of the lines' weights.
[[nodiscard]] ColorScale scale_of(const SightLines& sight, const Look& look);

/// How their weights are written: the decimals, and the widest of them with its digits as zeros.
[[nodiscard]] int decimals_of(const View& view, const SightLines& sight);
[[nodiscard]] std::string widest_number(const View& view, const SightLines& sight);

/// "minilm · Layer 6 · Heads 0–11 · From “bank” (2)"
[[nodiscard]] std::string title_of(const View& view);

/// The view's own notes, and which lines are left out.
[[nodiscard]] std::vector<std::string> notes_of(const View& view, const SightLines& sight);

/// What the figure is, its strongest lines, where its weight concentrates, and its notes. Of a neuron view:
/// the largest weight and dot product.
[[nodiscard]] std::string description(const View& view, const SightLines& sight, const ColorScale& scale);

/// "q · k / √64": the `dots`, and `over` what they are scaled; the dots alone where the layer does not.
[[nodiscard]] std::string scaled_dots(const View& view, const std::string& dots, const std::string& over);

/// Of the query token with each of keys_seen(), scaled as the layer scales them.
[[nodiscard]] std::vector<double> dot_products(const View& view);

/// Those keys: of the filter's, what order and window do not mask. Throws Error: none.
[[nodiscard]] View::Range keys_seen(const View& view);

/// A head's colour by its number, whatever other heads are shown, made darker or lighter where it would not
/// stand out from the page.
[[nodiscard]] Color head_color(int head, Color page);

/// `share` of the way from one colour to the other.
[[nodiscard]] Color mixed(Color from, Color to, double share);

/// Tokens in a column, a row each from y = 0 down, with a gap between the sentences of a pair.
struct TokenRows {
  double pitch = 0;
  View::Range range{};                       ///< of the view's tokens
  std::optional<std::size_t> second_from{};  ///< as the view's

  [[nodiscard]] bool has_gap() const;
  [[nodiscard]] double center(std::size_t token) const;
  [[nodiscard]] double bottom() const { return center(range.end - 1) + pitch / 2; }
};

/// The distance between rows of so many tokens, so that a page suits a paper.
[[nodiscard]] double row_pitch(std::size_t tokens);

/// Labels of a column.
struct TokenColumn {
  std::span<const TokenLabel> tokens{};  ///< the view's
  TokenRows rows;
  double x = 0;  ///< the labels' edge
  Text::Align align = Text::Align::end;
  std::optional<std::size_t> emphasized{};  ///< a token
};

/// Every k-th label when they would touch, but always the emphasized; of a pair with brackets A and B beside
/// them.
void draw_tokens(Page& page, const TokenColumn& column);

/// What lines' colours mean: from the page's colour to `strongest`.
struct LineBar {
  const ColorScale& scale;
  Color strongest;
  std::string name;
};

/// Right of all that is drawn, `height` tall.
void draw_line_bar(Page& page, const LineBar& bar, double height);

/// Title, sentence and notes around all that is drawn; the page as a figure.
[[nodiscard]] Figure finished(Page page, const View& view, const SightLines& sight, const Look& look);

[[nodiscard]] Figure head_view(const View& view, const Look& look, const MeasureText& measure);
[[nodiscard]] Figure model_view(const View& view, const Look& look, const MeasureText& measure);
[[nodiscard]] Figure neuron_view(const View& view, const Look& look, const MeasureText& measure);

}  // namespace attnviz
