/// What the tests of layouts share: a font that is the same everywhere, maps to draw, and the check that
/// texts keep apart.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "attnviz/figure.h"

namespace attnviz::test {

/// Half an em a character, one for wide ones: close to what fonts give, and the same everywhere.
double measured(std::string_view text, double size, bool bold);

/// Words and weights that belong together, so that a test can hand out views of them.
struct Map {
  std::vector<TokenLabel> labels;
  std::vector<float> weights;
  Heatmap heatmap;

  explicit Map(std::vector<TokenLabel> tokens, bool causal = false, unsigned seed = 1);
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;
};

/// "[CLS]", "word" as often as it takes, "[SEP]".
std::vector<TokenLabel> words(std::size_t count);

/// A figure's items of one kind, in their order.
template <class Kind>
std::vector<Kind> items(const Figure& figure) {
  std::vector<Kind> found;
  for (const Item& item : figure.items) {
    if (const auto* kind = std::get_if<Kind>(&item)) found.push_back(*kind);
  }
  return found;
}

/// Null when there is none.
const Text* find_text(const Figure& figure, std::string_view text);

/// The display list as text, but for the steps of colour bars.
std::string without_bar_steps(const Figure& figure);

/// Fails the test unless everything lies on the page, no two texts touch, and none touches a rectangle,
/// image or line, but for a number in the middle of its cell. `what` names the figure in messages.
void expect_readable(const Figure& figure, const std::string& what);

/// Tokens of all kinds: short and 30 letters long, CJK, Arabic, Hebrew, Devanagari, emoji, byte fragments,
/// none.
std::vector<TokenLabel> random_labels(std::mt19937& random, std::size_t count);

/// WCAG 2's contrast ratio.
double contrast(Color a, Color b);

}  // namespace attnviz::test
