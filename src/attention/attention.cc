#include "attnviz/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "attention/number.h"
#include "attnviz/error.h"

namespace attnviz {
namespace {

std::size_t index_of(int number, const std::vector<int>& numbers, const char* what) {
  const auto found = std::find(numbers.begin(), numbers.end(), number);
  if (found == numbers.end()) {
    throw Error(std::string(what) + " " + number_text(number) +
                ": not taken from the model, expected one of " + joined(numbers));
  }
  return static_cast<std::size_t>(found - numbers.begin());
}

MatrixView matrix_at(const Attention& attention, std::size_t layer, std::size_t head) {
  const std::size_t cells = attention.queries * attention.keys;
  const std::size_t begin = (layer * attention.heads.size() + head) * cells;
  return {std::span(attention.weights).subspan(begin, cells), attention.keys};
}

void check_size(const char* what, std::size_t size, const Attention& attention, std::size_t rows,
                std::size_t columns) {
  std::size_t expected = attention.layers.size();
  for (const std::size_t factor : {attention.heads.size(), rows, columns}) {
    if (__builtin_mul_overflow(expected, factor, &expected)) {
      throw Error(std::string("attention: its shape is too large for ") + what);
    }
  }
  if (size != expected) {
    throw Error(std::string("attention: wrong number of values in ") + what + ", expected " +
                number_text(expected) + ", got " + number_text(size));
  }
}

/// What is wrong with one row of weights; empty when nothing is.
std::string fault_of_row(std::span<const float> row, std::size_t first_masked, WeightKind kind,
                         float tolerance) {
  const bool is_norm = kind == WeightKind::norm;
  const float largest = is_norm ? std::numeric_limits<float>::max() : 1 + tolerance;
  double sum = 0;
  for (std::size_t column = 0; column < row.size(); ++column) {
    const float weight = row[column];
    // Written so that NaN fails.
    if (!(weight >= 0 && weight <= largest)) {
      return "column " + number_text(column) + ": expected a " +
             (is_norm ? "finite norm, 0 or more" : "weight in 0 to 1") + ", got " + number_text(weight);
    }
    if (column >= first_masked && weight != 0) {
      return "column " + number_text(column) + ": above the diagonal of a causal model, expected 0, got " +
             number_text(weight);
    }
    sum += weight;
  }
  if (!is_norm && std::abs(sum - 1) > tolerance)
    return "expected a sum of 1, got " + number_text(static_cast<float>(sum));
  return {};
}

}  // namespace

MatrixView Attention::at(int layer, int head) const {
  return matrix_at(*this, index_of(layer, layers, "layer"), index_of(head, heads, "head"));
}

void validate(const Attention& attention, float tolerance) {
  check_size("weights", attention.weights.size(), attention, attention.queries, attention.keys);
  check_size("query", attention.query.size(), attention, attention.queries, attention.head_size);
  check_size("key", attention.key.size(), attention, attention.keys, attention.head_size);
  if (attention.causal && attention.queries != attention.keys) {
    throw Error("attention: causal, expected as many keys as queries, got " + number_text(attention.queries) +
                " queries and " + number_text(attention.keys) + " keys");
  }
  for (std::size_t layer = 0; layer < attention.layers.size(); ++layer) {
    for (std::size_t head = 0; head < attention.heads.size(); ++head) {
      const MatrixView matrix = matrix_at(attention, layer, head);
      for (std::size_t row = 0; row < matrix.rows(); ++row) {
        const std::size_t first_masked = attention.causal ? row + 1 : matrix.columns;
        const std::string fault = fault_of_row(matrix.values.subspan(row * matrix.columns, matrix.columns),
                                               first_masked, attention.kind, tolerance);
        if (fault.empty()) continue;
        throw Error("layer " + number_text(attention.layers[layer]) + " head " +
                    number_text(attention.heads[head]) + " row " + number_text(row) + ": " + fault);
      }
    }
  }
}

std::vector<float> head_mean(const Attention& attention, int layer) {
  const std::size_t index = index_of(layer, attention.layers, "layer");
  const auto heads = static_cast<double>(attention.heads.size());
  std::vector<float> mean;
  mean.reserve(attention.queries * attention.keys);
  std::vector<double> sums(attention.keys);  // of a row: maps can be large
  for (std::size_t row = 0; row < attention.queries; ++row) {
    std::fill(sums.begin(), sums.end(), 0);
    for (std::size_t head = 0; head < attention.heads.size(); ++head) {
      const MatrixView weights = matrix_at(attention, index, head);
      for (std::size_t key = 0; key < sums.size(); ++key) sums[key] += weights(row, key);
    }
    for (const double sum : sums) mean.push_back(static_cast<float>(sum / heads));
  }
  return mean;
}

}  // namespace attnviz
