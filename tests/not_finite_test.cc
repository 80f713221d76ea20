// What figures, records, files and checks make of NaN and infinity: nothing plausible.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attnviz/analysis.h"
#include "attnviz/check.h"
#include "attnviz/figure.h"
#include "attnviz/record.h"
#include "attnviz/render.h"
#include "support/figures.h"
#include "support/support.h"

namespace attnviz {
namespace {

using test::expect_readable;
using test::find_text;
using test::items;
using test::Map;
using test::measured;
using test::words;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Four tokens; the second row is NaN, and one more cell infinite.
struct Spoiled : Map {
  explicit Spoiled(bool causal = false) : Map(words(4), causal) {
    for (std::size_t column = 0; column < 4; ++column) weights[4 + column] = kNan;
    weights[8] = kInfinity;
  }
};

std::size_t count_of(const Figure& figure, Color color) {
  std::size_t count = 0;
  for (const Rectangle& r : items<Rectangle>(figure)) count += r.fill == color;
  return count;
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(NotFinite, IsMarkedInHeatmapsAndTheirLegend) {
  for (const bool causal : {false, true}) {
    const Spoiled map(causal);
    const Figure figure = head_heatmap(map.heatmap, {.annotate = Annotate::always}, measured);
    expect_readable(figure, "spoiled");
    EXPECT_EQ(count_of(figure, kNotFinite), causal ? 3U : 5U);  // what is masked stays blank
    EXPECT_TRUE(find_text(figure, "not finite"));
    EXPECT_TRUE(find_text(figure, "nan"));
    EXPECT_TRUE(find_text(figure, "inf"));
    EXPECT_TRUE(holds(figure.description, std::string(causal ? "3" : "5") + " numbers are not finite"))
        << figure.description;
    EXPECT_FALSE(holds(figure.description, "-1.00"));
    EXPECT_FALSE(holds(figure.description, "most concentrated row is “word” (1)"));
  }
  const Map whole(words(4));
  EXPECT_FALSE(find_text(head_heatmap(whole.heatmap, {}, measured), "not finite"));
}

TEST(NotFinite, LeavesTheScaleToTheOtherNumbers) {
  const Spoiled map;
  const ColorScale scale({&map.heatmap, 1}, {});
  EXPECT_TRUE(std::isfinite(scale.upper()));
  EXPECT_LE(scale.upper(), 1);
  EXPECT_EQ(scale.not_finite(), 5U);
  EXPECT_EQ(scale.color(kNan), kNotFinite);
  EXPECT_EQ(scale.color(-kInfinity), kNotFinite);
  Heatmap difference = map.heatmap;
  difference.is_signed = true;
  EXPECT_TRUE(std::isfinite(ColorScale({&difference, 1}, {}).lower()));
}

TEST(NotFinite, MayBeAllThatThereIs) {
  Map map(words(3));
  std::fill(map.weights.begin(), map.weights.end(), kNan);
  for (const bool is_signed : {false, true}) {
    map.heatmap.is_signed = is_signed;
    const Figure figure = head_heatmap(map.heatmap, {}, measured);
    EXPECT_EQ(count_of(figure, kNotFinite), 9U);
    EXPECT_FALSE(holds(figure.description, "-1.00") || holds(figure.description, "strongest links"));
  }
  map.heatmap.is_signed = false;
  EXPECT_EQ(count_of(head_heatmap(map.heatmap, {.scale = Scale::log}, measured), kNotFinite), 9U);
}

TEST(NotFinite, StaysSoWhenCellsArePooled) {
  Map map(words(6));
  map.weights[7] = kNan;
  for (const Pool how : {Pool::max, Pool::mean}) {
    const std::vector<float> pooled = pooled_weights(map.heatmap, {.by = 2, .how = how});
    ASSERT_EQ(pooled.size(), 9U);
    for (std::size_t cell = 0; cell < 9; ++cell) EXPECT_EQ(std::isnan(pooled[cell]), cell == 0) << cell;
  }
}

TEST(NotFinite, IsAQuestionMarkInTheTerminal) {
  const Spoiled map;
  for (const TerminalColors colors :
       {TerminalColors::none, TerminalColors::ansi16, TerminalColors::truecolor}) {
    const std::string text = to_terminal(map.heatmap, {}, colors, 80);
    EXPECT_TRUE(holds(text, "not finite")) << text;
    EXPECT_EQ(std::count(text.begin(), text.end(), '?'), 6) << text;  // the legend's, too
    EXPECT_EQ(holds(text, "48;2;230;0;230"), colors == TerminalColors::truecolor);
  }
}

TEST(NotFinite, IsSaidOfASummarysLayers) {
  const Spoiled map;
  const std::vector<double> received = {1, kNan, kNan, 0.5};
  const Summary summary{.layers = {{1, 0.25, 1.2}, {2, kNan, kNan}, {3, 0.25, 1.0}},
                        .uniform_entropy = 1.38,
                        .mean = map.heatmap,
                        .received = received};
  const Figure figure = summary_figure(summary, {}, measured);
  EXPECT_FALSE(holds(to_text(figure), "nan,") || holds(to_text(figure), "(nan"));
  EXPECT_TRUE(holds(figure.description,
                    "Entropy is lowest in layer 3 (1.00 nats) and highest in layer 1 (1.20 nats), and not "
                    "finite in layer 2"))
      << figure.description;
  const Record record{.program = "", .arguments = {}, .texts = {}, .look = {}, .drawn = summary};
  const StoredRecord stored(to_json(record), "x.svg");
  const auto& back = std::get<Summary>(stored.record().drawn);
  EXPECT_TRUE(std::isnan(back.layers[1].entropy) && std::isnan(back.received[2]));
  EXPECT_EQ(back.layers[2].entropy, 1.0);
  EXPECT_TRUE(std::isinf(back.mean.weights.values[8]) && std::isnan(back.mean.weights.values[4]));
}

TEST(NotFinite, IsKeptInPagesAndHasNoLine) {
  const Spoiled map;
  const View view{.layers = {1},
                  .heads = {0},
                  .tokens = map.labels,
                  .weights = map.weights,
                  .title = "minilm",
                  .layer = 1,
                  .shown_heads = {0}};
  const Figure figure = view_figure(view, {}, measured);
  EXPECT_TRUE(find_text(figure, "5 weights are not finite and have no lines")) << to_text(figure);
  const Record record{.program = "", .arguments = {}, .texts = {}, .look = {}, .drawn = view};
  const StoredRecord stored(to_json(record, Packing::uint16), "x.html");
  EXPECT_TRUE(std::isnan(std::get<View>(stored.record().drawn).weights[5]));
}

TEST(NotFinite, IsNoPredictionLikeOthers) {
  const Map map(words(2));
  const std::vector<RecordedPrediction> predicted = {{"toxic", kNan}};
  EXPECT_EQ(prediction_note(predicted), "predicts “toxic” nan");
  const RecordedText text{.model = "m",
                          .sha256 = {},
                          .backend = "checkpoint",
                          .text = "t",
                          .tokens = {},
                          .ids = {},
                          .predicted = predicted};
  const Record record{.program = "", .arguments = {}, .texts = {text}, .look = {}, .drawn = map.heatmap};
  const StoredRecord stored(to_json(record), "x.svg");
  EXPECT_TRUE(std::isnan(stored.record().texts[0].predicted[0].value));
}

/// What a check of two maps with these numbers in their first cell finds.
CheckResult checked(float expected, float actual, const std::vector<std::string>& arguments) {
  Map before(words(2)), after(words(2));
  before.weights = {expected, 1, 0.5F, 0.5F};
  after.weights = {actual, 1, 0.5F, 0.5F};
  for (Map* const map : {&before, &after}) {
    map->heatmap.weights = {map->weights, 2};
    map->heatmap.quantity = kNorms;
  }
  const Record first{.program = "", .arguments = arguments, .texts = {}, .look = {}, .drawn = before.heatmap};
  const Record second{.program = "", .arguments = arguments, .texts = {}, .look = {}, .drawn = after.heatmap};
  return compare({first}, {second}, {});
}

TEST(NotFinite, AgreesWithItsLikeAlone) {
  const std::vector<std::string> allowed = {"render", "--allow-non-finite"};
  EXPECT_EQ(checked(kNan, kNan, allowed).status, CheckResult::Status::same);
  EXPECT_EQ(checked(kInfinity, kInfinity, allowed).status, CheckResult::Status::same);
  for (const auto& [expected, actual] : {std::pair(kNan, 1.0F),
                                         {1.0F, kNan},
                                         {kInfinity, 1.0F},
                                         {1.0F, kInfinity},
                                         {kInfinity, -kInfinity},
                                         {kInfinity, kNan}}) {
    const CheckResult result = checked(expected, actual, allowed);
    EXPECT_EQ(result.status, CheckResult::Status::different) << expected << " " << actual;
    ASSERT_FALSE(result.findings.empty());
    EXPECT_EQ(result.findings[0].step, CheckStep::numbers);
  }
}

TEST(NotFinite, BreaksAnInvariantUnlessItWasAllowed) {
  const CheckResult result = checked(kNan, kNan, {"render"});
  ASSERT_FALSE(result.findings.empty());
  EXPECT_EQ(result.findings[0].step, CheckStep::invariants);
  EXPECT_TRUE(holds(result.findings[0].message, "not a finite number")) << result.findings[0].message;
}

TEST(NotFinite, GoesThroughRolloutAndFlow) {
  Attention attention{.layers = {1, 2}, .heads = {0}, .queries = 2, .keys = 2, .weights = {1, 0, 0.5F, 0.5F}};
  attention.weights.insert(attention.weights.end(), {kNan, kNan, 0.5F, 0.5F});
  const std::vector<float> rolled = rollout(attention, 0).back();
  EXPECT_TRUE(std::isnan(rolled[0]) && std::isnan(rolled[1]) && std::isfinite(rolled[2]));
  EXPECT_TRUE(std::isnan(share_of_first({rolled, 2}, 1)));
  for (const float number : attention_flow(attention, 0)) EXPECT_TRUE(std::isnan(number));
  EXPECT_TRUE(std::isnan(head_mean(attention, 2)[0]));
  for (const HeadMetrics& metrics : head_metrics(attention, words(2)))
    EXPECT_EQ(std::isnan(metrics.entropy), metrics.layer == 2);
}

}  // namespace
}  // namespace attnviz
