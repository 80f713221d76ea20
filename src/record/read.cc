#include "record/reader.h"

#include <glib.h>

#include <map>
#include <utility>

#include "record/names.h"

namespace attnviz {

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

RecordReader::Decoded RecordReader::decoded(const Json& json, const char* name) const {
  const auto text = get<std::string>(json, name);
  gsize size = 0;
  unsigned char* const begin = g_base64_decode(text.c_str(), &size);
  return {{begin, g_free}, size};
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

/// A value takes some times the bytes that tell it; those inside each other are gone through by recursion.
RecordReader::Json RecordReader::parsed(std::string_view json_text) const {
  constexpr std::size_t kMostEvents = 1 << 22;  // a label has five
  constexpr int kDeepest = 20;
  std::size_t events = 0;
  return Json::parse(
      json_text,
      [&](int depth, Json::parse_event_t, const Json&) {
        if (depth > kDeepest) refuse("it nests values too deep");
        if (++events > kMostEvents) refuse("it holds too many values");
        return true;
      },
      /*allow_exceptions=*/false);
}

void RecordReader::read(std::string_view json_text) {
  const Json json = parsed(json_text);
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
