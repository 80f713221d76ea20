#include <algorithm>
#include <charconv>
#include <cmath>
#include <tuple>

#include "figure/number.h"
#include "figure/panel.h"
#include "figure/view.h"

namespace attnviz {
namespace {

bool is_weaker(const ViewLine& a, const ViewLine& b) {
  const auto place = [](const ViewLine& line) {
    return std::tuple(line.weight, line.layer, line.head, line.query, line.key);
  };
  return place(a) < place(b);
}

bool is_stronger(const ViewLine& a, const ViewLine& b) { return is_weaker(b, a); }

/// The strongest lines of all that are added: kMostLines, and the first beyond them.
class Strongest {
 public:
  void add(const ViewLine& line) {
    lines_.push_back(line);
    if (lines_.size() > 4 * kMostLines) cut();
  }

  /// A weight that is not finite has no place among them.
  void pass_over(bool masked) { not_finite_ += !masked; }
  [[nodiscard]] std::size_t not_finite() const { return not_finite_; }

  /// Strongest first.
  std::vector<ViewLine> sorted() && {
    cut();
    std::sort(lines_.begin(), lines_.end(), is_stronger);
    return std::move(lines_);
  }

 private:
  void cut() {
    if (lines_.size() <= kMostLines + 1) return;
    const auto last = lines_.begin() + static_cast<std::ptrdiff_t>(kMostLines);
    std::nth_element(lines_.begin(), last, lines_.end(), is_stronger);
    lines_.erase(last + 1, lines_.end());
  }

  std::vector<ViewLine> lines_;
  std::size_t not_finite_ = 0;
};

/// The smallest number of two digits above `value`, which is positive: 0.029 for 0.0283.
double round_number_above(double value) {
  const int exponent = static_cast<int>(std::floor(std::log10(value))) - 1;
  for (auto digits = static_cast<int>(value / std::pow(10, exponent));; ++digits) {
    // Through decimal text, so that it is written with two digits.
    const std::string text = std::to_string(digits) + "e" + std::to_string(exponent);
    double number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    if (number > value) return number;
  }
}

void add_lines(Strongest& strongest, const View& view, int layer, int head) {
  View::Range queries = view.queries(), keys = view.keys();
  const bool by_key = view.token_is_key;
  if (view.token) (by_key ? keys : queries) = View::Range{*view.token, *view.token + 1};
  const MatrixView weights = view.at(layer, head);
  for (std::size_t query = queries.begin; query < queries.end; ++query) {
    for (std::size_t key = keys.begin; key < keys.end; ++key) {
      const float weight = weights(query, key);
      if (!std::isfinite(weight)) {
        strongest.pass_over(view.causal && key > query);
      } else if (weight > 0 && weight >= view.threshold) {
        strongest.add({layer, head, query, key, weight});
      }
    }
  }
}

/// The strongest line's weight as a map's only one.
Heatmap strongest_of(const View& view, const SightLines& sight) {
  static constexpr float kNothing = 0;
  const float& weight = sight.lines.empty() ? kNothing : sight.lines.back().weight;
  return {.weights = {{&weight, 1}, 1}, .quantity = view.quantity};
}

/// "Head 3", "Heads 0–11", "Heads 0, 3"
std::string heads_of(std::vector<int> heads) {
  if (heads.size() == 1) return "Head " + std::to_string(heads.front());
  std::sort(heads.begin(), heads.end());
  std::string text;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    std::size_t last = i;
    while (last + 1 < heads.size() && heads[last + 1] == heads[last] + 1) ++last;
    text += (text.empty() ? "" : ", ") + std::to_string(heads[i]);
    if (last < i + 2) continue;
    text += "–" + std::to_string(heads[last]);
    i = last;
  }
  return "Heads " + text;
}

std::string counted(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace

SightLines lines_in_sight(const View& view) {
  const bool whole = view.kind == View::Kind::model;
  const std::vector<int> layers = whole ? view.layers : std::vector{view.layer};
  std::vector<int> heads = whole ? view.heads : view.shown_heads;
  if (view.kind == View::Kind::neuron) heads.resize(1);
  Strongest strongest;
  for (const int layer : layers) {
    for (const int head : heads) add_lines(strongest, view, layer, head);
  }
  SightLines sight;
  sight.not_finite = strongest.not_finite();
  sight.lines = std::move(strongest).sorted();
  if (view.threshold > 0) sight.from = view.threshold;
  if (sight.lines.size() > kMostLines) {
    sight.from = round_number_above(sight.lines.back().weight);
    sight.too_many = true;
    while (!sight.lines.empty() && sight.lines.back().weight < *sight.from) sight.lines.pop_back();
  }
  std::reverse(sight.lines.begin(), sight.lines.end());
  return sight;
}

ColorScale scale_of(const SightLines& sight, const Look& look) {
  std::vector<float> weights;
  for (const ViewLine& line : sight.lines) weights.push_back(line.weight);
  if (weights.empty()) weights.push_back(0);
  const Heatmap map{.weights = {weights, weights.size()}};
  return ColorScale({&map, 1}, look);
}

int decimals_of(const View& view, const SightLines& sight) { return decimals_of(strongest_of(view, sight)); }

std::string widest_number(const View& view, const SightLines& sight) {
  return widest_number(strongest_of(view, sight));
}

std::string title_of(const View& view) {
  std::string title = visible(view.title);
  if (!title.empty()) title += " · ";
  if (view.kind == View::Kind::model) {
    title += counted(view.layers.size(), "layer") + " × " + counted(view.heads.size(), "head");
  } else {
    std::vector<int> heads = view.shown_heads;
    if (view.kind == View::Kind::neuron) heads.resize(1);
    title += "Layer " + std::to_string(view.layer) + " · " + heads_of(heads);
  }
  constexpr const char* kFilters[] = {"", " · A to A", " · B to B", " · A to B", " · B to A"};
  if (view.second_from) title += kFilters[static_cast<int>(view.filter)];
  if (!view.token) return title;
  const bool by_key = view.token_is_key;
  const std::span<const TokenLabel> tokens = by_key ? view.key_tokens() : view.tokens;
  return title + (by_key ? " · To “" : " · From “") + visible(tokens[*view.token].whole()) + "” (" +
         std::to_string(*view.token) + ")";
}

std::vector<std::string> notes_of(const View& view, const SightLines& sight) {
  std::vector<std::string> notes = view.notes;
  if (sight.not_finite > 0) {
    const bool one = sight.not_finite == 1;
    notes.push_back(counted(sight.not_finite, "weight") +
                    (one ? " is not finite and has no line" : " are not finite and have no lines"));
  }
  if (!sight.from) return notes;
  static_assert(kMostLines == 20'000);
  std::string note = "lines of weights from " + shortest(*sight.from) + " on";
  if (sight.too_many) note += ", as there would be more than 20,000";
  notes.push_back(note);
  return notes;
}

}  // namespace attnviz
