#include <algorithm>
#include <string_view>

#include "analysis/shape.h"
#include "attnviz/analysis.h"
#include "attnviz/error.h"

namespace attnviz {
namespace {

bool is_article(const TokenLabel& label) {
  // "##a" is the end of a word.
  if (!label.mark.empty() && label.mark != "␣") return false;
  std::string text = label.text;
  for (char& letter : text) letter = letter >= 'A' && letter <= 'Z' ? char(letter - 'A' + 'a') : letter;
  return text == "the" || text == "a" || text == "an";
}

ConnectionKind kind_of(std::size_t from, std::size_t to, std::span<const TokenLabel> labels) {
  if (from + 1 == to || to + 1 == from) return ConnectionKind::positional;
  if (labels[from].special || labels[to].special) return ConnectionKind::special;
  return is_article(labels[from]) ? ConnectionKind::syntactic : ConnectionKind::semantic;
}

}  // namespace

std::vector<Connection> connections(const MatrixView& weights, std::span<const TokenLabel> labels,
                                    double threshold) {
  if (weights.rows() != weights.columns || weights.values.size() != weights.columns * weights.columns) {
    throw Error("connections: expected a square matrix, got " + std::to_string(weights.values.size()) +
                " weights in " + std::to_string(weights.columns) + " columns");
  }
  check_labels(labels, weights.columns);
  std::vector<Connection> found;
  for (std::size_t from = 0; from < weights.rows(); ++from) {
    for (std::size_t to = 0; to < weights.columns; ++to) {
      const float weight = weights(from, to);
      // As floats: a weight of 0.1 does not exceed 0.1, though float's 0.1 is the larger number.
      if (from == to || !(weight > static_cast<float>(threshold))) continue;
      found.push_back({from, to, weight, kind_of(from, to, labels)});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Connection& a, const Connection& b) { return a.weight > b.weight; });
  return found;
}

std::string name_of(ConnectionKind kind) {
  switch (kind) {
    case ConnectionKind::positional:
      return "positional";
    case ConnectionKind::special:
      return "special";
    case ConnectionKind::syntactic:
      return "syntactic";
    case ConnectionKind::semantic:
      break;
  }
  return "semantic";
}

}  // namespace attnviz
