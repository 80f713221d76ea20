#include <algorithm>

#include "attnviz/error.h"
#include "attnviz/figure.h"

namespace attnviz {
namespace {

std::size_t place_of(const std::vector<int>& numbers, int number, const std::string& name) {
  const auto found = std::find(numbers.begin(), numbers.end(), number);
  if (found == numbers.end()) throw Error("the view holds no " + name + " " + std::to_string(number));
  return static_cast<std::size_t>(found - numbers.begin());
}

/// Of [layers, heads, rows of `columns` each].
MatrixView matrix_of(const View& view, std::span<const float> values, std::size_t columns, int layer,
                     int head) {
  const std::size_t size = view.tokens.size() * columns;
  const std::size_t index =
      place_of(view.layers, layer, "layer") * view.heads.size() + place_of(view.heads, head, "head");
  if (values.size() < (index + 1) * size) throw Error("the view's numbers do not match its layers and heads");
  return {values.subspan(index * size, size), columns};
}

}  // namespace

MatrixView View::at(int layer_number, int head_number) const {
  return matrix_of(*this, weights, tokens.size(), layer_number, head_number);
}

MatrixView View::query_at(int layer_number, int head_number) const {
  return matrix_of(*this, query, head_size, layer_number, head_number);
}

MatrixView View::key_at(int layer_number, int head_number) const {
  return matrix_of(*this, key, head_size, layer_number, head_number);
}

View::Range View::queries() const {
  const bool first = filter == Filter::a_to_a || filter == Filter::a_to_b;
  if (filter == Filter::all || !second_from) return {0, tokens.size()};
  return first ? Range{0, *second_from} : Range{*second_from, tokens.size()};
}

View::Range View::keys() const {
  const bool first = filter == Filter::a_to_a || filter == Filter::b_to_a;
  if (filter == Filter::all || !second_from) return {0, tokens.size()};
  return first ? Range{0, *second_from} : Range{*second_from, tokens.size()};
}

Figure view_figure(const View& view, const Look&, const MeasureText&) {
  throw Error(view.title + ": views are not drawn yet");
}

}  // namespace attnviz
