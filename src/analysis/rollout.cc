#include <algorithm>
#include <numeric>

#include "analysis/shape.h"
#include "attnviz/analysis.h"

namespace attnviz {
namespace {

void renormalize_rows(std::vector<double>& matrix, std::size_t columns) {
  for (auto row = matrix.begin(); row != matrix.end(); row += static_cast<std::ptrdiff_t>(columns)) {
    const auto end = row + static_cast<std::ptrdiff_t>(columns);
    const double sum = std::accumulate(row, end, 0.0);  // at least ½, the diagonal's share
    std::for_each(row, end, [&](double& weight) { weight /= sum; });
  }
}

/// a · b, both of n × n.
std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b, std::size_t n) {
  std::vector<double> result(n * n);
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t inner = 0; inner < n; ++inner) {
      const double weight = a[row * n + inner];
      if (weight == 0) continue;  // half of a causal model's
      for (std::size_t column = 0; column < n; ++column) {
        result[row * n + column] += weight * b[inner * n + column];
      }
    }
  }
  return result;
}

}  // namespace

std::vector<std::vector<float>> rollout(const Attention& attention, std::optional<int> head) {
  std::vector<std::vector<double>> layers = residual_layers(attention, head);
  std::vector<std::vector<float>> rolled;
  std::vector<double> below;
  for (std::vector<double>& layer : layers) {
    renormalize_rows(layer, attention.keys);
    below = below.empty() ? layer : product(layer, below, attention.keys);
    rolled.emplace_back(below.begin(), below.end());
  }
  return rolled;
}

double share_of_first(const MatrixView& weights, std::size_t count) {
  double first = 0, total = 0;
  for (std::size_t i = 0; i < weights.values.size(); ++i) {
    total += weights.values[i];
    if (i % weights.columns < count) first += weights.values[i];
  }
  return total == 0 ? 0 : first / total;
}

}  // namespace attnviz
