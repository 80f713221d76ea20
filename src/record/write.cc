#include <glib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "attnviz/record.h"
#include "record/names.h"

namespace attnviz {
namespace {

using Json = nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little, "weights are stored as they lie in memory");

template <class Number>
std::string base64(std::span<const Number> values) {
  const auto bytes = std::as_bytes(values);
  const std::unique_ptr<char, decltype(&g_free)> text(
      g_base64_encode(reinterpret_cast<const guchar*>(bytes.data()), bytes.size()), g_free);
  return text.get();
}

Json labels_json(std::span<const TokenLabel> labels) {
  Json list = Json::array();
  for (const auto& [mark, text, special] : labels) list.push_back({mark, text, special});
  return list;
}

/// `shared` are labels that stand once before all maps.
Json map_json(const Heatmap& map) {
  Json json = {{"title", map.title},
               {"subtitle", map.subtitle},
               {"notes", map.notes},
               {"quantity", map.quantity},
               {"causal", map.causal},
               {"signed", map.is_signed},
               {"rows_are_layers", map.rows_are_layers},
               {"rows", map.weights.rows()},
               {"columns", map.weights.columns},
               {"queries", labels_json(map.queries)},
               {"keys", labels_json(map.keys)},
               {"weights", base64(map.weights.values)}};
  if (map.pooling.by > 1)
    json["pooling"] = {{"by", map.pooling.by}, {"how", word_of(map.pooling.how, kPoolWords)}};
  if (map.windowed) json["windowed"] = true;
  if (map.cross) json["cross"] = true;
  if (!map.zoom) return json;
  const Zoom& zoom = *map.zoom;
  json["zoom"] = {{"query", zoom.query},
                  {"key", zoom.key},
                  {"rows", zoom.weights.rows()},
                  {"columns", zoom.weights.columns},
                  {"queries", labels_json(zoom.queries)},
                  {"keys", labels_json(zoom.keys)},
                  {"weights", base64(zoom.weights.values)}};
  return json;
}

Json content_json(const Heatmap& map, Packing) { return {{"kind", "heatmap"}, {"maps", {map_json(map)}}}; }

Json content_json(const HeatmapGrid& grid, Packing) {
  Json maps = Json::array();
  for (const Heatmap& panel : grid.panels) {
    maps.push_back(map_json(panel));
    if (maps.size() == 1) continue;
    // All panels show the same tokens: they are written once.
    maps.back().erase("queries");
    maps.back().erase("keys");
  }
  return {{"kind", "grid"},
          {"title", grid.title},
          {"subtitle", grid.subtitle},
          {"notes", grid.notes},
          {"columns", grid.columns},
          {"row_names", grid.row_names},
          {"column_names", grid.column_names},
          {"maps", maps}};
}

Json content_json(const Comparison& comparison, Packing) {
  Json sides = Json::array(), maps = Json::array();
  for (const auto& [map, colors, facts] : comparison.sides) {
    Json list = Json::array();
    for (const auto& [name, value] : facts) list.push_back({name, value});
    sides.push_back({{"colors", colors.name()}, {"facts", list}});
    maps.push_back(map_json(map));
  }
  return {{"kind", "comparison"},
          {"title", comparison.title},
          {"subtitle", comparison.subtitle},
          {"notes", comparison.notes},
          {"sides", sides},
          {"maps", maps}};
}

Json content_json(const Summary& summary, Packing) {
  Json layers = Json::array();
  for (const auto& [layer, mean_weight, entropy] : summary.layers) {
    layers.push_back({{"layer", layer}, {"mean_weight", mean_weight}, {"entropy", entropy}});
  }
  return {{"kind", "summary"},
          {"layers", layers},
          {"uniform_entropy", summary.uniform_entropy},
          {"received", std::vector<double>(summary.received.begin(), summary.received.end())},
          {"maps", {map_json(summary.mean)}}};
}

/// Numbers from 0 to 1.
std::string packed_weights(std::span<const float> weights) {
  std::vector<std::uint16_t> packed(weights.size());
  std::transform(weights.begin(), weights.end(), packed.begin(), [](float weight) {
    return static_cast<std::uint16_t>(std::lround(std::clamp(weight, 0.0F, 1.0F) * kMostUnsigned));
  });
  return base64(std::span<const std::uint16_t>(packed));
}

/// Of `size` numbers a layer and head each.
Json packed_vectors(std::span<const float> vectors, std::size_t size) {
  std::vector<std::int16_t> packed;
  std::vector<float> scales;
  for (std::size_t begin = 0; begin < vectors.size(); begin += size) {
    const std::span<const float> matrix = vectors.subspan(begin, size);
    float& scale = scales.emplace_back(0.0F);
    for (const float number : matrix) scale = std::max(scale, std::abs(number));
    for (const float number : matrix)
      packed.push_back(static_cast<std::int16_t>(scale > 0 ? std::lround(number / scale * kMostSigned) : 0));
  }
  return {{"numbers", base64(std::span<const std::int16_t>(packed))},
          {"scales", base64(std::span<const float>(scales))}};
}

bool is_finite(const View& view) {
  const auto all_finite = [](std::span<const float> numbers) {
    return std::all_of(numbers.begin(), numbers.end(), [](float number) { return std::isfinite(number); });
  };
  return all_finite(view.weights) && all_finite(view.query) && all_finite(view.key);
}

Json content_json(const View& view, Packing packing) {
  const bool exact = packing == Packing::float32 || view.quantity == kNorms || !is_finite(view);
  Json json = {{"kind", "view"},
               {"view", word_of(view.kind, kViewWords)},
               {"title", view.title},
               {"subtitle", view.subtitle},
               {"notes", view.notes},
               {"layers", view.layers},
               {"heads", view.heads},
               {"tokens", labels_json(view.tokens)},
               {"causal", view.causal},
               {"layer", view.layer},
               {"shown_heads", view.shown_heads},
               {"token_is_key", view.token_is_key},
               {"threshold", view.threshold},
               {"filter", word_of(view.filter, kFilterWords)},
               {"packing", exact ? "float32" : "uint16"}};
  if (view.quantity != Heatmap{}.quantity) json["quantity"] = view.quantity;
  if (view.is_cross()) json["sources"] = labels_json(view.sources);
  if (view.second_from) json["second_from"] = *view.second_from;
  if (view.token) json["token"] = *view.token;
  json["weights"] = exact ? base64(view.weights) : packed_weights(view.weights);
  const auto vectors = [&](std::span<const float> values, std::size_t tokens) {
    return exact ? Json(base64(values)) : packed_vectors(values, tokens * view.head_size);
  };
  if (!view.query.empty()) {
    json["head_size"] = view.head_size;
    const double usual = View{.head_size = view.head_size}.dot_scale();
    const bool all_usual = std::all_of(view.dot_scales.begin(), view.dot_scales.end(),
                                       [&](double scale) { return scale == usual; });
    if (!all_usual) json["dot_scales"] = view.dot_scales;
    const bool any_window =
        std::any_of(view.windows.begin(), view.windows.end(), [](std::size_t window) { return window > 0; });
    if (any_window) json["windows"] = view.windows;
    json["query"] = vectors(view.query, view.tokens.size());
    json["key"] = vectors(view.key, view.key_tokens().size());
  }
  if (view.part) json["part"] = word_of(*view.part, kPartWords);
  for (const View& other : view.others) json["others"].push_back(content_json(other, packing));
  return json;
}

Json look_json(const Look& look) {
  Json json = {{"colors", look.colors.name()},
               {"scale", word_of(look.scale, kScaleWords)},
               {"annotate", word_of(look.annotate, kAnnotateWords)},
               {"theme", word_of(look.theme, kThemeWords)}};
  if (look.vmin) json["vmin"] = *look.vmin;
  if (look.vmax) json["vmax"] = *look.vmax;
  if (look.title) json["title"] = *look.title;
  return json;
}

Json text_json(const RecordedText& text) {
  Json json = {
      {"model", text.model}, {"sha256", text.sha256}, {"backend", text.backend}, {"text", text.text}};
  if (text.pair) json["pair"] = *text.pair;
  json["tokens"] = text.tokens;
  json["ids"] = text.ids;
  for (const auto& [label, value] : text.predicted) json["predicted"].push_back({label, value});
  if (!text.target) return json;
  json["target"] = *text.target;
  json["target_tokens"] = text.target_tokens;
  json["target_ids"] = text.target_ids;
  return json;
}

}  // namespace

std::string to_json(const Record& record, Packing packing) {
  Json texts = Json::array();
  for (const RecordedText& text : record.texts) texts.push_back(text_json(text));
  const Json json = {
      {"format", kRecordFormat},
      {"program", record.program},
      {"arguments", record.arguments},
      {"texts", texts},
      {"look", look_json(record.look)},
      {"figure", std::visit([&](const auto& drawn) { return content_json(drawn, packing); }, record.drawn)}};
  // Names from model files need not be UTF-8: what is not becomes U+FFFD.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace attnviz
