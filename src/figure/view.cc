#include "figure/view.h"

#include <algorithm>
#include <cmath>

#include "attnviz/error.h"
#include "attnviz/figure.h"

namespace attnviz {
namespace {

std::size_t place_of(const std::vector<int>& numbers, int number, const std::string& name) {
  const auto found = std::find(numbers.begin(), numbers.end(), number);
  if (found == numbers.end()) throw Error("the view holds no " + name + " " + std::to_string(number));
  return static_cast<std::size_t>(found - numbers.begin());
}

/// A layer's and head's place among the matrices.
std::size_t matrix_of(const View& view, int layer, int head) {
  return place_of(view.layers, layer, "layer") * view.heads.size() + place_of(view.heads, head, "head");
}

/// Of matrices of `rows` × `columns` numbers.
MatrixView matrix_at(std::span<const float> values, std::size_t index, std::size_t rows,
                     std::size_t columns) {
  const std::size_t size = rows * columns;
  if (values.size() < (index + 1) * size) throw Error("the view's numbers do not match its layers and heads");
  return {values.subspan(index * size, size), columns};
}

void check_token(const View& view) {
  if (!view.token) return;
  const std::size_t token = *view.token;
  const std::size_t last = (view.token_is_key ? view.key_tokens() : view.tokens).size() - 1;
  if (token > last)
    throw Error("view: no token " + std::to_string(token) + ", expected 0 to " + std::to_string(last));
  const auto [begin, end] = view.token_is_key ? view.keys() : view.queries();
  if (begin <= token && token < end) return;
  throw Error("view: token " + std::to_string(token) + " is not among the " +
                  (view.token_is_key ? "keys" : "queries") + " that the filter leaves, expected " +
                  std::to_string(begin) + " to " + std::to_string(end - 1),
              "choose another token, or another filter");
}

void check(const View& view) {
  const std::size_t tokens = view.tokens.size();
  if (tokens == 0) throw Error("view: no tokens, expected at least one");
  const std::size_t expected = view.layers.size() * view.heads.size() * tokens * view.key_tokens().size();
  if (view.weights.size() != expected || expected == 0) {
    throw Error("view: weights do not match its layers, heads and tokens, expected " +
                std::to_string(expected) + ", got " + std::to_string(view.weights.size()));
  }
  if (view.second_from && view.is_cross())
    throw Error("view: a second sentence begins in cross attention, which has none");
  if (view.second_from && (*view.second_from == 0 || *view.second_from >= tokens)) {
    throw Error("view: the second sentence cannot begin at token " + std::to_string(*view.second_from) +
                " of " + std::to_string(tokens));
  }
  if (view.kind != View::Kind::model && view.shown_heads.empty())
    throw Error("view: no heads shown, expected at least one");
  if (view.kind == View::Kind::neuron && (view.query.empty() || view.key.empty()))
    throw Error("view: no query and key vectors, and a neuron view shows them");
  if (view.kind == View::Kind::neuron && !view.token)
    throw Error("view: no token, and a neuron view is of one");
  if (view.kind == View::Kind::neuron && view.token_is_key)
    throw Error("view: its token is a key, and a neuron view is of a query");
  check_token(view);
}

}  // namespace

MatrixView View::at(int layer_number, int head_number) const {
  return matrix_at(weights, matrix_of(*this, layer_number, head_number), tokens.size(), key_tokens().size());
}

MatrixView View::query_at(int layer_number, int head_number) const {
  return matrix_at(query, matrix_of(*this, layer_number, head_number), tokens.size(), head_size);
}

MatrixView View::key_at(int layer_number, int head_number) const {
  return matrix_at(key, matrix_of(*this, layer_number, head_number), key_tokens().size(), head_size);
}

double View::dot_scale() const {
  if (dot_scales.empty()) return 1 / std::sqrt(static_cast<double>(head_size));
  return dot_scales.at(place_of(layers, layer, "layer"));
}

std::size_t View::window() const {
  return windows.empty() ? 0 : windows.at(place_of(layers, layer, "layer"));
}

View::Range View::queries() const {
  const bool first = filter == Filter::a_to_a || filter == Filter::a_to_b;
  if (filter == Filter::all || !second_from) return {0, tokens.size()};
  return first ? Range{0, *second_from} : Range{*second_from, tokens.size()};
}

View::Range View::keys() const {
  const bool first = filter == Filter::a_to_a || filter == Filter::b_to_a;
  if (filter == Filter::all || !second_from) return {0, key_tokens().size()};
  return first ? Range{0, *second_from} : Range{*second_from, tokens.size()};
}

Figure view_figure(const View& view, const Look& look, const MeasureText& measure) {
  check(view);
  switch (view.kind) {
    case View::Kind::model:
      return model_view(view, look, measure);
    case View::Kind::neuron:
      return neuron_view(view, look, measure);
    case View::Kind::head:
      break;
  }
  return head_view(view, look, measure);
}

}  // namespace attnviz
