#include "analysis/shape.h"

#include <string>

#include "attnviz/error.h"

namespace attnviz {
namespace {

void check_every_layer(const std::vector<int>& layers) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i] == static_cast<int>(i) + 1) continue;
    throw Error("layers: expected all of them from 1 on, got " + std::to_string(layers[i]) + " in place of " +
                std::to_string(i + 1));
  }
}

}  // namespace

void check_sizes(const Attention& attention) {
  const std::size_t expected =
      attention.layers.size() * attention.heads.size() * attention.queries * attention.keys;
  if (expected == 0) throw Error("attention: empty, expected at least one layer, head and token");
  if (attention.weights.size() != expected) {
    throw Error("attention: wrong number of weights, expected " + std::to_string(expected) + ", got " +
                std::to_string(attention.weights.size()));
  }
}

std::size_t tokens_of(const Attention& attention) {
  check_sizes(attention);
  if (attention.queries != attention.keys) {
    throw Error("attention: not square, expected as many keys as queries, got " +
                std::to_string(attention.queries) + " queries and " + std::to_string(attention.keys) +
                " keys");
  }
  return attention.keys;
}

void check_labels(std::span<const TokenLabel> labels, std::size_t tokens) {
  if (labels.size() == tokens) return;
  throw Error("labels: expected one for each of " + std::to_string(tokens) + " tokens, got " +
              std::to_string(labels.size()));
}

std::vector<std::vector<double>> residual_layers(const Attention& attention, std::optional<int> head) {
  const std::size_t tokens = tokens_of(attention);
  check_every_layer(attention.layers);
  const std::vector<int> heads = head ? std::vector<int>{*head} : attention.heads;
  const double share = 0.5 / static_cast<double>(heads.size());
  std::vector<std::vector<double>> layers;
  for (const int layer : attention.layers) {
    std::vector<double> sums(tokens * tokens);
    for (const int one : heads) {
      const MatrixView matrix = attention.at(layer, one);
      for (std::size_t cell = 0; cell < sums.size(); ++cell) sums[cell] += share * matrix.values[cell];
    }
    for (std::size_t token = 0; token < tokens; ++token) sums[token * tokens + token] += 0.5;
    layers.push_back(std::move(sums));
  }
  return layers;
}

}  // namespace attnviz
