#include <algorithm>
#include <cmath>

#include "attnviz/error.h"
#include "figure/chart.h"
#include "figure/describe.h"
#include "figure/heading.h"
#include "figure/ink.h"

namespace attnviz {
namespace {

constexpr double kChartHeight = 100.8;
constexpr double kBelowChart = 57.6;  // its axis, and the titles of the panels below it
constexpr double kAboveChart = 19.2;  // its title
constexpr double kBetweenColumns = 24;
constexpr double kNarrowestChart = 168;

void check(const Summary& summary) {
  check_labels(summary.mean);
  if (summary.layers.empty()) throw Error("summary: no layers, expected at least one");
  const std::size_t keys = summary.mean.weights.columns, got = summary.received.size();
  if (got != keys) {
    throw Error("summary: attention received does not match the map, expected " + std::to_string(keys) +
                " numbers, got " + std::to_string(got));
  }
}

/// Smaller than a heatmap's own, so that four panels suit a page.
Panel map_panel(const Page& page, const Heatmap& mean, Annotate annotate) {
  constexpr double kShare = 0.8;
  const double full = cell_pitch(std::max(mean.weights.rows(), mean.weights.columns));
  double pitch = kGrid * std::max(1.0, std::floor(full * kShare / kGrid));
  if (annotate == Annotate::always) pitch = std::max(pitch, annotated_pitch(page, mean));
  return square_panel(mean, pitch);
}

/// A colour of the map that stands out from the page.
Color accent(const Page& page, const ColorScale& scale) {
  constexpr double kStandsOut = 3;
  for (double place = 0.6; place <= 1; place += 0.05) {
    const Color color = scale.color_at(place);
    if (contrast(color, page.colors().page) >= kStandsOut) return color;
  }
  return page.colors().muted;
}

LayerChart chart_of(const Summary& summary, double LayerMetrics::*number) {
  LayerChart chart;
  for (const LayerMetrics& layer : summary.layers)
    chart.points.push_back({layer.layer, std::max(layer.*number, 0.0)});
  std::sort(chart.points.begin(), chart.points.end(),
            [](const auto& a, const auto& b) { return a.layer < b.layer; });
  return chart;
}

LayerChart mean_weight_chart(const Summary& summary) {
  LayerChart chart = chart_of(summary, &LayerMetrics::mean_weight);
  const std::size_t keys = summary.mean.weights.columns;
  const double even = 1 / static_cast<double>(keys);
  const bool even_everywhere = std::all_of(chart.points.begin(), chart.points.end(), [&](const auto& point) {
    return std::abs(point.value - even) < 1e-3 * even;
  });
  if (even_everywhere) chart.fraction = "1/" + std::to_string(keys);
  return chart;
}

LayerChart entropy_chart(const Summary& summary) {
  LayerChart chart = chart_of(summary, &LayerMetrics::entropy);
  chart.uniform = std::max(summary.uniform_entropy, 0.0);
  return chart;
}

TokenBars received_bars(const Summary& summary) {
  const Heatmap& mean = summary.mean;
  const std::size_t queries = mean.weights.rows(), keys = mean.weights.columns;
  TokenBars bars{mean.keys, summary.received, std::vector<double>(keys, 0), !mean.causal};
  for (std::size_t query = 0; query < queries; ++query) {
    const std::size_t seen = mean.causal ? std::min(query + 1, keys) : keys;
    for (std::size_t key = 0; key < seen; ++key) bars.uniform[key] += 1 / static_cast<double>(seen);
  }
  return bars;
}

/// How far labels reach left of their rows.
double width_of_labels(Page page, const Panel& rows, std::span<const TokenLabel> labels) {
  return rows.x - draw_query_labels(page, rows, labels).left;
}

/// The mean map with everything around it. Returns the right end of its colour bar.
double draw_mean_map(Page& page, const Panel& panel, const Heatmap& mean, const ColorScale& scale,
                     const Look& look) {
  draw_cells(page, panel, mean, scale);
  draw_annotations(page, panel, mean, scale, look.annotate);
  const Box key_labels = draw_key_labels(page, panel, mean.keys);
  const Box query_labels = draw_query_labels(page, panel, mean.queries);
  draw_query_title(page, {panel.box()}, query_labels, key_labels);
  constexpr double kToTheBar = 14.4;
  const ColorBar color_bar{{&scale, 1}, mean.quantity, blank_cells(mean)};
  const Box bar = draw_color_bar(page, color_bar, panel.width() + kToTheBar, 0, panel.height());
  draw_key_title(page, {panel.box()}, key_labels, bar.bottom > panel.height() + 1 ? bar.bottom : 0);
  return bar.right;
}

}  // namespace

Figure summary_figure(const Summary& summary, const Look& look, const MeasureText& measure) {
  check(summary);
  const Heatmap& mean = summary.mean;
  const std::string title = visible(look.title.value_or(mean.title));
  const ColorScale scale({&mean, 1}, look);
  Page page(look.theme, measure);
  const Color color = accent(page, scale);

  const Panel map = map_panel(page, mean, look.annotate);
  draw_panel_title(page, 0, 0, "Mean over all layers and heads");
  const double left_end = draw_mean_map(page, map, mean, scale, look);
  const double chart_top = -kBelowChart - kChartHeight;
  const double chart_width = std::max(map.width(), kNarrowestChart);
  draw_panel_title(page, 0, chart_top, "Mean weight by layer");
  draw_layer_chart(page, {0, chart_top, chart_width, -kBelowChart}, mean_weight_chart(summary), color);

  // Bars beside the map, a row a token on the same lines; the chart above them has their left edge and width.
  Panel rows{0, 0, map.column_pitch, map.row_pitch, mean.weights.columns, 1};
  constexpr double kForTicks = 24;
  rows.x = kGrid * std::ceil((std::max(left_end, chart_width) + kBetweenColumns +
                              std::max(width_of_labels(page, rows, mean.keys), kForTicks)) /
                             kGrid);
  const double width = std::clamp(map.width() * 0.7, kNarrowestChart, 220.0);
  draw_panel_title(page, rows.x, 0, "Attention received by each token");
  draw_token_bars(page, rows, width, received_bars(summary), color);
  draw_panel_title(page, rows.x, chart_top, "Entropy by layer (nats)");
  draw_layer_chart(page, {rows.x, chart_top, rows.x + width, -kBelowChart}, entropy_chart(summary), color);

  const double right = page.bounds().right;
  draw_heading(page, 0, chart_top - kAboveChart, right, title, visible(mean.subtitle));
  draw_notes(page, 0, right, mean.notes);
  return std::move(page).finish(title, description(summary, scale));
}

}  // namespace attnviz
