#include <algorithm>
#include <cmath>
#include <string_view>

#include "analysis/entropy.h"
#include "analysis/shape.h"
#include "attnviz/analysis.h"

namespace attnviz {
namespace {

bool is_punctuation(const TokenLabel& label) {
  constexpr std::string_view kMarks = ".,!?;:";
  return label.text.size() == 1 && kMarks.find(label.text.front()) != std::string_view::npos;
}

/// The columns of one kind of token, the same for every head.
std::vector<std::size_t> columns_where(std::span<const TokenLabel> labels, bool (*is)(const TokenLabel&)) {
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (is(labels[i])) columns.push_back(i);
  }
  return columns;
}

double column_sums(const MatrixView& matrix, const std::vector<std::size_t>& columns) {
  double sum = 0;
  for (std::size_t row = 0; row < matrix.rows(); ++row) {
    for (const std::size_t column : columns) sum += matrix(row, column);
  }
  return sum;
}

/// Sums over all cells; head_metrics makes means of them.
void add_distances(const MatrixView& matrix, HeadMetrics& sums) {
  constexpr std::size_t kLocal = 2;
  for (std::size_t row = 0; row < matrix.rows(); ++row) {
    for (std::size_t column = 0; column < matrix.columns; ++column) {
      const std::size_t distance = row > column ? row - column : column - row;
      const double weight = matrix(row, column);
      if (distance <= kLocal) sums.locality += weight;
      sums.distance_score_per_row += weight / static_cast<double>(distance + 1);
      sums.mean_distance += weight * static_cast<double>(distance);
    }
    sums.diagonal += matrix(row, row);
    if (row > 0) sums.previous += matrix(row, row - 1);
    if (row + 1 < matrix.columns) sums.next += matrix(row, row + 1);
  }
}

}  // namespace

std::vector<HeadMetrics> head_metrics(const Attention& attention, std::span<const TokenLabel> labels) {
  const std::size_t tokens = tokens_of(attention);
  check_labels(labels, tokens);
  const std::vector<std::size_t> punctuation = columns_where(labels, is_punctuation);
  const std::vector<std::size_t> special =
      columns_where(labels, [](const TokenLabel& label) { return label.special; });
  const auto n = static_cast<double>(tokens);
  // A single token has no neighbour: its sums are 0, and so is their mean.
  const double pairs = std::max(n - 1, 1.0);

  std::vector<HeadMetrics> all;
  for (const int layer : attention.layers) {
    for (const int head : attention.heads) {
      const MatrixView matrix = attention.at(layer, head);
      HeadMetrics& metrics = all.emplace_back(HeadMetrics{.layer = layer, .head = head});
      add_distances(matrix, metrics);
      metrics.entropy = mean_row_entropy(matrix);
      metrics.last_row_entropy = row_entropy(matrix.values.last(tokens));
      metrics.locality /= n;
      metrics.first_token = column_sums(matrix, {0}) / n;
      metrics.distance_score_per_row /= n;
      metrics.distance_score = metrics.distance_score_per_row / n;
      if (!punctuation.empty()) {
        metrics.punctuation = column_sums(matrix, punctuation) / n / static_cast<double>(punctuation.size());
      }
      metrics.special = column_sums(matrix, special) / n;
      metrics.previous /= pairs;
      metrics.next /= pairs;
      metrics.mean_distance /= n;
    }
  }
  return all;
}

std::vector<std::string> labels_of(const HeadMetrics& metrics, const Thresholds& thresholds) {
  std::vector<std::string> labels;
  if (metrics.entropy > thresholds.global) labels.emplace_back("global");
  if (metrics.locality > thresholds.local) labels.emplace_back("local");
  if (metrics.first_token > thresholds.special_token) labels.emplace_back("special_token");
  if (metrics.distance_score > thresholds.positional) labels.emplace_back("positional");
  if (metrics.punctuation > thresholds.delimiter) labels.emplace_back("delimiter");
  return labels;
}

}  // namespace attnviz
