#include <algorithm>
#include <optional>
#include <set>

#include "record/names.h"
#include "record/reader.h"

namespace attnviz {

/// Of layers or heads, each once.
std::vector<int> RecordReader::numbers_of(const Json& json, const char* name, int first) const {
  auto found = get<std::vector<int>>(json, name);
  std::vector<int> sorted = found;
  std::sort(sorted.begin(), sorted.end());
  const bool twice = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
  if (found.empty() || twice || sorted.front() < first || sorted.back() > kMost) {
    refuse(std::string(name) + " are not numbers of them, each once");
  }
  return found;
}

/// So many matrices of `size` numbers.
std::span<const float> RecordReader::packed_vectors(const Json& packed, std::size_t matrices,
                                                    std::size_t size) {
  const auto shares = numbers<std::int16_t>(packed, "numbers", matrices * size);
  const auto scales = numbers<float>(packed, "scales", matrices);
  std::vector<float>& values = stored_.weights_.emplace_back(shares.size());
  for (std::size_t i = 0; i < shares.size(); ++i)
    values[i] = static_cast<float>(shares[i]) / kMostSigned * scales[i / size];
  return values;
}

void RecordReader::read_view_numbers(const Json& figure, View& view) {
  const std::size_t queries = view.tokens.size(), keys = view.key_tokens().size();
  const std::size_t matrices = view.layers.size() * view.heads.size(), count = matrices * queries * keys;
  const auto packing = get<std::string>(figure, "packing");
  const bool exact = packing == "float32";
  if (exact) {
    view.weights = stored_.weights_.emplace_back(numbers<float>(figure, "weights", count));
  } else if (packing == "uint16") {
    const auto packed = numbers<std::uint16_t>(figure, "weights", count);
    std::vector<float>& values = stored_.weights_.emplace_back();
    for (const std::uint16_t share : packed) values.push_back(static_cast<float>(share) / kMostUnsigned);
    view.weights = values;
    view.rounded = true;
  } else {
    refuse("packing is " + visible(packing));
  }
  if (!figure.contains("query")) return;
  view.head_size = size(figure, "head_size");
  if (figure.contains("dot_scales")) {
    view.dot_scales = get<std::vector<double>>(figure, "dot_scales");
    if (view.dot_scales.size() != view.layers.size()) refuse("dot_scales are not as many as layers");
    for (const double scale : view.dot_scales) {
      if (!(scale > 0 && scale <= kMostScale)) refuse("dot_scales hold " + std::to_string(scale));
    }
  }
  if (figure.contains("windows")) {
    for (const std::int64_t window : get<std::vector<std::int64_t>>(figure, "windows")) {
      if (window < 0 || window > kMost) refuse("windows hold " + std::to_string(window));
      view.windows.push_back(static_cast<std::size_t>(window));
    }
    if (view.windows.size() != view.layers.size()) refuse("windows are not as many as layers");
  }
  const auto vectors = [&](const char* name, std::size_t tokens) -> std::span<const float> {
    const std::size_t size = tokens * view.head_size;
    if (!exact) return packed_vectors(member(figure, name), matrices, size);
    return stored_.weights_.emplace_back(numbers<float>(figure, name, matrices * size));
  };
  view.query = vectors("query", queries);
  view.key = vectors("key", keys);
}

void RecordReader::read_sight(const Json& figure, View& view) const {
  const auto holds = [](const std::vector<int>& numbers, int number) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
  };
  view.layer = get<int>(figure, "layer");
  if (!holds(view.layers, view.layer)) refuse("layer is " + std::to_string(view.layer));
  view.shown_heads = numbers_of(figure, "shown_heads", 0);
  for (const int head : view.shown_heads) {
    if (!holds(view.heads, head)) refuse("shown_heads hold " + std::to_string(head));
  }
  const auto position = [&](const char* name, std::size_t tokens) -> std::optional<std::size_t> {
    if (!figure.contains(name)) return std::nullopt;
    const auto number = get<std::int64_t>(figure, name);
    if (number < 0 || number >= static_cast<std::int64_t>(tokens))
      refuse(std::string(name) + " is " + std::to_string(number));
    return static_cast<std::size_t>(number);
  };
  view.token_is_key = get<bool>(figure, "token_is_key");
  view.token = position("token", (view.token_is_key ? view.key_tokens() : view.tokens).size());
  view.second_from = position("second_from", view.tokens.size());
  if (view.second_from && view.is_cross()) refuse("cross attention with a second sentence");
  view.threshold = get<double>(figure, "threshold");
  view.filter = word<View::Filter>(figure, "filter", kFilterWords);
  const bool neuron = view.kind == View::Kind::neuron;
  if (neuron && (view.query.empty() || !view.token)) refuse("a neuron view without vectors or token");
}

View RecordReader::view(const Json& figure) {
  View view{.kind = word<View::Kind>(figure, "view", kViewWords),
            .layers = numbers_of(figure, "layers", 1),
            .heads = numbers_of(figure, "heads", 0),
            .causal = get<bool>(figure, "causal"),
            .title = shown(figure, "title"),
            .subtitle = shown(figure, "subtitle"),
            .notes = all_shown(figure, "notes")};
  const std::size_t most = kMost;  // so that no product of sizes overflows
  const auto tokens = [&](const char* name) {
    const std::size_t count = list(figure, name).size();
    if (count == 0 || count > most || view.layers.size() * view.heads.size() > most)
      refuse("it has " + std::to_string(count) + " " + name);
    return labels(figure, name, count);
  };
  view.tokens = tokens("tokens");
  if (figure.contains("sources")) view.sources = tokens("sources");
  if (figure.contains("quantity")) view.quantity = shown(figure, "quantity");
  if (figure.contains("part")) view.part = word<AttentionPart>(figure, "part", kPartWords);
  read_view_numbers(figure, view);
  read_sight(figure, view);
  return view;
}

/// A view and those that its page holds beside it: each a part of its own.
View RecordReader::views(const Json& figure) {
  View first = view(figure);
  if (!figure.contains("others")) return first;
  std::set<std::optional<AttentionPart>> parts = {std::nullopt, first.part};
  for (const Json& json : list(figure, "others")) {
    const View& other = first.others.emplace_back(view(json));
    if (!parts.insert(other.part).second || !first.part) refuse("its views are not a part each");
  }
  return first;
}

}  // namespace attnviz
