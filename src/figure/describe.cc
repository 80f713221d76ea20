#include "figure/describe.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "figure/number.h"

namespace attnviz {
namespace {

struct Link {
  std::size_t query, key;
  float weight;
};

/// The `count` strongest links between different tokens, strongest first.
std::vector<Link> strongest_links(const MatrixView& weights, std::size_t count) {
  std::vector<Link> links;
  for (std::size_t row = 0; row < weights.rows(); ++row) {
    for (std::size_t column = 0; column < weights.columns; ++column) {
      if (row != column && weights(row, column) > 0) links.push_back({row, column, weights(row, column)});
    }
  }
  const auto end = links.begin() + static_cast<std::ptrdiff_t>(std::min(count, links.size()));
  std::partial_sort(links.begin(), end, links.end(), [](const Link& a, const Link& b) {
    return a.weight != b.weight ? a.weight > b.weight
           : a.query != b.query ? a.query < b.query
                                : a.key < b.key;
  });
  links.erase(end, links.end());
  return links;
}

std::string quoted(const TokenLabel& label, std::size_t position) {
  return "“" + visible(label.whole()) + "” (" + std::to_string(position) + ")";
}

std::string most_received(const Heatmap& heatmap) {
  const MatrixView& weights = heatmap.weights;
  std::vector<double> received(weights.columns, 0);
  double total = 0;
  for (std::size_t row = 0; row < weights.rows(); ++row) {
    for (std::size_t column = 0; column < weights.columns; ++column) {
      received[column] += weights(row, column);
      total += weights(row, column);
    }
  }
  const auto most =
      static_cast<std::size_t>(std::max_element(received.begin(), received.end()) - received.begin());
  if (!(total > 0)) return {};
  return " The key that receives most is " + quoted(heatmap.keys[most], most) + ", with " +
         fixed(100 * received[most] / total, 0) + " % of all weight.";
}

std::string most_concentrated(const Heatmap& heatmap) {
  const MatrixView& weights = heatmap.weights;
  // The first row of a causal map has one key only: that it concentrates says nothing.
  const std::size_t first = heatmap.causal && weights.rows() > 1 ? 1 : 0;
  std::size_t most = first, key = 0;
  float peak = -1;
  for (std::size_t row = first; row < weights.rows(); ++row) {
    for (std::size_t column = 0; column < weights.columns; ++column) {
      if (weights(row, column) > peak) {
        peak = weights(row, column);
        most = row;
        key = column;
      }
    }
  }
  return " The most concentrated row is " + quoted(heatmap.queries[most], most) + ", with " + fixed(peak, 2) +
         " on " + quoted(heatmap.keys[key], key) + ".";
}

}  // namespace

std::string description(const Heatmap& heatmap, const ColorScale& scale) {
  const MatrixView& weights = heatmap.weights;
  std::string text = "Heatmap of attention weights";
  if (!heatmap.title.empty()) text += ", " + visible(heatmap.title);
  text += ": " + std::to_string(weights.rows()) + " queries (rows, attending from) by " +
          std::to_string(weights.columns) + " keys (columns, attending to), colours from " +
          fixed(scale.lower(), 2) + " to " + fixed(scale.upper(), 2) + ".";
  if (heatmap.causal) text += " A token attends only to itself and to earlier ones; the rest is masked.";
  if (!heatmap.subtitle.empty()) text += " Text: " + visible(heatmap.subtitle);
  if (!heatmap.subtitle.empty() &&
      std::string_view(".!?").find(heatmap.subtitle.back()) == std::string_view::npos)
    text += ".";

  constexpr std::size_t kLinks = 3;
  std::string links;
  for (const Link& link : strongest_links(weights, kLinks)) {
    links += (links.empty() ? " " : ", ") + quoted(heatmap.queries[link.query], link.query) + " to " +
             quoted(heatmap.keys[link.key], link.key) + " " + fixed(link.weight, 2);
  }
  if (!links.empty()) text += " Strongest links off the diagonal:" + links + ".";
  text += most_received(heatmap) + most_concentrated(heatmap);
  for (const std::string& note : heatmap.notes) text += " Note: " + visible(note) + ".";
  return text;
}

}  // namespace attnviz
