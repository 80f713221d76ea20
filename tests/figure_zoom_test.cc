#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "attnviz/figure.h"
#include "support/figures.h"
#include "support/support.h"

namespace attnviz {
namespace {

using namespace test;

/// A map, pooled as --pool does, with a part of it beside it.
struct Pooled {
  Map map;
  std::vector<float> weights, part;
  std::vector<TokenLabel> labels;
  Heatmap heatmap;

  Pooled(std::vector<TokenLabel> tokens, const Pooling& pooling, bool causal = false)
      : map(std::move(tokens), causal),
        weights(pooled_weights(map.heatmap, pooling)),
        labels(pooled_labels(map.labels, pooling.by)),
        heatmap(map.heatmap) {
    heatmap.weights = {weights, labels.size()};
    heatmap.queries = heatmap.keys = labels;
    heatmap.pooling = pooling;
    if (pooling.by > 1) heatmap.notes = {pooling_note(heatmap, pooling)};
  }

  void zoom(std::size_t query, std::size_t queries, std::size_t key, std::size_t keys) {
    for (std::size_t row = query; row < query + queries; ++row) {
      for (std::size_t column = key; column < key + keys; ++column)
        part.push_back(map.heatmap.weights(row, column));
    }
    const std::span<const TokenLabel> all(map.labels);
    heatmap.zoom = Zoom{query, key, {part, keys}, all.subspan(query, queries), all.subspan(key, keys)};
  }
};

TEST(PooledWeights, AreTheLargestOrTheMeanOfWhatIsShown) {
  const std::vector<float> full = {.1F, .2F, .7F, .3F, .3F, .4F, 1, 0, 0},
                           causal = {1, 0, 0, .5F, .5F, 0, .2F, .2F, .6F},
                           windowed = {.1F, .9F, 0, .3F, .7F, 0, 0, .4F, .6F},
                           change = {-.5F, .2F, 0, 0, 0, 0, 0, 0, .1F};
  struct Case {
    std::string what;
    const std::vector<float>& weights;
    Pooling pooling;
    std::vector<float> expected;
  };
  for (const auto& [what, weights, pooling, expected] : {
           Case{"full", full, {2, Pool::max}, {.3F, .7F, 1, 0}},
           Case{"full", full, {2, Pool::mean}, {.225F, .55F, .5F, 0}},
           Case{"full", full, {3, Pool::mean}, {1.F / 3}},
           Case{"full", full, {9, Pool::max}, {1}},
           Case{"causal", causal, {2, Pool::mean}, {2.F / 3, 0, .2F, .6F}},
           Case{"windowed", windowed, {2, Pool::mean}, {.5F, 0, .4F, .6F}},
           Case{"change", change, {2, Pool::max}, {-.5F, 0, 0, .1F}},
       }) {
    const Heatmap map{.weights = {weights, 3}, .causal = what == "causal", .windowed = what == "windowed"};
    const std::vector<float> pooled = pooled_weights(map, pooling);
    ASSERT_EQ(pooled.size(), expected.size()) << what;
    for (std::size_t i = 0; i < pooled.size(); ++i) EXPECT_NEAR(pooled[i], expected[i], 1e-6) << what << i;
  }
}

TEST(PooledWeights, OfLayersKeepARowALayer) {
  const std::vector<float> weights = {.1F, .2F, .7F, .3F, .3F, .4F};
  const Heatmap map{.weights = {weights, 3}, .rows_are_layers = true};
  EXPECT_EQ(pooled_weights(map, {2, Pool::max}), (std::vector<float>{.2F, .7F, .3F, .4F}));
  EXPECT_EQ(pooling_note(map, {2, Pool::mean}), "each cell shows the mean of 2 weights");
}

TEST(HeadHeatmap, SaysThePositionsOfPooledTokens) {
  const Pooled pooled(words(64), {8, Pool::max});
  const Figure figure = head_heatmap(pooled.heatmap, {}, measured);
  EXPECT_TRUE(find_text(figure, "16 " + pooled.map.labels[16].whole()));
  EXPECT_TRUE(find_text(figure, "each cell shows the largest of 8 × 8 weights"));
  EXPECT_NE(figure.description.find(": 8 groups of 8 queries (rows, attending from) by 8 groups of 8 keys"),
            std::string::npos)
      << figure.description;
}

TEST(HeadHeatmap, LeavesWhatNoWindowHoldsBlank) {
  Map map(words(8));
  for (std::size_t i = 0; i < 64; ++i) map.weights[i] = std::abs(int(i / 8) - int(i % 8)) < 3 ? .2F : 0.F;
  map.heatmap.windowed = true;
  const Figure figure = head_heatmap(map.heatmap, {}, measured);
  EXPECT_TRUE(find_text(figure, "not computed"));
  EXPECT_EQ(items<Rectangle>(figure).size(), 34U + 128U);
  map.heatmap.causal = true;
  EXPECT_TRUE(find_text(head_heatmap(map.heatmap, {}, measured), "masked or not computed"));
}

TEST(HeadHeatmap, KeepsTextsApartBesideAZoom) {
  std::mt19937 random(7);
  for (int round = 0; round < 100; ++round) {
    const std::size_t tokens = 3 + random() % (round % 4 ? 60 : 500),
                      by = round % 3 == 0 ? 1 + tokens / 40 : 1;
    Pooled pooled(random_labels(random, tokens), {by, Pool::max}, round % 2 == 0);
    const auto some = [&](std::size_t first) {
      return 1 + random() % std::min<std::size_t>(tokens - first, 40);
    };
    const std::size_t query = random() % tokens, key = random() % (query + 1);
    pooled.zoom(query, some(query), key, some(key));
    const Look look{.theme = round % 5 ? Theme::light : Theme::dark};
    expect_readable(head_heatmap(pooled.heatmap, look, measured),
                    std::to_string(tokens) + " tokens, " +
                        std::to_string(pooled.heatmap.zoom->queries.size()) + " × " +
                        std::to_string(pooled.heatmap.zoom->keys.size()));
    if (HasFailure()) return;
  }
}

TEST(HeadHeatmap, LooksAsItDidBesideAZoom) {
  Pooled pooled(words(24), {4, Pool::mean}, true);
  pooled.zoom(9, 4, 6, 3);
  expect_golden("figure/zoom_dark.txt",
                without_bar_steps(head_heatmap(pooled.heatmap, {.theme = Theme::dark}, measured)));
}

}  // namespace
}  // namespace attnviz
