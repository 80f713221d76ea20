#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "attnviz/figure.h"
#include "support/figures.h"
#include "support/support.h"

namespace attnviz {
namespace {

using test::error_of;
using test::expect_golden;
using test::expect_readable;
using test::find_text;
using test::items;
using test::Map;
using test::measured;
using test::random_labels;
using test::without_bar_steps;
using test::words;

/// A map as the mean, what its tokens receive, and layers.
struct Whole {
  Map map;
  std::vector<double> received;
  Summary summary;

  explicit Whole(std::vector<TokenLabel> tokens, int layers = 6, bool causal = false, unsigned seed = 1)
      : map(std::move(tokens), causal, seed), received(map.labels.size(), 0) {
    const std::size_t n = received.size();
    for (std::size_t i = 0; i < map.weights.size(); ++i) received[i % n] += map.weights[i];
    for (std::size_t i = 1; i <= n; ++i) {
      const double entropy = std::log(static_cast<double>(causal ? i : n));
      summary.uniform_entropy += entropy / static_cast<double>(n);
    }
    std::mt19937 random(seed);
    for (int layer = 1; layer <= layers; ++layer) {
      const double share = static_cast<double>(random() % 1000) / 1000;
      // As sums of floats give it: 1/n but for noise.
      const double noise = 1e-9 * static_cast<double>(random() % 10);
      summary.layers.push_back({layer, 1 / static_cast<double>(n) + noise, share * summary.uniform_entropy});
    }
    summary.mean = map.heatmap;
    summary.mean.title = "minilm · Summary";
    summary.received = received;
  }
};

Color bar_color(const Figure& figure) { return items<Rectangle>(figure).back().fill; }

/// The rectangles at the left edge of the panel with the bars: the layers' points are of the same colour.
std::vector<Rectangle> bars(const Figure& figure) {
  const double left = find_text(figure, "Attention received by each token")->x;
  std::vector<Rectangle> found;
  for (const Rectangle& r : items<Rectangle>(figure)) {
    if (std::abs(r.x - left) < 1e-6) found.push_back(r);
  }
  return found;
}

/// The y of the points of a chart, by layer: those between its title and the next panel's.
std::vector<double> points_below(const Figure& figure, const char* title) {
  const Text& name = *find_text(figure, title);
  const double left = name.x, top = name.y;
  const double bottom = find_text(figure, "Mean over all layers and heads")->y;
  const double right = left + (left < find_text(figure, "Entropy by layer (nats)")->x ? 300 : 1000);
  std::vector<double> found;
  for (const Rectangle& r : items<Rectangle>(figure)) {
    if (r.y > top && r.y < bottom && r.x > left && r.x < right) found.push_back(r.y + r.height / 2);
  }
  return found;
}

std::size_t random_count(std::mt19937& random, int round) {
  return round < 60 ? 1 + static_cast<std::size_t>(round) : 1 + random() % (round % 10 ? 60 : 512);
}

/// Numbers and words as they may be: sinks, entropies as high as the uniform's and as low as 0, weight left
/// out.
void scramble(Whole& whole, std::mt19937& random, int round) {
  const std::size_t count = whole.received.size();
  for (std::size_t sink = random() % 5; sink > 0; --sink)
    whole.received[random() % count] += static_cast<double>(random() % 100);
  for (LayerMetrics& layer : whole.summary.layers) {
    if (round % 4 == 0) layer.entropy = whole.summary.uniform_entropy * (1 - 0.02 * (random() % 3));
    if (round % 4 == 1) layer.entropy = random() % 2 ? 0 : whole.summary.uniform_entropy;
    if (round % 5 == 0) layer.mean_weight *= static_cast<double>(random() % 100) / 100;
  }
  Heatmap& mean = whole.summary.mean;
  mean.title = round % 7 ? "minilm · Summary" : std::string(40, 'M');
  mean.subtitle = round % 5 ? std::string(random() % 300, 'x') : "";
  if (round % 3 == 0) mean.notes = {"cut to 512 tokens", std::string(200, 'n') + " and some more words"};
}

TEST(SummaryFigure, KeepsTextsApartAndOnThePageForAnyTokensAndLayers) {
  std::mt19937 random(20260102);
  for (int round = 0; round < 300; ++round) {
    Whole whole(random_labels(random, random_count(random, round)), 1 + static_cast<int>(random() % 24),
                random() % 2 == 0, static_cast<unsigned>(round));
    scramble(whole, random, round);
    const Look look{.annotate = static_cast<Annotate>(random() % 3),
                    .theme = static_cast<Theme>(random() % 2)};
    expect_readable(summary_figure(whole.summary, look, measured),
                    "round " + std::to_string(round) + ", " + std::to_string(whole.received.size()) +
                        " tokens, " + std::to_string(whole.summary.layers.size()) + " layers");
    if (HasFailure()) return;
  }
}

TEST(SummaryFigure, KeepsNoiseFlatAndNamesTheFraction) {
  const Whole whole(words(13), 12);
  const Figure figure = summary_figure(whole.summary, {}, measured);
  EXPECT_TRUE(find_text(figure, "1/13 = 0.0769"));
  const std::vector<double> points = points_below(figure, "Mean weight by layer");
  ASSERT_EQ(points.size(), 12U);
  for (const double y : points) EXPECT_NEAR(y, points.front(), 1e-3);
}

TEST(SummaryFigure, WritesTheLowestAndTheHighestNumberOfALayer) {
  Whole whole(words(13), 3);
  const double entropies[] = {1.5, 2.25, 0.75}, weights[] = {0.05, 0.07, 0.06};
  for (std::size_t i = 0; i < 3; ++i)
    whole.summary.layers[i] = {static_cast<int>(i) + 1, weights[i], entropies[i]};
  const Figure figure = summary_figure(whole.summary, {}, measured);
  for (const char* number : {"2.25", "0.75", "0.0700", "0.0500", "uniform 2.56"})
    EXPECT_TRUE(find_text(figure, number)) << number;
  EXPECT_FALSE(find_text(figure, "1.50"));
  const std::vector<double> points = points_below(figure, "Entropy by layer (nats)");
  ASSERT_EQ(points.size(), 3U);
  // From 0 up: twice the entropy lies as far above the first as that above the last.
  EXPECT_NEAR(points[0] - points[1], points[2] - points[0], 1e-6);
}

TEST(SummaryFigure, OrdersTheLayersAndThinsTheirNumbers) {
  struct Case {
    int layers;
    std::string shown;
  };
  for (const auto& [layers, shown] :
       {Case{1, "1"}, Case{6, "1 2 3 4 5 6"}, Case{24, "2 4 6 8 10 12 14 16 18 20 22 24"},
        Case{96, "1 10 20 30 40 50 60 70 80 90"}}) {
    Whole whole(words(13), layers);
    std::reverse(whole.summary.layers.begin(), whole.summary.layers.end());
    const Figure figure = summary_figure(whole.summary, {}, measured);
    const double left = find_text(figure, "Entropy by layer (nats)")->x;
    const double below = find_text(figure, "Layer")->y - 15;
    std::vector<std::pair<double, std::string>> found;
    for (const Text& text : items<Text>(figure)) {
      if (text.x >= left && text.y > below && text.y < below + 10) found.emplace_back(text.x, text.text);
    }
    std::sort(found.begin(), found.end());
    std::string numbers;
    for (const auto& [x, text] : found) {
      if (text != "0") numbers += (numbers.empty() ? "" : " ") + text;
    }
    EXPECT_EQ(numbers, shown);
  }
}

TEST(SummaryFigure, DrawsBarsAsLongAsTheyAreAndBesideTheMapsRows) {
  const Whole whole(words(13));
  const Figure figure = summary_figure(whole.summary, {.annotate = Annotate::never}, measured);
  const std::vector<Rectangle> found = bars(figure);
  ASSERT_EQ(found.size(), 13U);
  const std::vector<Rectangle> cells = items<Rectangle>(figure);
  for (std::size_t i = 0; i < 13; ++i) {
    EXPECT_NEAR(found[i].width / found[0].width, whole.received[i] / whole.received[0], 1e-9);
    EXPECT_NEAR(found[i].y + found[i].height / 2, cells[i * 13].y + cells[i * 13].height / 2, 0.5);
  }
  EXPECT_TRUE(find_text(figure, "uniform 1.00"));
}

TEST(SummaryFigure, CutsTheBarsOfAFewSinksSoThatTheOthersCanBeRead) {
  Whole whole(words(40));
  std::fill(whole.received.begin(), whole.received.end(), 0.5);
  whole.received[0] = 20.5;
  const Figure figure = summary_figure(whole.summary, {}, measured);
  const std::vector<Rectangle> found = bars(figure);
  EXPECT_GT(found[1].width / found[0].width, 0.3);
  EXPECT_TRUE(find_text(figure, "20.50"));
  whole.received[0] = 3;
  const std::vector<Rectangle> whole_bars = bars(summary_figure(whole.summary, {}, measured));
  EXPECT_NEAR(whole_bars[0].width / whole_bars[1].width, 6, 1e-6);
}

TEST(SummaryFigure, ComparesACausalTokenWithWhatItsPlaceGivesIt) {
  const Whole whole({{"", "a", false}, {"", "b", false}}, 6, true);
  const Figure figure = summary_figure(whole.summary, {}, measured);
  const double left = bars(figure).front().x, one = bars(figure)[1].width / whole.received[1];
  std::vector<double> found;  // upright lines through a row's whole height
  for (const Line& line : items<Line>(figure)) {
    if (line.x1 == line.x2 && line.x1 > left && line.y2 - line.y1 > 30)
      found.push_back((line.x1 - left) / one);
  }
  ASSERT_EQ(found.size(), 2U);
  EXPECT_NEAR(found[0], 1.5, 1e-6);  // all of the first row, half of the second
  EXPECT_NEAR(found[1], 0.5, 1e-6);
  EXPECT_TRUE(find_text(figure, "uniform"));
}

TEST(SummaryFigure, SuitsAPaper) {
  const Figure sentence = summary_figure(Whole(words(16), 12).summary, {}, measured);
  EXPECT_LE(sentence.width, 8.5 * 72);
  EXPECT_LE(sentence.height, sentence.width);
  EXPECT_LE(summary_figure(Whole(words(512), 24).summary, {}, measured).width, 11 * 72);
}

TEST(SummaryFigure, DrawsItsNumbersInAColorThatStandsOutFromThePage) {
  for (const std::string& name : ColorMap::names()) {
    for (const Theme theme : {Theme::light, Theme::dark}) {
      const Figure figure =
          summary_figure(Whole(words(5)).summary, {.colors = ColorMap(name), .theme = theme}, measured);
      EXPECT_GE(test::contrast(bar_color(figure), figure.background), 3) << name;
    }
  }
}

TEST(SummaryFigure, SaysInWordsWhatItShows) {
  const std::vector<float> weights = {0.1F, 0.7F, 0.2F, 0.8F, 0.1F, 0.1F, 0.3F, 0.4F, 0.3F};
  const std::vector<double> received = {1.2, 1.2, 0.6};
  const std::vector<TokenLabel> labels = {{"", "a", false}, {"", "b", false}, {"##", "c", false}};
  Summary summary{{{1, 1.0 / 3, 0.9}, {2, 1.0 / 3, 0.25}, {3, 1.0 / 3, 0.5}}, std::log(3), {}, received};
  summary.mean = {.weights = {weights, 3},
                  .queries = labels,
                  .keys = labels,
                  .title = "m",
                  .subtitle = "a bc",
                  .notes = {"cut to 3 tokens"}};
  EXPECT_EQ(
      summary_figure(summary, {}, measured).description,
      "Summary of attention, m: 3 layers. Mean weight is 0.333 in every layer. Entropy is lowest in layer "
      "2 (0.25 nats) and highest in layer 1 (0.90 nats); evenly spread attention would have 1.10 nats. "
      "Heatmap of attention weights, mean over all layers and heads: 3 queries (rows, attending from) by "
      "3 keys (columns, attending to), colours from 0.00 to 0.80. Text: a bc. Strongest links off the "
      "diagonal: “b” (1) to “a” (0) 0.80, “a” (0) to “b” (1) 0.70, “##c” (2) to “b” (1) 0.40. The key "
      "that receives most is “a” (0), with 40 % of all weight. The most concentrated row is “b” (1), with "
      "0.80 on “a” (0). Note: cut to 3 tokens.");
}

TEST(SummaryFigure, SaysTheSameNumberInTheSameDigits) {
  Whole whole(words(10), 2);
  whole.summary.layers = {{1, 0.1, 1}, {2, 0.0999999, 1}};
  EXPECT_NE(
      summary_figure(whole.summary, {}, measured).description.find("Mean weight is 0.100 in every layer."),
      std::string::npos);
}

TEST(SummaryFigure, RefusesWhatDoesNotMatch) {
  Whole whole(words(3));
  const auto refusal = [&] { return error_of([&] { (void)summary_figure(whole.summary, {}, measured); }); };
  whole.summary.received = whole.summary.received.first(2);
  EXPECT_EQ(refusal(), "summary: attention received does not match the map, expected 3 numbers, got 2");
  whole.summary.layers.clear();
  EXPECT_EQ(refusal(), "summary: no layers, expected at least one");
  whole.summary.mean.keys = whole.summary.mean.keys.first(2);
  EXPECT_EQ(refusal(),
            "heatmap: labels do not match the weights, expected 3 queries and 3 keys, got 3 and 2");
}

TEST(SummaryFigure, LooksAsItDid) {
  const Whole sentence({{"", "[CLS]", true},
                        {"", "the", false},
                        {"", "bank", false},
                        {"##", "s", false},
                        {"", "[SEP]", true}});
  expect_golden("figure/summary.txt", without_bar_steps(summary_figure(sentence.summary, {}, measured)));
  Whole causal({{"", "The", false}, {"␣", "bank", false}, {"␣", "can", false}, {"", ".", false}}, 24, true);
  causal.summary.mean.notes = {"special tokens hidden"};
  expect_golden("figure/summary_causal_dark.txt",
                without_bar_steps(summary_figure(causal.summary, {.theme = Theme::dark}, measured)));
}

}  // namespace
}  // namespace attnviz
