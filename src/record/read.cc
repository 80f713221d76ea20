#include <glib.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "attnviz/error.h"
#include "attnviz/record.h"
#include "record/names.h"

namespace attnviz {

/// Reads members with checks of what they are. A record comes from a file that anyone may have written.
class RecordReader {
 public:
  RecordReader(StoredRecord& stored, const std::string& what) : stored_(stored), what_(what) {}

  void read(std::string_view text);

 private:
  using Json = nlohmann::json;

  [[noreturn]] void refuse(const std::string& fault) const {
    throw Error(what_ + ": its record can't be used: " + fault, "draw the figure again");
  }

  const Json& member(const Json& json, const char* name) const {
    if (!json.is_object() || !json.contains(name)) refuse(std::string(name) + " is missing");
    return json[name];
  }

  template <class Value>
  Value get(const Json& json, const char* name) const {
    try {
      return member(json, name).get<Value>();
    } catch (const Json::exception&) {
      refuse(std::string(name) + " is of another kind than expected");
    }
  }

  /// Of what JSON has no number for, null is written.
  double or_nan(const Json& json) const {
    if (json.is_null()) return std::numeric_limits<double>::quiet_NaN();
    if (!json.is_number()) refuse(visible(json.dump()) + " stands where a number should");
    return json.get<double>();
  }

  std::size_t size(const Json& json, const char* name) const {
    const auto number = get<std::int64_t>(json, name);
    if (number < 1 || number > kMost) refuse(std::string(name) + " is " + std::to_string(number));
    return static_cast<std::size_t>(number);
  }

  template <class Value>
  Value word(const Json& json, const char* name, const auto& words) const {
    const auto given = get<std::string>(json, name);
    for (const auto& [known, value] : words) {
      if (known == given) return value;
    }
    refuse(std::string(name) + " is " + visible(given));
  }

  /// Text of the figure, as it was written: whoever wrote the file may have put in what acts on a terminal.
  [[nodiscard]] std::string shown(const Json& json, const char* name) const {
    return visible(get<std::string>(json, name));
  }
  [[nodiscard]] std::vector<std::string> all_shown(const Json& json, const char* name) const {
    auto texts = get<std::vector<std::string>>(json, name);
    for (std::string& text : texts) text = visible(text);
    return texts;
  }

  const Json& list(const Json& json, const char* name) const {
    const Json& found = member(json, name);
    if (!found.is_array()) refuse(std::string(name) + " is no list");
    return found;
  }

  std::span<const TokenLabel> labels(const Json& json, const char* name, std::size_t count);
  template <class Number>
  std::vector<Number> numbers(const Json& json, const char* name, std::size_t count) const;
  MatrixView weights(const Json& json);
  Heatmap map(const Json& json, const Heatmap* labeled);
  Pooling pooling(const Json& json) const;
  Zoom zoom(const Json& json, const Heatmap& map);
  std::vector<Heatmap> maps(const Json& figure, std::size_t count);
  Heatmap only_map(const Json& figure) { return maps(figure, 1).front(); }
  Drawn grid(const Json& figure);
  Drawn comparison(const Json& figure);
  Drawn summary(const Json& figure);
  std::vector<int> numbers_of(const Json& json, const char* name, int first) const;
  void read_view_numbers(const Json& figure, View& view);
  std::span<const float> packed_vectors(const Json& packed, std::size_t matrices, std::size_t size);
  void read_sight(const Json& figure, View& view) const;
  View view(const Json& figure);
  View views(const Json& figure);
  Drawn drawn(const Json& figure);
  Look look(const Json& json) const;
  RecordedText text(const Json& json) const;

  static constexpr std::int64_t kMost = 1 << 20;
  static constexpr double kMostScale = 1000;

  StoredRecord& stored_;
  const std::string& what_;
};

std::span<const TokenLabel> RecordReader::labels(const Json& json, const char* name, std::size_t count) {
  std::vector<TokenLabel>& labels = stored_.labels_.emplace_back();
  for (const Json& label : list(json, name)) {
    const bool whole = label.is_array() && label.size() == 3 && label[0].is_string() &&
                       label[1].is_string() && label[2].is_boolean();
    if (!whole) refuse(std::string(name) + " holds what is no label");
    labels.push_back({label[0].get<std::string>(), label[1].get<std::string>(), label[2].get<bool>()});
  }
  if (labels.size() != count) refuse(std::string(name) + " do not match the weights");
  return labels;
}

template <class Number>
std::vector<Number> RecordReader::numbers(const Json& json, const char* name, std::size_t count) const {
  const auto text = get<std::string>(json, name);
  gsize bytes = 0;
  const std::unique_ptr<guchar, decltype(&g_free)> decoded(g_base64_decode(text.c_str(), &bytes), g_free);
  if (bytes % sizeof(Number) != 0 || bytes / sizeof(Number) != count) {
    refuse(std::string(name) + " are not as many as the record says");
  }
  std::vector<Number> values(count);
  if (count > 0) std::memcpy(values.data(), decoded.get(), bytes);
  return values;
}

MatrixView RecordReader::weights(const Json& json) {
  const std::size_t rows = size(json, "rows"), columns = size(json, "columns");
  return {stored_.weights_.emplace_back(numbers<float>(json, "weights", rows * columns)), columns};
}

/// Labels that the map does not have itself are those of `labeled`.
Heatmap RecordReader::map(const Json& json, const Heatmap* labeled) {
  Heatmap map{.weights = weights(json)};
  const bool own = !labeled || json.contains("queries");
  map.queries = own ? labels(json, "queries", map.weights.rows()) : labeled->queries;
  map.keys = own ? labels(json, "keys", map.weights.columns) : labeled->keys;
  map.title = shown(json, "title");
  map.subtitle = shown(json, "subtitle");
  map.notes = all_shown(json, "notes");
  map.quantity = shown(json, "quantity");
  map.causal = get<bool>(json, "causal");
  map.is_signed = get<bool>(json, "signed");
  map.rows_are_layers = get<bool>(json, "rows_are_layers");
  if (map.queries.size() != map.weights.rows() || map.keys.size() != map.weights.columns) {
    refuse("labels do not match the weights");
  }
  if (json.contains("pooling")) map.pooling = pooling(json["pooling"]);
  map.windowed = json.contains("windowed") && get<bool>(json, "windowed");
  map.cross = json.contains("cross") && get<bool>(json, "cross");
  if (json.contains("zoom")) map.zoom = zoom(json["zoom"], map);
  return map;
}

Pooling RecordReader::pooling(const Json& json) const {
  return {size(json, "by"), word<Pool>(json, "how", kPoolWords)};
}

/// A part of the map.
Zoom RecordReader::zoom(const Json& json, const Heatmap& map) {
  Zoom zoom{.weights = weights(json)};
  zoom.queries = labels(json, "queries", zoom.weights.rows());
  zoom.keys = labels(json, "keys", zoom.weights.columns);
  const auto begin = [&](const char* name, std::size_t count, std::size_t cells) {
    const auto first = get<std::int64_t>(json, name);
    const auto most = static_cast<std::int64_t>(cells * map.pooling.by);
    if (first < 0 || first + static_cast<std::int64_t>(count) > most) refuse("its zoom lies outside the map");
    return static_cast<std::size_t>(first);
  };
  zoom.query = begin("query", zoom.weights.rows(), map.weights.rows());
  zoom.key = begin("key", zoom.weights.columns, map.weights.columns);
  return zoom;
}

/// `count` of them, or any number from 1 on when it is 0.
std::vector<Heatmap> RecordReader::maps(const Json& figure, std::size_t count) {
  std::vector<Heatmap> maps;
  for (const Json& json : list(figure, "maps"))
    maps.push_back(map(json, maps.empty() ? nullptr : &maps.front()));
  if (maps.empty() || (count > 0 && maps.size() != count)) {
    refuse(std::to_string(maps.size()) + " maps, expected " +
           (count ? std::to_string(count) : "one or more"));
  }
  return maps;
}

Drawn RecordReader::grid(const Json& figure) {
  return HeatmapGrid{.panels = maps(figure, 0),
                     .columns = size(figure, "columns"),
                     .title = shown(figure, "title"),
                     .subtitle = shown(figure, "subtitle"),
                     .notes = all_shown(figure, "notes"),
                     .row_names = all_shown(figure, "row_names"),
                     .column_names = all_shown(figure, "column_names")};
}

Drawn RecordReader::comparison(const Json& figure) {
  const std::vector<Heatmap> both = maps(figure, 2);
  const Json& sides = list(figure, "sides");
  if (sides.size() != 2) refuse("sides are not two");
  const auto side = [&](std::size_t i) {
    Compared compared{both[i], ColorMap(get<std::string>(sides[i], "colors")),
                      get<std::vector<std::pair<std::string, std::string>>>(sides[i], "facts")};
    for (auto& [name, value] : compared.facts) {
      name = visible(name);
      value = visible(value);
    }
    return compared;
  };
  return Comparison{.sides = {side(0), side(1)},
                    .title = shown(figure, "title"),
                    .subtitle = shown(figure, "subtitle"),
                    .notes = all_shown(figure, "notes")};
}

Drawn RecordReader::summary(const Json& figure) {
  Summary summary{.layers = {},
                  .uniform_entropy = get<double>(figure, "uniform_entropy"),
                  .mean = only_map(figure),
                  .received = {}};
  for (const Json& layer : list(figure, "layers")) {
    summary.layers.push_back({static_cast<int>(size(layer, "layer")), or_nan(member(layer, "mean_weight")),
                              or_nan(member(layer, "entropy"))});
  }
  std::vector<double>& received = stored_.numbers_.emplace_back();
  for (const Json& number : list(figure, "received")) received.push_back(or_nan(number));
  summary.received = received;
  return summary;
}

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

Drawn RecordReader::drawn(const Json& figure) {
  const auto kind = get<std::string>(figure, "kind");
  if (kind == "heatmap") return only_map(figure);
  if (kind == "grid") return grid(figure);
  if (kind == "comparison") return comparison(figure);
  if (kind == "summary") return summary(figure);
  if (kind == "view") return views(figure);
  refuse("a figure of the kind " + visible(kind));
}

Look RecordReader::look(const Json& json) const {
  Look look{.colors = ColorMap(get<std::string>(json, "colors")),
            .scale = word<Scale>(json, "scale", kScaleWords),
            .annotate = word<Annotate>(json, "annotate", kAnnotateWords),
            .theme = word<Theme>(json, "theme", kThemeWords)};
  if (json.contains("vmin")) look.vmin = get<double>(json, "vmin");
  if (json.contains("vmax")) look.vmax = get<double>(json, "vmax");
  if (json.contains("title")) look.title = get<std::string>(json, "title");
  return look;
}

RecordedText RecordReader::text(const Json& json) const {
  RecordedText text{.model = get<std::string>(json, "model"),
                    .sha256 = get<std::map<std::string, std::string>>(json, "sha256"),
                    .backend = get<std::string>(json, "backend"),
                    .text = get<std::string>(json, "text"),
                    .tokens = get<std::vector<std::string>>(json, "tokens"),
                    .ids = get<std::vector<std::int64_t>>(json, "ids")};
  if (json.contains("pair")) text.pair = get<std::string>(json, "pair");
  if (json.contains("predicted")) {
    for (const auto& [label, value] : get<std::vector<std::pair<std::string, Json>>>(json, "predicted"))
      text.predicted.push_back({label, or_nan(value)});
  }
  if (!json.contains("target")) return text;
  text.target = get<std::string>(json, "target");
  text.target_tokens = get<std::vector<std::string>>(json, "target_tokens");
  text.target_ids = get<std::vector<std::int64_t>>(json, "target_ids");
  return text;
}

void RecordReader::read(std::string_view json_text) {
  const Json json = Json::parse(json_text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) refuse("it is not JSON");
  const int format = get<int>(json, "format");
  if (format != kRecordFormat) {
    throw Error(what_ + ": its record has format " + std::to_string(format) + ", expected " +
                    std::to_string(kRecordFormat),
                "it may come from a later attnviz");
  }
  Record& record = stored_.record_;
  record.program = get<std::string>(json, "program");
  record.arguments = get<std::vector<std::string>>(json, "arguments");
  for (const Json& one : list(json, "texts")) record.texts.push_back(text(one));
  record.look = look(member(json, "look"));
  record.drawn = drawn(member(json, "figure"));
}

StoredRecord::StoredRecord(std::string_view json, const std::string& what) {
  RecordReader(*this, what).read(json);
}

}  // namespace attnviz
