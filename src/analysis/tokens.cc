#include <algorithm>
#include <numeric>
#include <tuple>

#include "analysis/shape.h"
#include "attnviz/analysis.h"
#include "attnviz/error.h"

namespace attnviz {
namespace {

std::size_t end_of(const TokenGroup& group) { return group.first + group.count; }

std::string shown(const TokenGroup& group) {
  return "group of " + std::to_string(group.count) + " tokens from " + std::to_string(group.first);
}

void check_groups(std::size_t tokens, std::span<const TokenGroup> groups) {
  std::size_t next = 0;
  for (const TokenGroup& group : groups) {
    if (group.count == 0 || group.first < next || group.first > tokens ||
        group.count > tokens - group.first) {
      throw Error(shown(group) + ": expected groups in order, none empty, in tokens " + std::to_string(next) +
                  " to " + std::to_string(tokens));
    }
    next = end_of(group);
  }
}

/// Adds one query's weights on each group to the group's sum.
void add_row(std::span<const float> row, std::span<const TokenGroup> groups, std::span<double> sums) {
  for (std::size_t column = 0; column < groups.size(); ++column) {
    const auto pieces = row.subspan(groups[column].first, groups[column].count);
    sums[column] = std::accumulate(pieces.begin(), pieces.end(), sums[column]);
  }
}

/// Which tokens become one, of the rows and of the columns.
struct Merging {
  std::span<const TokenGroup> queries, keys;
};

/// Appends one head's merged matrix.
void append_merged(const MatrixView& matrix, const Merging& merging, std::vector<float>& merged) {
  std::vector<double> sums(merging.keys.size());
  for (const TokenGroup& query : merging.queries) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::size_t row = query.first; row < end_of(query); ++row) {
      add_row(matrix.values.subspan(row * matrix.columns, matrix.columns), merging.keys, sums);
    }
    for (const double sum : sums)
      merged.push_back(static_cast<float>(sum / static_cast<double>(query.count)));
  }
}

}  // namespace

Attention merge_tokens(const Attention& attention, std::span<const TokenGroup> groups) {
  std::ignore = tokens_of(attention);
  return merge_tokens(attention, groups, groups);
}

Attention merge_tokens(const Attention& attention, std::span<const TokenGroup> queries,
                       std::span<const TokenGroup> keys) {
  check_sizes(attention);
  check_groups(attention.queries, queries);
  check_groups(attention.keys, keys);
  Attention merged;
  merged.layers = attention.layers;
  merged.heads = attention.heads;
  merged.queries = queries.size();
  merged.keys = keys.size();
  merged.causal = attention.causal;
  merged.kind = attention.kind;
  const std::size_t matrices = attention.layers.size() * attention.heads.size();
  const std::size_t cells = attention.queries * attention.keys;
  merged.weights.reserve(matrices * queries.size() * keys.size());
  for (std::size_t i = 0; i < matrices; ++i) {
    append_merged({std::span(attention.weights).subspan(i * cells, cells), attention.keys}, {queries, keys},
                  merged.weights);
  }
  return merged;
}

Attention renormalized(Attention attention) {
  if (attention.keys == 0) return attention;
  for (auto row = attention.weights.begin(); row != attention.weights.end();) {
    const auto end = row + static_cast<std::ptrdiff_t>(attention.keys);
    const double sum = std::accumulate(row, end, 0.0);
    if (sum > 0)
      std::transform(row, end, row, [sum](float weight) { return static_cast<float>(weight / sum); });
    row = end;
  }
  return attention;
}

}  // namespace attnviz
