/// Views of made-up attention, for the tests of what draws them.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "attnviz/figure.h"

namespace attnviz::test {

/// A model's vectors for some tokens, the weights that follow from them, and a view of them.
struct Viewed {
  std::vector<TokenLabel> labels;
  std::vector<float> query, key, weights;
  View view;

  struct Shape {
    int layers = 2, heads = 3;
    std::size_t head_size = 4;
    bool causal = false;
    std::optional<std::size_t> second_from{};
  };
  Viewed(std::vector<TokenLabel> tokens, const Shape& shape, unsigned seed = 1);
  Viewed(const Viewed&) = delete;
  Viewed& operator=(const Viewed&) = delete;
};

/// Three tokens that attend as told, in one layer of one head.
struct Told {
  std::vector<TokenLabel> labels = {{"", "a", false}, {"", "b", false}, {"", "c", false}};
  std::vector<float> weights;
  View view;

  explicit Told(std::vector<float> numbers) : weights(std::move(numbers)) {
    view = {.layers = {4}, .heads = {2}, .tokens = labels, .weights = weights};
    view.title = "m";
    view.layer = 4;
    view.shown_heads = {2};
  }
};

inline const std::vector<float> kNumbers = {0.5F, 0.3F, 0.2F, 0.1F, 0.8F, 0.1F, 0.6F, 0.25F, 0.15F};

/// The lines that cross from one column of tokens to the other, in their order.
std::vector<Line> links(const Figure& figure);

/// How much `color` differs from the page, from 0 to 1.
double strength(const Figure& figure, Color color);

}  // namespace attnviz::test
