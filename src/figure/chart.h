/// The pieces of charts: slim axes with round ticks, a line over the layers, bars beside tokens.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attnviz/figure.h"
#include "figure/page.h"
#include "figure/panel.h"

namespace attnviz {

/// Small above a chart or a map whose top left corner is (x, y).
void draw_panel_title(Page& page, double x, double y, const std::string& title);

/// A number of each layer.
struct LayerChart {
  struct Point {
    int layer;
    double value;  ///< not negative
  };
  std::vector<Point> points;        ///< layers rise
  std::optional<double> uniform{};  ///< what evenly spread attention would have
  std::string fraction{};           ///< "1/13", where all layers have just that
};

/// A line with a point for each layer, from 0 up, so that noise stays flat. The largest and the smallest
/// number are written at their points.
void draw_layer_chart(Page& page, const Box& frame, const LayerChart& chart, Color color);

/// A number of each token, and what it would be if attention were spread evenly.
struct TokenBars {
  std::span<const TokenLabel> labels;
  std::span<const double> values;
  std::vector<double> uniform;
  bool same_for_all = true;  ///< uniform
};

/// Bars right of rows.x, `room` points wide with their numbers, a row a token; an axis in place of the
/// numbers where rows are low. Labels at the left as a map has them.
void draw_token_bars(Page& page, const Panel& rows, double room, const TokenBars& bars, Color color);

}  // namespace attnviz
