#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "attnviz/figure.h"

namespace attnviz {
namespace {

std::size_t parts(std::size_t count, std::size_t by) { return (count + by - 1) / by; }

}  // namespace

std::string pooling_note(const Heatmap& map, const Pooling& pooling) {
  const std::string side = std::to_string(pooling.by);
  return "each cell shows the " + std::string(pooling.how == Pool::max ? "largest" : "mean") + " of " + side +
         (map.rows_are_layers ? "" : " × " + side) + " weights";
}

std::vector<TokenLabel> pooled_labels(std::span<const TokenLabel> labels, std::size_t by) {
  std::vector<TokenLabel> kept;
  for (std::size_t i = 0; i < labels.size(); i += by) kept.push_back(labels[i]);
  return kept;
}

std::vector<float> pooled_weights(const Heatmap& map, const Pooling& pooling) {
  const MatrixView& weights = map.weights;
  const std::size_t by = pooling.by, rows_by = map.rows_are_layers ? 1 : by;
  const std::size_t columns = parts(weights.columns, by);
  std::vector<float> pooled(parts(weights.rows(), rows_by) * columns);
  std::vector<double> sums(columns);
  std::vector<std::size_t> counts(columns);
  for (std::size_t row = 0; row < weights.rows(); ++row) {
    float* const cells = pooled.data() + row / rows_by * columns;
    for (std::size_t column = 0; column < weights.columns; ++column) {
      if (!map.shows(row, column)) continue;
      const float weight = weights(row, column);
      sums[column / by] += weight;
      ++counts[column / by];
      float& largest = cells[column / by];
      if (!std::isfinite(weight)) sums[column / by] = largest = std::numeric_limits<float>::quiet_NaN();
      if (std::abs(weight) > std::abs(largest)) largest = weight;
    }
    if ((row + 1) % rows_by != 0 && row + 1 < weights.rows()) continue;
    for (std::size_t cell = 0; pooling.how == Pool::mean && cell < columns; ++cell) {
      cells[cell] = counts[cell] ? static_cast<float>(sums[cell] / static_cast<double>(counts[cell])) : 0;
    }
    std::fill(sums.begin(), sums.end(), 0);
    std::fill(counts.begin(), counts.end(), 0);
  }
  return pooled;
}

Heatmap zoomed(const Heatmap& map) {
  const Zoom& zoom = *map.zoom;
  Heatmap part = map;
  part.weights = zoom.weights;
  part.queries = zoom.queries;
  part.keys = zoom.keys;
  part.pooling = {};
  part.first_query = zoom.query;
  part.first_key = zoom.key;
  part.notes = {};
  part.zoom.reset();
  const auto range = [](const char* one, const char* more, std::size_t first, std::size_t count) {
    const std::string begin = std::to_string(first);
    return count == 1 ? one + (" " + begin)
                      : more + (" " + begin + " to ") + std::to_string(first + count - 1);
  };
  part.title = range("query", "queries", zoom.query, zoom.weights.rows()) + ", " +
               range("key", "keys", zoom.key, zoom.weights.columns);
  return part;
}

}  // namespace attnviz
