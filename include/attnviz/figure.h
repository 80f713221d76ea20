/// figure: layouts. Attention becomes a flat, retained display list in points (1/72 inch), y down.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "attnviz/analysis.h"
#include "attnviz/attention.h"
#include "attnviz/text.h"

namespace attnviz {

struct Color {
  std::uint8_t red = 0, green = 0, blue = 0;
  friend bool operator==(const Color&, const Color&) = default;
};

/// A filled rectangle without an outline.
struct Rectangle {
  double x = 0, y = 0, width = 0, height = 0;
  Color fill;
  bool crisp = false;  ///< its edges go to whole pixels: it adjoins others, and no seam may show
};

struct Line {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  double width = 0.5;
  Color color{};
};

/// One line of text. (x, y) is the anchor: horizontally as `align` says, vertically as `middle` says, so
/// that labels and numbers centre on their cells whatever their script; `angle` turns it about the
/// anchor, clockwise, in degrees.
struct Text {
  enum class Align { start, middle, end };
  enum class Middle { x_height, cap_height };  ///< of words; of digits and capitals
  double x = 0, y = 0;
  std::string text;
  double size = 9;  ///< of the font, in points
  Color color{};
  Align align = Align::start;
  Middle middle = Middle::x_height;
  double angle = 0;
  bool bold = false;
  std::size_t mark_bytes = 0;  ///< so many leading bytes are a token's mark, drawn in mark_color
  Color mark_color{};
};

/// columns × rows pixels drawn as crisp squares (no smoothing) into a rectangle: maps with more cells
/// than a vector file should hold.
struct Image {
  double x = 0, y = 0, width = 0, height = 0;
  std::size_t columns = 0;
  std::vector<Color> pixels;
};

using Item = std::variant<Rectangle, Line, Text, Image>;

/// A finished page. Items are drawn in order, over the background.
struct Figure {
  double width = 0, height = 0;
  Color background{255, 255, 255};
  std::vector<Item> items{};
  std::string title{};        ///< the figure's name, for SVG <title>, PNG and PDF metadata
  std::string description{};  ///< what it shows, in sentences, for readers who cannot see it
  std::string record{};       ///< the JSON object that its file carries (see read_record), or empty
};

/// Width of `text` in points at a font size. Layouts measure text through it and know no font.
using MeasureText = std::function<double(std::string_view text, double size, bool bold)>;

/// A published colour map. Values are clamped to [0, 1].
class ColorMap {
 public:
  /// Blues, Reds, YlOrRd, Oranges, Greens, Purples, Greys, viridis, magma, inferno, plasma, cividis, RdBu,
  /// PuOr, berlin; with the suffix _r reversed. Throws Error naming the nearest name.
  explicit ColorMap(std::string_view name);
  [[nodiscard]] Color operator()(double value) const;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] ColorMap reversed() const;
  [[nodiscard]] bool is_diverging() const;  ///< its middle is neutral, its ends are opposites
  [[nodiscard]] static const std::vector<std::string>& names();

 private:
  std::string name_;
  std::span<const Color> table_;
  bool reversed_ = false;
};

enum class Annotate { automatic, always, never };
enum class Scale { linear, sqrt, log };
enum class Theme { light, dark };

/// What is no finite number is filled with it: no colour map has it.
inline constexpr Color kNotFinite{230, 0, 230};

/// How figures look. The defaults are a paper's.
struct Look {
  ColorMap colors{"Blues"};  ///< one that runs from light to dark is turned round in the dark theme
                             ///< (unless it is an _r), so that weak attention recedes into the page
  Scale scale = Scale::linear;
  std::optional<double> vmin{}, vmax{};  ///< unset: 0 (log: the power of ten below the smallest positive
                                         ///< weight, or below vmax/1000) and the largest weight shown
  Annotate annotate = Annotate::automatic;
  Theme theme = Theme::light;
  std::optional<std::string> title{};  ///< in place of the figure's own
};

/// What stands for several weights.
enum class Pool {
  max,  ///< the largest (of differences the farthest from 0): nothing strong is lost
  mean  ///< their mean, of those that are not masked: what little there is counts, too
};

/// Cells that stand for `by` × `by` weights each, at the ends for what is left.
struct Pooling {
  std::size_t by = 1;
  Pool how = Pool::max;
  friend bool operator==(const Pooling&, const Pooling&) = default;
};

/// Part of a map, to be drawn larger beside it.
struct Zoom {
  std::size_t query = 0, key = 0;  ///< the first of each, counting from 0 as the map's tokens do
  MatrixView weights{};            ///< one a token, however the map is pooled
  std::span<const TokenLabel> queries{}, keys{};
};

/// What the numbers of a map are called where they are norms (see WeightKind), or differences of them.
inline constexpr char kNorms[] = "Norm of Weighted Vectors", kNormDifferences[] = "Difference of Norms";

/// One map with its words.
struct Heatmap {
  MatrixView weights;
  std::span<const TokenLabel> queries{};  ///< of the rows; pooled, the first of each row's
  std::span<const TokenLabel> keys{};     ///< of the columns, likewise
  bool causal = false;               ///< nothing is drawn above the diagonal, and the legend says "masked"
  bool cross = false;                ///< queries are a target's tokens, keys its source's, as axes then say
  std::string title{};               ///< "minilm · Layer 6 · Head 0"
  std::string subtitle{};            ///< the sentence; cut with an ellipsis where it would not fit
  std::vector<std::string> notes{};  ///< what alters the numbers shown ("cut to 512 tokens")
  bool is_signed = false;            ///< a difference: numbers on both sides of 0, written with their sign
  bool rows_are_layers = false;      ///< what one token attends to in each layer, in place of a row a query
  std::string quantity = "Attention Weight";   ///< the colour bar's name
  Pooling pooling{};                           ///< of whole tokens' weights into its cells
  std::size_t first_query = 0, first_key = 0;  ///< which tokens its first row and column begin with
  bool windowed =
      false;  ///< a weight of exactly 0 was not computed: it is left blank, and the legend says so
  std::optional<Zoom> zoom{};

  /// The token that a row or column is, or begins with.
  [[nodiscard]] std::size_t query_token(std::size_t row) const { return first_query + row * pooling.by; }
  [[nodiscard]] std::size_t key_token(std::size_t column) const { return first_key + column * pooling.by; }
  /// Neither masked nor not computed.
  [[nodiscard]] bool shows(std::size_t row, std::size_t column) const {
    const bool seen = !causal || key_token(column) < query_token(row) + pooling.by;
    return seen && !(windowed && weights(row, column) == 0);
  }
};

/// Whether its numbers are norms or differences of norms, which have no largest and whose rows have no sum.
[[nodiscard]] inline bool shows_norms(const Heatmap& map) {
  return map.quantity == kNorms || map.quantity == kNormDifferences;
}

/// What its blank cells are: "masked", "not computed", "masked or not computed", or nothing.
[[nodiscard]] std::string blank_cells(const Heatmap& map);

/// "each cell shows the largest of 8 × 8 weights"
[[nodiscard]] std::string pooling_note(const Heatmap& map, const Pooling& pooling);

/// The map's weights, pooled: columns, and rows unless they are layers. What the map does not show counts
/// nowhere; what is not finite makes its cell NaN.
[[nodiscard]] std::vector<float> pooled_weights(const Heatmap& map, const Pooling& pooling);

/// The labels of pooled rows or columns: the first of each.
[[nodiscard]] std::vector<TokenLabel> pooled_labels(std::span<const TokenLabel> labels, std::size_t by);

/// The part of a map that its zoom shows, as a map of its own.
[[nodiscard]] Heatmap zoomed(const Heatmap& map);

/// Numbers in [lower, upper] spread over a colour map; those outside take its ends, those that are not finite
/// a colour of their own.
class ColorScale {
 public:
  struct Tick {
    double position;  ///< 0 at the lower end, 1 at the upper
    std::string label;
  };

  /// One scale for all the numbers that `maps` show, as `look` wishes: what a causal map masks is left out.
  /// Of signed maps 0 is in the middle. Throws Error when vmin is not below vmax, or a logarithm has
  /// nothing positive to start from.
  ColorScale(std::span<const Heatmap> maps, const Look& look);

  [[nodiscard]] double position(double value) const;
  [[nodiscard]] Color color(double value) const {
    return std::isfinite(value) ? colors_(position(value)) : kNotFinite;
  }
  [[nodiscard]] Color color_at(double place) const { return colors_(place); }
  [[nodiscard]] double lower() const { return lower_; }
  [[nodiscard]] double upper() const { return upper_; }
  /// How many of the numbers shown are not finite.
  [[nodiscard]] std::size_t not_finite() const { return not_finite_; }

  /// Round numbers at least `spacing` (a share of the bar's length) apart, from low to high. An end
  /// beyond which weights lie is always among them, marked "≥" or "≤".
  [[nodiscard]] std::vector<Tick> ticks(double spacing) const;

  /// Of the finite numbers shown.
  struct Range {
    double smallest = std::numeric_limits<double>::infinity();
    double smallest_positive = std::numeric_limits<double>::infinity();
    double largest = -std::numeric_limits<double>::infinity();
    std::size_t not_finite = 0;  ///< the others
  };

 private:
  void set_ends(const Range& range, const Look& look);
  void set_signed_ends(const Range& range, const Look& look);

  ColorMap colors_;
  Scale scale_;
  double lower_ = 0, upper_ = 1;
  bool below_ = false, above_ = false;  ///< some weights lie beyond the ends
  std::size_t not_finite_ = 0;
};

/// One head's heatmap: square cells, tokens on both axes, colour bar "Attention Weight". Readable from 2 to
/// 512 tokens: cells and fonts follow the number of tokens, labels thin out rather than overlap.
[[nodiscard]] Figure head_heatmap(const Heatmap& heatmap, const Look& look, const MeasureText& measure);

/// Maps of the same tokens on one scale.
struct HeatmapGrid {
  std::vector<Heatmap>
      panels;  ///< in reading order, all of one size; each title stands small above its panel
  std::size_t columns = 4;
  std::string title{}, subtitle{};
  std::vector<std::string> notes{};

  /// Or, in place of the panels' titles and of all token labels, names of the rows and columns of
  /// panels: a whole model at a glance.
  std::vector<std::string> row_names{}, column_names{};
};

/// 1 to some hundred panels on a page for a screen: token labels on the outer panels, one colour bar. Where a
/// map has more cells than its panel has room for, a cell shows the largest weight of several, and a note
/// says so. Throws Error when the panels' sizes differ.
[[nodiscard]] Figure heatmap_grid(const HeatmapGrid& grid, const Look& look, const MeasureText& measure);

/// One of two maps that are compared.
struct Compared {
  Heatmap map;                                               ///< its title stands above it
  ColorMap colors;                                           ///< its own, on the scale of both
  std::vector<std::pair<std::string, std::string>> facts{};  ///< names and values, below it
};

/// Two maps beside each other, each with its own tokens, on one scale.
struct Comparison {
  std::array<Compared, 2> sides;
  std::string title{}, subtitle{};
  std::vector<std::string> notes{};
};

[[nodiscard]] Figure comparison_figure(const Comparison& comparison, const Look& look,
                                       const MeasureText& measure);

/// What a model does with one text, at a glance.
struct Summary {
  std::vector<LayerMetrics> layers;
  double uniform_entropy = 0;  ///< the entropy that evenly spread attention would have, in nats
  Heatmap mean;                ///< over all layers and heads; its title, subtitle and notes are the figure's
  std::span<const double> received;  ///< by each of the map's keys
};

/// Four panels: mean weight by layer, entropy by layer (with its uniform baseline), the mean map, and the
/// attention that each token receives.
[[nodiscard]] Figure summary_figure(const Summary& summary, const Look& look, const MeasureText& measure);

/// What BertViz shows (Vig 2019, "A Multiscale Visualization of Attention in the Transformer Model"): the
/// weights of some layers and heads between the tokens of one text or pair, and what of them is in sight.
struct View {
  enum class Kind {
    head,   ///< a layer: tokens at the left attend to tokens at the right, a line a weight, a colour a head
    model,  ///< such lines of every layer (a row each) and head (a column each), small
    neuron  ///< a head: how a query's and the keys' vectors make its weights
  };
  /// By the sentences, the first (A) and the second (B), that queries and keys belong to.
  enum class Filter { all, a_to_a, b_to_b, a_to_b, b_to_a };

  Kind kind = Kind::head;
  std::vector<int> layers{}, heads{};        ///< all that the view holds, by number
  std::span<const TokenLabel> tokens{};      ///< queries and keys alike; of cross attention the queries,
  std::span<const TokenLabel> sources{};     ///< and these the keys
  std::optional<std::size_t> second_from{};  ///< of a pair, where B begins (BertViz's sentence_b_start)
  bool causal = false;
  std::span<const float> weights{};           ///< [layers, heads, queries, keys]
  std::string quantity = Heatmap{}.quantity;  ///< or kNorms
  bool rounded = false;  ///< the numbers come from a page, in 16 bits: weights are up to 7.7e-6 off
  std::size_t head_size = 0;
  std::span<const float> query{}, key{};  ///< as in Attention; empty: not there, and no neuron view is
  std::vector<double> dot_scales{};       ///< as in Attention; empty: 1/sqrt(head_size) in each layer
  std::vector<std::size_t> windows{};     ///< as in Attention; empty: 0 in each layer
  std::string title{};                    ///< the model's name
  std::string subtitle{};                 ///< the sentence
  std::vector<std::string> notes{};       ///< what alters the numbers shown, or is left out

  int layer = 0;                   ///< in sight in the head and neuron views: one of `layers`
  std::vector<int> shown_heads{};  ///< in sight in the head view (some of `heads`); of the neuron view one
  std::optional<std::size_t> token{};  ///< what it attends to is in sight alone; a neuron view has one
  bool token_is_key = false;           ///< in its place: what attends to it (head and model views)
  double threshold = 0;                ///< smaller weights are not drawn
  Filter filter = Filter::all;         ///< what it leaves out still has its share of the weights

  /// Of a page that holds several parts of an encoder-decoder's attention: which of them this is, and the
  /// others, which a reader of the page can choose in its place. A figure shows this one.
  std::optional<AttentionPart> part{};
  std::vector<View> others{};

  [[nodiscard]] bool is_cross() const { return !sources.empty(); }
  [[nodiscard]] std::span<const TokenLabel> key_tokens() const { return is_cross() ? sources : tokens; }

  /// By number, not index. Throws Error when it is not among layers or heads.
  [[nodiscard]] MatrixView at(int layer_number, int head_number) const;
  /// [tokens, head_size], likewise.
  [[nodiscard]] MatrixView query_at(int layer_number, int head_number) const;
  [[nodiscard]] MatrixView key_at(int layer_number, int head_number) const;
  /// What the layer in sight multiplies dot products with.
  [[nodiscard]] double dot_scale() const;
  /// How many keys a query sees in it; 0: all.
  [[nodiscard]] std::size_t window() const;
  /// The tokens [begin, end) that the filter leaves at the left and at the right.
  struct Range {
    std::size_t begin = 0, end = 0;
  };
  [[nodiscard]] Range queries() const;
  [[nodiscard]] Range keys() const;
};

/// The view as it is in sight. Lines take a head's colour, weaker ones nearer to the page's; the strongest
/// lie on top. Where there would be more lines than a vector file should hold, the weakest are left out, and
/// a note says from which weight on they are drawn. Throws Error: a neuron view without vectors or token.
[[nodiscard]] Figure view_figure(const View& view, const Look& look, const MeasureText& measure);

/// What a figure is laid out from.
using Drawn = std::variant<Heatmap, HeatmapGrid, Comparison, Summary, View>;

/// head_heatmap, heatmap_grid, comparison_figure, summary_figure or view_figure.
[[nodiscard]] Figure lay_out(const Drawn& drawn, const Look& look, const MeasureText& measure);

/// Its maps, in reading order.
[[nodiscard]] std::vector<Heatmap> maps_of(const Drawn& drawn);

/// The display list as text, one item a line, for goldens and for eyes.
[[nodiscard]] std::string to_text(const Figure& figure);

}  // namespace attnviz
