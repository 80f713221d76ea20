#include "support/views.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "support/figures.h"

namespace attnviz::test {
namespace {

std::vector<float> random_vectors(std::mt19937& random, std::size_t count) {
  std::vector<float> values(count);
  for (float& value : values) value = (static_cast<float>(random() % 2001) / 1000 - 1) * 2;
  return values;
}

/// softmax(q · k / √size) of each query with the first `seen` keys.
void add_row(std::vector<float>& weights, std::span<const float> query, std::span<const float> keys,
             std::size_t seen) {
  const std::size_t size = query.size(), tokens = keys.size() / size;
  std::vector<double> row(tokens, 0);
  double sum = 0;
  for (std::size_t k = 0; k < seen; ++k) {
    double dot = 0;
    for (std::size_t i = 0; i < size; ++i) dot += static_cast<double>(query[i]) * keys[k * size + i];
    row[k] = std::exp(dot / std::sqrt(static_cast<double>(size)));
    sum += row[k];
  }
  for (const double value : row) weights.push_back(static_cast<float>(value / sum));
}

}  // namespace

Viewed::Viewed(std::vector<TokenLabel> tokens, const Shape& shape, unsigned seed)
    : labels(std::move(tokens)) {
  std::mt19937 random(seed);
  const std::size_t n = labels.size(), size = shape.head_size;
  const auto matrices = static_cast<std::size_t>(shape.layers) * static_cast<std::size_t>(shape.heads);
  query = random_vectors(random, matrices * n * size);
  key = random_vectors(random, matrices * n * size);
  for (std::size_t matrix = 0; matrix < matrices; ++matrix) {
    const std::span<const float> queries = std::span(query).subspan(matrix * n * size, n * size);
    const std::span<const float> keys = std::span(key).subspan(matrix * n * size, n * size);
    for (std::size_t row = 0; row < n; ++row)
      add_row(weights, queries.subspan(row * size, size), keys, shape.causal ? row + 1 : n);
  }
  for (int layer = 1; layer <= shape.layers; ++layer) view.layers.push_back(layer);
  for (int head = 0; head < shape.heads; ++head) view.heads.push_back(head);
  view.tokens = labels;
  view.second_from = shape.second_from;
  view.causal = shape.causal;
  view.weights = weights;
  view.head_size = size;
  view.query = query;
  view.key = key;
  view.title = "minilm";
  view.subtitle = "A sentence.";
  view.layer = shape.layers;
  view.shown_heads = view.heads;
}

std::vector<Line> links(const Figure& figure) {
  std::vector<Line> found;
  for (const Line& line : items<Line>(figure)) {
    if (line.x2 - line.x1 > 30) found.push_back(line);
  }
  return found;
}

double strength(const Figure& figure, Color color) {
  const auto far = [](int a, int b) { return std::abs(a - b); };
  const Color page = figure.background;
  return std::max({far(color.red, page.red), far(color.green, page.green), far(color.blue, page.blue)}) /
         255.0;
}

}  // namespace attnviz::test
