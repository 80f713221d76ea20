#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "attnviz/record.h"
#include "support/figures.h"
#include "support/support.h"

namespace attnviz {
namespace {

using namespace test;
using Json = nlohmann::json;

/// Numbers from 0 to 1.
std::vector<float> seeded(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> numbers(count);
  for (float& number : numbers) number = static_cast<float>(random() % 1000) / 1000;
  return numbers;
}

/// One figure of each kind, with what can go wrong in text: quotes, line ends, other scripts.
struct Figures {
  Map first{{{"", "[CLS]", true}, {"", "\"bank\"", false}, {"##", "й", false}}};
  Map second{{{"", "[CLS]", true}, {"", "\"bank\"", false}, {"##", "й", false}}, true, 7};
  Map small{{{"␣", "a\n", false}, {"", "b", false}}, true};
  std::vector<double> received = {1.25, 0.1, 1.65};
  std::vector<float> weights = seeded(2 * 2 * 3 * 3, 1), query = seeded(2 * 2 * 3 * 4, 2),
                     key = seeded(2 * 2 * 3 * 4, 3);

  [[nodiscard]] View view(View::Kind kind) const {
    return {.kind = kind,
            .layers = {2, 5},
            .heads = {0, 7},
            .tokens = first.heatmap.keys,
            .second_from = 2,
            .weights = weights,
            .head_size = 4,
            .query = query,
            .key = key,
            .title = "minilm",
            .subtitle = "A \\ sentence.",
            .notes = {"hidden"},
            .layer = 5,
            .shown_heads = {7},
            .token = 1,
            .threshold = 0.01,
            .filter = View::Filter::a_to_b};
  }

  [[nodiscard]] View norms() const {
    View made = view(View::Kind::head);
    made.quantity = kNorms;
    made.head_size = 0;
    made.query = made.key = {};
    return made;
  }

  [[nodiscard]] Heatmap cross_map() const {
    return {.weights = {std::span(weights).first(6), 3},
            .queries = small.heatmap.keys,
            .keys = first.heatmap.keys,
            .cross = true};
  }

  /// From two tokens of a target to three of its source.
  [[nodiscard]] View cross_view(View::Kind kind) const {
    View cross = view(kind);
    cross.tokens = small.heatmap.keys;
    cross.sources = first.heatmap.keys;
    cross.second_from.reset();
    cross.weights = cross.weights.first(2 * 2 * 2 * 3);
    cross.query = cross.query.first(2 * 2 * 2 * 4);
    cross.dot_scales = {1, 0.5};
    cross.windows = {0, 2};
    cross.filter = View::Filter::all;
    return cross;
  }

  /// Cross attention, and beside it what a target's and a source's tokens give each other.
  [[nodiscard]] View all_parts() const {
    View cross = cross_view(View::Kind::head), encoder = view(View::Kind::head), decoder = cross;
    decoder.sources = {};
    decoder.weights = decoder.weights.first(2 * 2 * 2 * 2);
    decoder.key = decoder.query;
    cross.part = AttentionPart::cross;
    encoder.part = AttentionPart::encoder;
    decoder.part = AttentionPart::decoder;
    cross.others = {encoder, decoder};
    return cross;
  }

  /// Pooled and in windows, with a part of it larger.
  [[nodiscard]] Heatmap zoomed_map() const {
    Heatmap map = second.heatmap;
    map.pooling = {4, Pool::mean};
    map.windowed = true;
    map.zoom = Zoom{9, 5, {small.weights, 2}, small.heatmap.queries, small.heatmap.keys};
    return map;
  }

  [[nodiscard]] std::vector<Drawn> all() const {
    Heatmap signed_map = first.heatmap, layers = first.heatmap;
    const Heatmap pooled = zoomed_map();
    signed_map.is_signed = true;
    signed_map.quantity = "Difference of Weights";
    layers.rows_are_layers = true;
    Comparison comparison{
        .sides = {Compared{first.heatmap, ColorMap("Blues"), {{"Tokens", "3"}, {"Kind", "ü"}}},
                  Compared{small.heatmap, ColorMap("Reds_r")}},
        .title = "Layer 5",
        .subtitle = "A \\ sentence.",
        .notes = {"hidden"}};
    return {
        first.heatmap,
        signed_map,
        layers,
        pooled,
        HeatmapGrid{.panels = {first.heatmap, second.heatmap}, .columns = 2, .title = "t", .notes = {"n"}},
        HeatmapGrid{.panels = {first.heatmap, second.heatmap},
                    .columns = 2,
                    .row_names = {"Layer 1"},
                    .column_names = {"Head 0", "Head 1"}},
        comparison,
        Summary{{{1, 0.3, 1.1}, {2, 1.0 / 3, 0.7}}, 1.0986, first.heatmap, received},
        view(View::Kind::head),
        view(View::Kind::model),
        view(View::Kind::neuron),
        norms(),
        cross_map(),
        cross_view(View::Kind::head),
        cross_view(View::Kind::model),
        cross_view(View::Kind::neuron),
        all_parts()};
  }
};

Record record_of(const Drawn& drawn) {
  return {.program = "attnviz 0.1.0",
          .arguments = {"render", "--layer", "6"},
          .texts = {{.model = "minilm",
                     .sha256 = {{"model.safetensors", "00ff"}},
                     .backend = "checkpoint",
                     .text = "\"bank\" 😀",
                     .pair = "é",
                     .tokens = {"[CLS]", "bank"},
                     .ids = {101, 2924},
                     .predicted = {{"\"bad\"", 0.98}, {"gut ü", 1.0 / 3}},
                     .target = "Ufer \"x\"",
                     .target_tokens = {"<pad>", "Ufer"},
                     .target_ids = {0, 7}}},
          .look = {.colors = ColorMap("viridis_r"),
                   .scale = Scale::linear,
                   .vmax = 0.1,
                   .annotate = Annotate::always,
                   .theme = Theme::dark,
                   .title = "Mine"},
          .drawn = drawn};
}

TEST(Record, ComesBackAsItWas) {
  const Figures figures;
  for (const Drawn& drawn : figures.all()) {
    const Record record = record_of(drawn);
    const std::string json = to_json(record);
    const StoredRecord stored(json, "x.png");
    EXPECT_EQ(to_json(stored.record()), json);
    EXPECT_EQ(to_text(lay_out(stored.record().drawn, stored.record().look, measured)),
              to_text(lay_out(drawn, record.look, measured)));
  }
}

TEST(Record, KeepsItsNumbersWhenItMoves) {
  const Figures figures;
  const std::string json = to_json(record_of(figures.first.heatmap));
  StoredRecord first(json, "x.png");
  const StoredRecord moved = std::move(first);
  EXPECT_EQ(to_json(moved.record()), json);
}

TEST(Record, KeepsEveryBitOfItsNumbers) {
  std::mt19937 random(5);
  std::vector<float> weights;
  for (int i = 0; i < 400; ++i) {
    float value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    weights.push_back(std::isfinite(value) ? value : 0.5F);
  }
  const std::vector<TokenLabel> labels = words(20);
  const Heatmap map{.weights = {weights, 20}, .queries = labels, .keys = labels};
  const StoredRecord stored(to_json(record_of(map)), "x.png");
  const auto& values = std::get<Heatmap>(stored.record().drawn).weights.values;
  ASSERT_EQ(values.size(), weights.size());
  EXPECT_EQ(std::memcmp(values.data(), weights.data(), weights.size() * sizeof(float)), 0);
}

TEST(Record, HoldsAViewIn16BitsForPages) {
  const Figures figures;
  for (const View& view : {figures.view(View::Kind::neuron), figures.cross_view(View::Kind::neuron)}) {
    const std::string exact = to_json(record_of(view)), packed = to_json(record_of(view), Packing::uint16);
    EXPECT_LT(packed.size(), exact.size());
    const StoredRecord stored(packed, "x.html");
    const View& back = std::get<View>(stored.record().drawn);
    const auto expect_near = [](std::span<const float> found, std::span<const float> expected, float most) {
      ASSERT_EQ(found.size(), expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], most) << i;
    };
    expect_near(back.weights, view.weights, 7.7e-6F);
    expect_near(back.query, view.query, 1.6e-5F);
    expect_near(back.key, view.key, 1.6e-5F);
    EXPECT_EQ(to_json(stored.record(), Packing::uint16), packed);
    EXPECT_TRUE(back.rounded);
    const StoredRecord whole(exact, "x.svg");
    EXPECT_FALSE(std::get<View>(whole.record().drawn).rounded);
  }
}

TEST(Record, HoldsNormsBitForBitInPages) {
  const Figures figures;
  std::vector<float> large = figures.weights;
  for (float& number : large) number *= 1234.5F;
  View view = figures.norms();
  view.weights = large;
  const StoredRecord stored(to_json(record_of(view), Packing::uint16), "x.html");
  const View& back = std::get<View>(stored.record().drawn);
  EXPECT_TRUE(std::equal(back.weights.begin(), back.weights.end(), large.begin(), large.end()));
  EXPECT_FALSE(back.rounded);
}

TEST(Record, NamesWhatIsWrongWithAView) {
  const Figures figures;
  const Json whole = Json::parse(to_json(record_of(figures.view(View::Kind::neuron))));
  struct Case {
    const char* member;
    Json value;
    std::string fault;
  };
  for (const auto& [member, value, fault] : {
           Case{"view", "tail", "view is tail"},
           Case{"layers", {2, 2}, "layers are not numbers of them, each once"},
           Case{"heads", Json::array(), "heads are not numbers of them, each once"},
           Case{"layer", 3, "layer is 3"},
           Case{"shown_heads", {0, 1}, "shown_heads hold 1"},
           Case{"token", 3, "token is 3"},
           Case{"second_from", -1, "second_from is -1"},
           Case{"tokens", Json::array(), "it has 0 tokens"},
           Case{"weights", "AAAA", "weights are not as many as the record says"},
           Case{"packing", "zip", "packing is zip"},
           Case{"head_size", 5, "query are not as many as the record says"},
           Case{"dot_scales", {1}, "dot_scales are not as many as layers"},
           Case{"dot_scales", {1, 0}, "dot_scales hold 0.000000"},
           Case{"windows", {1}, "windows are not as many as layers"},
           Case{"windows", {1, -1}, "windows hold -1"},
           Case{"filter", "a", "filter is a"},
       }) {
    Json json = whole;
    json["figure"][member] = value;
    EXPECT_EQ(error_of([&] { StoredRecord(json.dump(), "x.png"); }),
              "x.png: its record can't be used: " + fault + "\n  hint: draw the figure again");
  }
  Json json = whole;
  json["figure"].erase("query");
  EXPECT_EQ(
      error_of([&] { StoredRecord(json.dump(), "x.png"); }),
      "x.png: its record can't be used: a neuron view without vectors or token\n  hint: draw the figure "
      "again");
}

TEST(Record, NamesWhatIsWrongWithAViewOfCrossAttention) {
  const Figures figures;
  const Json whole = Json::parse(to_json(record_of(figures.cross_view(View::Kind::head))));
  struct Case {
    const char* member;
    Json value;
    std::string fault;
  };
  for (const auto& [member, value, fault] : {
           Case{"sources", Json::array(), "it has 0 sources"},
           Case{"sources", whole["figure"]["tokens"], "weights are not as many as the record says"},
           Case{"token", 2, "token is 2"},
           Case{"second_from", 1, "cross attention with a second sentence"},
       }) {
    Json json = whole;
    json["figure"][member] = value;
    EXPECT_EQ(error_of([&] { StoredRecord(json.dump(), "x.png"); }),
              "x.png: its record can't be used: " + fault + "\n  hint: draw the figure again");
  }
  Json json = whole;
  json["figure"]["token"] = 2;
  json["figure"]["token_is_key"] = true;
  EXPECT_EQ(error_of([&] { StoredRecord(json.dump(), "x.png"); }), "nothing");
}

TEST(Record, NamesWhatIsWrongWithTheOthersOfAView) {
  const Figures figures;
  const Json whole = Json::parse(to_json(record_of(figures.all_parts())));
  struct Case {
    std::function<void(Json&)> harm;
    std::string fault;
  };
  for (const auto& [harm, fault] : {
           Case{[](Json& figure) { figure["others"][0]["part"] = "decoder"; },
                "its views are not a part each"},
           Case{[](Json& figure) { figure["others"][1].erase("part"); }, "its views are not a part each"},
           Case{[](Json& figure) { figure.erase("part"); }, "its views are not a part each"},
           Case{[](Json& figure) { figure["part"] = "both"; }, "part is both"},
           Case{[](Json& figure) { figure["others"] = 1; }, "others is no list"},
           Case{[](Json& figure) { figure["others"][1]["layer"] = 3; }, "layer is 3"},
       }) {
    Json json = whole;
    harm(json["figure"]);
    EXPECT_EQ(error_of([&] { StoredRecord(json.dump(), "x.png"); }),
              "x.png: its record can't be used: " + fault + "\n  hint: draw the figure again");
  }
}

TEST(Record, NamesWhatIsWrongWithAPooledMap) {
  const Figures figures;
  const Json whole = Json::parse(to_json(record_of(figures.zoomed_map())));
  struct Case {
    const char *part, *member;
    Json value;
    std::string fault;
  };
  for (const auto& [part, member, value, fault] : {
           Case{"pooling", "by", 0, "by is 0"},
           Case{"pooling", "by", 1 << 30, "by is 1073741824"},
           Case{"pooling", "how", "min", "how is min"},
           Case{"pooling", "by", 1, "its zoom lies outside the map"},
           Case{"zoom", "query", 11, "its zoom lies outside the map"},
           Case{"zoom", "key", -1, "its zoom lies outside the map"},
           Case{"zoom", "rows", 3, "weights are not as many as the record says"},
           Case{"zoom", "keys", Json::array(), "keys do not match the weights"},
           Case{"zoom", "weights", 3, "weights is of another kind than expected"},
       }) {
    Json json = whole;
    json["figure"]["maps"][0][part][member] = value;
    EXPECT_EQ(error_of([&] { StoredRecord(json.dump(), "x.png"); }),
              "x.png: its record can't be used: " + fault + "\n  hint: draw the figure again");
  }
}

TEST(Record, NamesWhatIsWrongWithIt) {
  const Figures figures;
  const Json whole = Json::parse(to_json(record_of(figures.first.heatmap)));
  struct Case {
    std::function<void(Json&)> harm;
    std::string fault;
  };
  for (const auto& [harm, fault] : {
           Case{[](Json& json) { json.erase("look"); }, "look is missing"},
           Case{[](Json& json) { json["texts"] = 3; }, "texts is no list"},
           Case{[](Json& json) { json["program"] = 3; }, "program is of another kind than expected"},
           Case{[](Json& json) { json["look"]["theme"] = "pink\n"; }, "theme is pink␊"},
           Case{[](Json& json) { json["figure"]["kind"] = "pie"; }, "a figure of the kind pie"},
           Case{[](Json& json) { json["figure"]["maps"] = Json::array(); }, "0 maps, expected 1"},
           Case{[](Json& json) { json["figure"]["maps"][0]["rows"] = 0; }, "rows is 0"},
           Case{[](Json& json) { json["figure"]["maps"][0]["columns"] = 1 << 30; }, "columns is 1073741824"},
           Case{[](Json& json) { json["figure"]["maps"][0]["rows"] = 4; },
                "weights are not as many as the record says"},
           Case{[](Json& json) { json["figure"]["maps"][0]["weights"] = "AAAA"; },
                "weights are not as many as the record says"},
           Case{[](Json& json) { json["figure"]["maps"][0]["keys"].erase(0); },
                "keys do not match the weights"},
           Case{[](Json& json) { json["figure"]["maps"][0]["keys"][1] = "bank"; },
                "keys holds what is no label"},
       }) {
    Json json = whole;
    harm(json);
    EXPECT_EQ(error_of([&] { StoredRecord(json.dump(), "x.png"); }),
              "x.png: its record can't be used: " + fault + "\n  hint: draw the figure again");
  }
  EXPECT_EQ(error_of([] { StoredRecord("{", "x.png"); }),
            "x.png: its record can't be used: it is not JSON\n  hint: draw the figure again");
  EXPECT_EQ(error_of([] { StoredRecord(R"({"format": 2})", "x.png"); }),
            "x.png: its record has format 2, expected 1\n  hint: it may come from a later attnviz");
}

TEST(Record, HoldsNoMoreValuesThanAFigureNeedsAndNoneTooDeep) {
  const std::string begin = R"({"format": 1, "figure": )";
  const auto repeated = [](const std::string& text, std::size_t count) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += text;
    return all;
  };
  const std::string refused = "x.png: its record can't be used: it ";
  const std::string hint = "\n  hint: draw the figure again";
  const std::string deep = begin + repeated("[", 200'000) + repeated("]", 200'000) + "}";
  EXPECT_EQ(error_of([&] { StoredRecord(deep, "x.png"); }), refused + "nests values too deep" + hint);
  const std::string wide = begin + "[0" + repeated(",0", 1 << 22) + "]}";
  EXPECT_EQ(error_of([&] { StoredRecord(wide, "x.png"); }), refused + "holds too many values" + hint);
}

/// Every value of the record, in turn, replaced by others: it is used or refused, never more.
void harm_every_value(const Json& whole, Json& place, const std::function<void()>& attempt) {
  const Json kept = place;
  for (const Json& other : {Json(nullptr), Json(-1), Json(1e300), Json("x"), Json::array(), Json::object()}) {
    place = other;
    attempt();
  }
  place = kept;
  if (!place.is_structured()) return;
  for (Json& child : place) harm_every_value(whole, child, attempt);
}

TEST(Record, IsUsedOrRefusedWhateverItHolds) {
  const Figures figures;
  std::size_t refused = 0, used = 0;
  for (const Drawn& drawn : figures.all()) {
    Json json = Json::parse(to_json(record_of(drawn)));
    harm_every_value(json, json, [&] {
      try {
        const StoredRecord stored(json.dump(), "x.png");
        (void)lay_out(stored.record().drawn, stored.record().look, measured);
        ++used;
      } catch (const Error&) {
        ++refused;
      }
    });
  }
  EXPECT_GT(refused, 1000U);
  EXPECT_GT(used, 100U);
}

}  // namespace
}  // namespace attnviz
