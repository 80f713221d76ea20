#include "attnviz/analysis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "support/support.h"

namespace attnviz {
namespace {

using test::error_of;

using Matrix = std::vector<float>;

/// One head a layer.
Attention layers_of(const std::vector<Matrix>& matrices, bool causal = false) {
  const auto tokens =
      static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(matrices[0].size()))));
  Attention attention{.layers = std::vector<int>(matrices.size()),
                      .heads = {0},
                      .queries = tokens,
                      .keys = tokens,
                      .causal = causal,
                      .weights = {},
                      .query = {},
                      .key = {}};
  std::iota(attention.layers.begin(), attention.layers.end(), 1);
  for (const Matrix& matrix : matrices) {
    attention.weights.insert(attention.weights.end(), matrix.begin(), matrix.end());
  }
  test::expect_valid(attention);
  return attention;
}

Matrix uniform(std::size_t tokens) { return Matrix(tokens * tokens, 1.0F / static_cast<float>(tokens)); }

Matrix causal_uniform(std::size_t tokens) {
  Matrix matrix(tokens * tokens);
  for (std::size_t row = 0; row < tokens; ++row) {
    for (std::size_t column = 0; column <= row; ++column) {
      matrix[row * tokens + column] = 1.0F / static_cast<float>(row + 1);
    }
  }
  return matrix;
}

/// Ones at `offset` from the diagonal; rows where that is outside attend to the nearest token inside.
Matrix shifted(std::size_t tokens, int offset) {
  Matrix matrix(tokens * tokens);
  for (std::size_t row = 0; row < tokens; ++row) {
    const int column = std::clamp(static_cast<int>(row) + offset, 0, static_cast<int>(tokens) - 1);
    matrix[row * tokens + static_cast<std::size_t>(column)] = 1;
  }
  return matrix;
}

/// Random rows that sum to 1; `zeros` of ten weights are exactly 0, as are those that a causal model masks.
Matrix random_matrix(std::size_t tokens, unsigned zeros, bool causal, std::mt19937& random) {
  Matrix matrix(tokens * tokens);
  for (std::size_t row = 0; row < tokens; ++row) {
    double sum = 0;
    for (std::size_t column = 0; column < (causal ? row + 1 : tokens); ++column) {
      const bool zero = random() % 10 < zeros && column != (causal ? 0 : (row + 1) % tokens);
      matrix[row * tokens + column] = zero ? 0 : static_cast<float>(random() % 1000 + 1);
      sum += matrix[row * tokens + column];
    }
    for (std::size_t column = 0; column < tokens; ++column) {
      matrix[row * tokens + column] = static_cast<float>(matrix[row * tokens + column] / sum);
    }
  }
  return matrix;
}

TokenLabel word(const std::string& text, const std::string& mark = {}) { return {mark, text, false}; }
TokenLabel special(const std::string& text) { return {"", text, true}; }

std::vector<TokenLabel> words(std::size_t count) { return std::vector<TokenLabel>(count, word("word")); }

std::vector<TokenLabel> short_sentence() {
  return {special("[CLS]"), word("cat"), word("."), special("[SEP]")};
}

HeadMetrics metrics_of(const Matrix& matrix, const std::vector<TokenLabel>& labels, bool causal = false) {
  return head_metrics(layers_of({matrix}, causal), labels).front();
}

TEST(HeadMetrics, OfMatricesThatCanBeCountedByHand) {
  const double log2 = std::log(2.0), log3 = std::log(3.0), log4 = std::log(4.0);
  struct Case {
    const char* name;
    Matrix matrix;
    bool causal;
    HeadMetrics expected;
  };
  for (const Case& c : {
           Case{"uniform",
                uniform(4),
                false,
                {.entropy = log4,
                .locality = (0.75 + 1 + 1 + 0.75) / 4,
                .first_token = 0.25,
                .diagonal = 1,
                .last_row_entropy = log4,
                .distance_score = (4 + 6 / 2.0 + 4 / 3.0 + 2 / 4.0) / 4 / 16,
                .punctuation = 0.25,
                .distance_score_per_row = (4 + 6 / 2.0 + 4 / 3.0 + 2 / 4.0) / 4 / 4,
                .previous = 0.25,
                .next = 0.25,
                .special = 0.5,
                .mean_distance = (6 * 1 + 4 * 2 + 2 * 3) / 4.0 / 4}},
           Case{"to itself",
                shifted(4, 0),
                false,
                {.entropy = 0,
                .locality = 1,
                .first_token = 0.25,
                .diagonal = 4,
                .last_row_entropy = 0,
                .distance_score = 0.25,
                .punctuation = 0.25,
                .distance_score_per_row = 1,
                .previous = 0,
                .next = 0,
                .special = 0.5,
                .mean_distance = 0}},
           Case{"to the one before",
                shifted(4, -1),
                true,
                {.entropy = 0,
                .locality = 1,
                .first_token = 0.5,
                .diagonal = 1,
                .last_row_entropy = 0,
                .distance_score = (1 + 3 / 2.0) / 16,
                .punctuation = 0.25,
                .distance_score_per_row = (1 + 3 / 2.0) / 4,
                .previous = 1,
                .next = 0,
                .special = 0.5,
                .mean_distance = 0.75}},
           Case{"to the last",
                shifted(4, 3),
                false,
                {.entropy = 0,
                .locality = 0.75,
                .first_token = 0,
                .diagonal = 1,
                .last_row_entropy = 0,
                .distance_score = (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0) / 16,
                .punctuation = 0,
                .distance_score_per_row = (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0) / 4,
                .previous = 0,
                .next = 1 / 3.0,
                .special = 1,
                .mean_distance = 1.5}},
           Case{"uniform among what a causal model sees",
                causal_uniform(4),
                true,
                {.entropy = (0 + log2 + log3 + log4) / 4,
                .locality = (3 + 0.75) / 4,
                .first_token = (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0) / 4,
                .diagonal = 1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0,
                .last_row_entropy = log4,
                .distance_score = (1 + (1 + 1 / 2.0) / 2 + (1 + 1 / 2.0 + 1 / 3.0) / 3 +
                                   (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0) / 4) /
                                  16,
                .punctuation = (1 / 3.0 + 1 / 4.0) / 4,
                .distance_score_per_row = (1 + (1 + 1 / 2.0) / 2 + (1 + 1 / 2.0 + 1 / 3.0) / 3 +
                                           (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0) / 4) /
                                          4,
                .previous = (1 / 2.0 + 1 / 3.0 + 1 / 4.0) / 3,
                .next = 0,
                .special = (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0 + 1 / 4.0) / 4,
                .mean_distance = (0.5 + 1 + 1.5) / 4}},
       }) {
    const HeadMetrics found = metrics_of(c.matrix, short_sentence(), c.causal);
    for (const auto& [name, member] : std::initializer_list<std::pair<const char*, double HeadMetrics::*>>{
             {"entropy", &HeadMetrics::entropy},
             {"locality", &HeadMetrics::locality},
             {"first_token", &HeadMetrics::first_token},
             {"diagonal", &HeadMetrics::diagonal},
             {"last_row_entropy", &HeadMetrics::last_row_entropy},
             {"distance_score", &HeadMetrics::distance_score},
             {"punctuation", &HeadMetrics::punctuation},
             {"distance_score_per_row", &HeadMetrics::distance_score_per_row},
             {"previous", &HeadMetrics::previous},
             {"next", &HeadMetrics::next},
             {"special", &HeadMetrics::special},
             {"mean_distance", &HeadMetrics::mean_distance}}) {
      EXPECT_NEAR(found.*member, c.expected.*member, 1e-7) << c.name << ": " << name;
    }
    EXPECT_GE(found.entropy, 0) << c.name;
  }
}

TEST(HeadMetrics, OfOneTokenAreThoseOfATokenThatSeesItself) {
  const HeadMetrics found = metrics_of({1}, {word("Hello")}, true);
  EXPECT_EQ(found.entropy, 0);
  EXPECT_EQ(found.last_row_entropy, 0);
  for (const double one : {found.locality, found.first_token, found.diagonal, found.distance_score,
                           found.distance_score_per_row}) {
    EXPECT_EQ(one, 1);
  }
  for (const double none :
       {found.punctuation, found.previous, found.next, found.special, found.mean_distance}) {
    EXPECT_EQ(none, 0);
  }
}

TEST(HeadMetrics, ComeInTheAttentionsOrder) {
  Attention attention = layers_of({uniform(2), shifted(2, 0), shifted(2, -1), shifted(2, 1)});
  attention.layers = {6, 2};
  attention.heads = {11, 0};
  const std::vector<HeadMetrics> all = head_metrics(attention, words(2));
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].layer, 6);
  EXPECT_EQ(all[0].head, 11);
  EXPECT_EQ(all[0].diagonal, 1);
  EXPECT_EQ(all[1].head, 0);
  EXPECT_EQ(all[1].diagonal, 2);
  EXPECT_EQ(all[2].layer, 2);
  EXPECT_EQ(all[2].first_token, 1);
  EXPECT_EQ(all[3].first_token, 0);
}

TEST(HeadMetrics, KnowPunctuationByItsTextAlone) {
  const Matrix matrix = {0.5F, 0.25F, 0.25F, 0.5F, 0.25F, 0.25F, 0.5F, 0.25F, 0.25F};
  struct Case {
    TokenLabel label;
    double expected;
  };
  for (const Case& c : {Case{word("."), 0.5},
                        {word(","), 0.5},
                        {word("!"), 0.5},
                        {word("?"), 0.5},
                        {word(";"), 0.5},
                        {word(":"), 0.5},
                        {word(".", "␣"), 0.5},
                        {word("..."), 0},
                        {word("-"), 0},
                        {word(""), 0},
                        {special("[SEP]"), 0}}) {
    EXPECT_NEAR(metrics_of(matrix, {c.label, word("cat"), word("sat")}).punctuation, c.expected, 1e-7)
        << c.label.whole();
  }
  EXPECT_NEAR(metrics_of(matrix, {word("."), word("!"), word("sat")}).punctuation, 0.375, 1e-7);
}

TEST(HeadMetrics, TakeRowsThatSumToLessAsTheyAre) {
  Attention attention = layers_of({uniform(2)});
  attention.weights = {0.25F, 0.25F, 0, 0};
  const HeadMetrics found = head_metrics(attention, words(2)).front();
  EXPECT_NEAR(found.entropy, 0.25 * std::log(4), 1e-9);
  EXPECT_EQ(found.last_row_entropy, 0);
  EXPECT_EQ(found.locality, 0.25);
}

TEST(LabelsOf, AreThoseWhoseThresholdIsExceeded) {
  struct Case {
    HeadMetrics metrics;
    std::vector<std::string> expected;
  };
  for (const Case& c : {
           Case{{}, {}},
           Case{{.entropy = 2.0,
           .locality = 0.7,
           .first_token = 0.3,
           .distance_score = 0.15,
           .punctuation = 0.2},
                {}},
           Case{{.entropy = 2.1,
           .locality = 0.8,
           .first_token = 0.4,
           .distance_score = 0.2,
           .punctuation = 0.3},
                {"global", "local", "special_token", "positional", "delimiter"}},
           Case{{.diagonal = 9, .last_row_entropy = 9, .special = 1}, {}},
           Case{{.first_token = 0.31}, {"special_token"}},
       }) {
    EXPECT_EQ(labels_of(c.metrics, {}), c.expected);
  }
  EXPECT_EQ(labels_of({.entropy = 1.5}, {.global = 1}), std::vector<std::string>{"global"});
}

TEST(LayerMetrics, AreMeansOverTheHeads) {
  Attention attention = layers_of({uniform(4), shifted(4, 0), shifted(4, 1), shifted(4, -1)});
  attention.layers = {3, 5};
  attention.heads = {0, 1};
  const std::vector<LayerMetrics> layers = layer_metrics(attention);
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[1].layer, 5);
  EXPECT_NEAR(layers[0].mean_weight, 0.25, 1e-9);
  EXPECT_NEAR(layers[0].entropy, std::log(4) / 2, 1e-7);
  EXPECT_NEAR(layers[1].mean_weight, 0.25, 1e-9);
  EXPECT_EQ(layers[1].entropy, 0);
}

TEST(UniformEntropy, IsWhatUniformAttentionHas) {
  EXPECT_EQ(uniform_entropy(0, false), 0);
  EXPECT_EQ(uniform_entropy(1, true), 0);
  for (const std::size_t tokens : {1, 2, 3, 13, 64}) {
    EXPECT_NEAR(metrics_of(uniform(tokens), words(tokens)).entropy, uniform_entropy(tokens, false), 1e-6);
    EXPECT_NEAR(metrics_of(causal_uniform(tokens), words(tokens), true).entropy,
                uniform_entropy(tokens, true), 1e-6);
  }
}

TEST(Received, IsTheColumnSumsOfTheMean) {
  const Attention attention = layers_of({shifted(3, -1), shifted(3, 0)});
  EXPECT_EQ(overall_mean(attention), (Matrix{1, 0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5}));
  EXPECT_EQ(received(attention), (std::vector<double>{1.5, 1, 0.5}));
  Attention narrow = attention;  // one query, as where only some rows are of interest
  narrow.queries = 1;
  narrow.weights = {0.5F, 0.5F, 0, 0, 0, 1};
  EXPECT_EQ(received(narrow), (std::vector<double>{0.25, 0.25, 0.5}));
  EXPECT_NEAR(layer_metrics(narrow)[0].mean_weight, 1 / 3.0, 1e-9);
}

TEST(Connections, AreStrongestFirstAndOfTheFirstKindThatFits) {
  const std::vector<TokenLabel> labels = {special("[CLS]"), word("The", "␣"), word("cat"), word("a", "##"),
                                          special("[SEP]")};
  const Matrix weights = {0.9F, 0.1F,  0,     0, 0,      // to itself; exactly the threshold
                          0,    0.3F,  0.2F,  0, 0.5F,   // neighbours; a special end
                          0.2F, 0,     0.6F,  0, 0.2F,   // special ends
                          0,    0.75F, 0.25F, 0, 0,      // "##a" is no article; neighbours
                          0,    0.11F, 0.89F, 0, 0.0F};  // special query
  struct Expected {
    std::size_t from, to;
    float weight;
    const char* kind;
  };
  const std::vector<Expected> expected = {{4, 2, 0.89F, "special"},   {3, 1, 0.75F, "semantic"},
                                          {1, 4, 0.5F, "special"},    {3, 2, 0.25F, "positional"},
                                          {1, 2, 0.2F, "positional"}, {2, 0, 0.2F, "special"},
                                          {2, 4, 0.2F, "special"},    {4, 1, 0.11F, "special"}};
  const std::vector<Connection> found = connections({weights, 5}, labels, 0.1);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].from, expected[i].from) << i;
    EXPECT_EQ(found[i].to, expected[i].to) << i;
    EXPECT_EQ(found[i].weight, expected[i].weight) << i;
    EXPECT_EQ(name_of(found[i].kind), expected[i].kind) << i;
  }
}

TEST(Connections, AreSyntacticFromAnArticle) {
  for (const auto& [text, kind] :
       std::vector<std::pair<std::string, ConnectionKind>>{{"the", ConnectionKind::syntactic},
                                                           {"THE", ConnectionKind::syntactic},
                                                           {"An", ConnectionKind::syntactic},
                                                           {"a", ConnectionKind::syntactic},
                                                           {"them", ConnectionKind::semantic},
                                                           {"", ConnectionKind::semantic}}) {
    const Matrix weights = {0, 0, 1, 0, 1, 0, 1, 0, 0};
    const std::vector<TokenLabel> labels = {word(text), word("cat"), word("dog")};
    const std::vector<Connection> found = connections({weights, 3}, labels, 0.1);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].kind, kind) << text;
    EXPECT_EQ(found[1].kind, ConnectionKind::semantic) << text;
  }
}

TEST(Rollout, MultipliesHalfOfAttentionAndHalfOfIdentity) {
  const std::vector<std::vector<float>> rolled = rollout(layers_of({uniform(2), {1, 0, 1, 0}}));
  ASSERT_EQ(rolled.size(), 2U);
  EXPECT_EQ(rolled[0], (Matrix{0.75F, 0.25F, 0.25F, 0.75F}));
  EXPECT_EQ(rolled[1], (Matrix{0.75F, 0.25F, 0.5F, 0.5F}));
}

TEST(Rollout, OfOneHeadOrOfTheMean) {
  Attention attention = layers_of({{1, 0, 1, 0}, {0, 1, 0, 1}});
  attention.layers = {1};
  attention.heads = {0, 7};
  EXPECT_EQ(rollout(attention, 0)[0], (Matrix{1, 0, 0.5F, 0.5F}));
  EXPECT_EQ(rollout(attention, 7)[0], (Matrix{0.5F, 0.5F, 0, 1}));
  EXPECT_EQ(rollout(attention)[0], (Matrix{0.75F, 0.25F, 0.25F, 0.75F}));
}

TEST(Rollout, HasRowsThatSumToOne) {
  std::mt19937 random(1);
  for (const bool causal : {false, true}) {
    for (const std::size_t tokens : {1, 2, 7, 30}) {
      std::vector<Matrix> matrices;
      for (int layer = 0; layer < 6; ++layer) matrices.push_back(random_matrix(tokens, 3, causal, random));
      Attention attention = layers_of(matrices, causal);
      for (float& weight : attention.weights) weight *= 0.75F;  // as where tokens were left out
      for (const std::vector<float>& map : rollout(attention)) {
        Attention one = layers_of({map}, causal);  // rows that sum to 1, nothing above a causal diagonal
        EXPECT_EQ(one.weights.size(), tokens * tokens);
      }
    }
  }
}

TEST(Rollout, OfACausalModelPilesUpOnTheFirstTokens) {
  const std::vector<std::vector<float>> rolled = rollout(layers_of(std::vector(6, causal_uniform(10)), true));
  double before = 0;
  for (const std::vector<float>& map : rolled) {
    const double share = share_of_first({map, 10});
    EXPECT_GT(share, before);
    before = share;
  }
  EXPECT_GT(before, 0.5);
  EXPECT_NEAR(share_of_first({uniform(4), 4}, 3), 0.75, 1e-7);
  EXPECT_EQ(share_of_first({}), 0);
}

/// The least capacity of all edges that a cut of every subset of inner tokens crosses: by the theorem of Ford
/// and Fulkerson, the maximum flow.
double least_cut(const Attention& attention, std::size_t from, std::size_t to) {
  const std::size_t tokens = attention.keys, depth = attention.layers.size(), inner = (depth - 1) * tokens;
  double least = 2;
  for (std::size_t chosen = 0; chosen < std::size_t{1} << inner; ++chosen) {
    const auto on_the_sources_side = [&](std::size_t level, std::size_t token) {
      if (level == depth) return token == from;
      return level == 0 ? token != to : (chosen >> ((level - 1) * tokens + token) & 1) != 0;
    };
    double cut = 0;
    for (std::size_t level = 1; level <= depth; ++level) {
      const MatrixView matrix = attention.at(static_cast<int>(level), 0);
      for (std::size_t upper = 0; upper < tokens; ++upper) {
        for (std::size_t lower = 0; lower < tokens; ++lower) {
          if (on_the_sources_side(level, upper) && !on_the_sources_side(level - 1, lower))
            cut += 0.5 * matrix(upper, lower) + (upper == lower ? 0.5 : 0);
        }
      }
    }
    least = std::min(least, cut);
  }
  return least;
}

TEST(AttentionFlow, IsTheLeastCut) {
  std::mt19937 random(2);
  for (unsigned round = 0; round < 160; ++round) {
    const std::size_t tokens = 2 + round / 4 % 2;
    const bool causal = round / 8 % 2 == 1;
    std::vector<Matrix> matrices;
    for (unsigned layer = 0; layer <= round % 4; ++layer) {
      matrices.push_back(random_matrix(tokens, round / 16, causal, random));
    }
    const Attention attention = layers_of(matrices, causal);
    const std::vector<float> flow = attention_flow(attention);
    ASSERT_EQ(flow.size(), tokens * tokens);
    for (std::size_t i = 0; i < flow.size(); ++i) {
      EXPECT_NEAR(flow[i], least_cut(attention, i / tokens, i % tokens), 1e-6) << round << " " << i;
    }
  }
}

TEST(AttentionFlow, OfHeadsThatLookAtThemselvesStaysInPlace) {
  for (const std::size_t tokens : {std::size_t{1}, std::size_t{5}, kMostFlowTokens}) {
    EXPECT_EQ(attention_flow(layers_of(std::vector(3, shifted(tokens, 0)))), shifted(tokens, 0));
  }
}

TEST(Analysis, RefusesByName) {
  const Attention attention = layers_of({uniform(3), uniform(3)});
  Attention wide = attention;
  wide.queries = 1;
  wide.weights.resize(6);
  Attention cut = attention;
  cut.weights.pop_back();
  Attention upper = attention;
  upper.layers = {2, 3};
  Attention turned = attention;
  turned.layers = {1, 3};
  const Attention long_one = layers_of({uniform(65)});
  const std::string square =
      "attention: not square, expected as many keys as queries, got 1 queries and 3 keys";
  const std::string empty = "attention: empty, expected at least one layer, head and token";
  const std::string short_of = "attention: wrong number of weights, expected 18, got 17";
  const std::string labels = "labels: expected one for each of 3 tokens, got 2";
  struct Case {
    std::string found, expected;
  };
  for (const Case& c : {
           Case{error_of([&] { std::ignore = head_metrics(attention, words(2)); }), labels},
           Case{error_of([&] { std::ignore = head_metrics(wide, words(3)); }), square},
           Case{error_of([&] { std::ignore = head_metrics(cut, words(3)); }), short_of},
           Case{error_of([&] { std::ignore = head_metrics({}, {}); }), empty},
           Case{error_of([&] { std::ignore = layer_metrics({}); }), empty},
           Case{error_of([&] { std::ignore = layer_metrics(cut); }), short_of},
           Case{error_of([&] { std::ignore = received(cut); }), short_of},
           Case{error_of([&] { std::ignore = connections(attention.at(1, 0), words(2), 0.1); }), labels},
           Case{error_of([&] { std::ignore = connections(wide.at(1, 0), words(3), 0.1); }),
                "connections: expected a square matrix, got 3 weights in 3 columns"},
           Case{error_of([&] { std::ignore = rollout(wide); }), square},
           Case{error_of([&] { std::ignore = rollout(upper); }),
                "layers: expected all of them from 1 on, got 2 in place of 1"},
           Case{error_of([&] { std::ignore = rollout(turned); }),
                "layers: expected all of them from 1 on, got 3 in place of 2"},
           Case{error_of([&] { std::ignore = rollout(attention, 4); }),
                "head 4: not taken from the model, expected one of 0"},
           Case{error_of([&] { std::ignore = attention_flow(upper); }),
                "layers: expected all of them from 1 on, got 2 in place of 1"},
           Case{error_of([&] { std::ignore = attention_flow(long_one); }),
                "attention flow: takes at most 64 tokens, got 65\n  hint: rollout takes any number"},
       }) {
    EXPECT_EQ(c.found, c.expected);
  }
}

}  // namespace
}  // namespace attnviz
