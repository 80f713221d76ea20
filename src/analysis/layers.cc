#include <algorithm>
#include <cmath>

#include "analysis/entropy.h"
#include "analysis/shape.h"
#include "attnviz/analysis.h"

namespace attnviz {

double row_entropy(std::span<const float> row) {
  constexpr double kEpsilon = 1e-10;  // the definition's own, so that a weight of 0 has a logarithm
  double entropy = 0;
  for (const float weight : row) entropy -= weight * std::log(weight + kEpsilon);
  // A weight of 1 would give -1e-10.
  return std::max(entropy, 0.0);
}

double mean_row_entropy(const MatrixView& matrix) {
  double sum = 0;
  for (std::size_t row = 0; row < matrix.rows(); ++row) {
    sum += row_entropy(matrix.values.subspan(row * matrix.columns, matrix.columns));
  }
  return sum / static_cast<double>(matrix.rows());
}

std::vector<LayerMetrics> layer_metrics(const Attention& attention) {
  check_sizes(attention);
  const auto heads = static_cast<double>(attention.heads.size());
  std::vector<LayerMetrics> all;
  for (const int layer : attention.layers) {
    LayerMetrics& metrics = all.emplace_back(LayerMetrics{.layer = layer});
    for (const int head : attention.heads) {
      const MatrixView matrix = attention.at(layer, head);
      double sum = 0;
      for (const float weight : matrix.values) sum += weight;
      metrics.mean_weight += sum / static_cast<double>(matrix.values.size()) / heads;
      metrics.entropy += mean_row_entropy(matrix) / heads;
    }
  }
  return all;
}

double uniform_entropy(std::size_t tokens, bool causal) {
  if (tokens == 0) return 0;
  if (!causal) return std::log(static_cast<double>(tokens));
  double sum = 0;
  for (std::size_t row = 0; row < tokens; ++row) sum += std::log(static_cast<double>(row + 1));
  return sum / static_cast<double>(tokens);
}

std::vector<float> overall_mean(const Attention& attention) {
  check_sizes(attention);
  const std::size_t keys = attention.keys, cells = attention.queries * keys;
  const auto matrices = static_cast<double>(attention.layers.size() * attention.heads.size());
  std::vector<float> mean;
  mean.reserve(cells);
  std::vector<double> sums(keys);  // of a row: maps can be large
  for (std::size_t row = 0; row < cells; row += keys) {
    std::fill(sums.begin(), sums.end(), 0);
    for (std::size_t map = 0; map < attention.weights.size(); map += cells) {
      const float* const weights = attention.weights.data() + map + row;
      for (std::size_t key = 0; key < keys; ++key) sums[key] += weights[key];
    }
    for (const double sum : sums) mean.push_back(static_cast<float>(sum / matrices));
  }
  return mean;
}

std::vector<double> received(const Attention& attention) {
  const std::vector<float> mean = overall_mean(attention);
  std::vector<double> sums(attention.keys);
  for (std::size_t i = 0; i < mean.size(); ++i) sums[i % attention.keys] += mean[i];
  return sums;
}

}  // namespace attnviz
