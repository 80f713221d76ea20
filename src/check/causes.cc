#include "check/causes.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "check/names.h"
#include "check/tolerance.h"

namespace attnviz {
namespace {

/// Whether place `from` of the expected holds what place `to` of the actual holds.
using Holds = std::function<bool(std::size_t from, std::size_t to)>;

/// Where the content of each place that changed came from; empty when some of it came from nowhere.
std::vector<std::pair<std::size_t, std::size_t>> moves(std::size_t count, const Holds& holds) {
  std::vector<std::size_t> changed;
  for (std::size_t i = 0; i < count; ++i) {
    if (!holds(i, i)) changed.push_back(i);
  }
  std::vector<std::pair<std::size_t, std::size_t>> found;
  std::vector<bool> taken(count);
  for (const std::size_t to : changed) {
    const auto from = std::find_if(changed.begin(), changed.end(), [&](std::size_t other) {
      return !taken[other] && other != to && holds(other, to);
    });
    if (from == changed.end()) return {};
    taken[*from] = true;
    found.emplace_back(*from, to);
  }
  return found;
}

using Name = std::function<std::string(std::size_t)>;

/// "A and B are swapped", or "A holds what B held, …".
std::string told(const std::vector<std::pair<std::size_t, std::size_t>>& moves, const Name& name) {
  constexpr std::size_t kMost = 6;
  if (moves.size() == 2) return name(moves[0].second) + " and " + name(moves[0].first) + " are swapped";
  std::string text;
  for (std::size_t i = 0; i < std::min(moves.size(), kMost); ++i) {
    const auto& [from, to] = moves[i];
    text += (i == 0 ? "permuted: " : ", ") + name(to) + " holds what " + name(from) + " held";
  }
  return text + (moves.size() > kMost ? ", …" : "");
}

std::string number(double value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::general, 4).ptr};
}

/// One map's numbers, before and after.
struct Pair {
  const Heatmap &expected, &actual;
  const CheckOptions& options;

  [[nodiscard]] const MatrixView& before() const { return expected.weights; }
  [[nodiscard]] const MatrixView& after() const { return actual.weights; }

  [[nodiscard]] bool row_holds(std::size_t from, std::size_t to) const {
    for (std::size_t column = 0; column < before().columns; ++column) {
      if (!agree(before()(from, column), after()(to, column), options)) return false;
    }
    return true;
  }

  [[nodiscard]] bool column_holds(std::size_t from, std::size_t to) const {
    for (std::size_t row = 0; row < before().rows(); ++row) {
      if (!agree(before()(row, from), after()(row, to), options)) return false;
    }
    return true;
  }

  [[nodiscard]] bool is_transposed() const {
    if (before().rows() != before().columns) return false;
    for (std::size_t row = 0; row < before().rows(); ++row) {
      for (std::size_t column = 0; column < before().columns; ++column) {
        if (!agree(before()(column, row), after()(row, column), options)) return false;
      }
    }
    return true;
  }

  /// The factor; 1 when there is none.
  [[nodiscard]] double scale() const {
    double product = 0, square = 0;
    for (std::size_t i = 0; i < before().values.size(); ++i) {
      product += static_cast<double>(before().values[i]) * after().values[i];
      square += static_cast<double>(before().values[i]) * before().values[i];
    }
    const double factor = square > 0 ? product / square : 1;
    for (std::size_t i = 0; i < before().values.size(); ++i) {
      if (!agree(factor * before().values[i], after().values[i], options)) return 1;
    }
    return factor;
  }
};

/// Empty where nothing explains it.
std::string cause_within(const Pair& pair) {
  const auto query = [&](std::size_t row) { return query_name(pair.expected, row); };
  const auto key = [&](std::size_t column) { return key_name(pair.expected, column); };
  const auto rows = moves(pair.before().rows(), [&](auto from, auto to) { return pair.row_holds(from, to); });
  if (!rows.empty()) return (pair.expected.rows_are_layers ? "" : "rows ") + told(rows, query);
  const auto columns =
      moves(pair.before().columns, [&](auto from, auto to) { return pair.column_holds(from, to); });
  if (!columns.empty()) return "columns " + told(columns, key);
  if (pair.is_transposed()) return "the matrix is transposed: rows and columns are swapped";
  const double factor = pair.scale();
  if (factor != 1) return "all numbers are " + number(factor) + " times what they were";
  return {};
}

/// Rows or columns of an overview's panels: "layer 2" and "head 3".
std::string cause_between_lines(const HeatmapGrid& grid, const Holds& holds) {
  const std::size_t columns = grid.columns, rows = grid.panels.size() / columns;
  if (grid.row_names.size() != rows || grid.column_names.size() != columns) return {};
  const auto in_rows = moves(rows, [&](std::size_t from, std::size_t to) {
    for (std::size_t i = 0; i < columns; ++i) {
      if (!holds(from * columns + i, to * columns + i)) return false;
    }
    return true;
  });
  if (!in_rows.empty()) return told(in_rows, [&](std::size_t row) { return grid.row_names[row]; });
  const auto in_columns = moves(columns, [&](std::size_t from, std::size_t to) {
    for (std::size_t i = 0; i < rows; ++i) {
      if (!holds(i * columns + from, i * columns + to)) return false;
    }
    return true;
  });
  return in_columns.empty() ? "" : told(in_columns, [&](std::size_t column) {
                                     return grid.column_names[column];
                                   }) + " in every layer";
}

std::string cause_in_summary(const Summary& before, const Summary& after, const CheckOptions& options) {
  const std::size_t layers = std::min(before.layers.size(), after.layers.size());
  const auto swapped = moves(layers, [&](std::size_t from, std::size_t to) {
    return agree(before.layers[from].mean_weight, after.layers[to].mean_weight, options) &&
           agree(before.layers[from].entropy, after.layers[to].entropy, options);
  });
  if (swapped.empty()) return {};
  return told(swapped, [&](std::size_t i) { return "layer " + std::to_string(before.layers[i].layer); });
}

}  // namespace

bool maps_agree(const MatrixView& expected, const MatrixView& actual, const CheckOptions& options) {
  return expected.columns == actual.columns && expected.values.size() == actual.values.size() &&
         std::equal(expected.values.begin(), expected.values.end(), actual.values.begin(),
                    [&](float before, float after) { return agree(before, after, options); });
}

std::vector<std::string> causes(const Record& expected, const Record& actual, const CheckOptions& options) {
  const std::vector<Heatmap> before = maps_of(expected.drawn), after = maps_of(actual.drawn);
  const std::vector<std::string> names = map_names(expected);
  const Holds holds = [&](std::size_t from, std::size_t to) {
    return maps_agree(before[from].weights, after[to].weights, options);
  };
  std::vector<std::string> found;
  if (const auto* const grid = std::get_if<HeatmapGrid>(&expected.drawn); grid && !grid->row_names.empty()) {
    const std::string cause = cause_between_lines(*grid, holds);
    if (!cause.empty()) return {cause};
  }
  const auto between = moves(before.size(), holds);
  if (!between.empty()) return {told(between, [&](std::size_t i) { return names[i]; })};
  constexpr std::size_t kMost = 10;
  for (std::size_t i = 0; i < before.size() && found.size() < kMost; ++i) {
    if (holds(i, i)) continue;
    const std::string cause = cause_within({before[i], after[i], options});
    if (!cause.empty()) found.push_back(names[i].empty() ? cause : names[i] + ": " + cause);
  }
  const auto* const summary = std::get_if<Summary>(&expected.drawn);
  const auto* const other = std::get_if<Summary>(&actual.drawn);
  if (summary && other) {
    const std::string cause = cause_in_summary(*summary, *other, options);
    if (!cause.empty()) found.push_back(cause);
  }
  return found;
}

}  // namespace attnviz
