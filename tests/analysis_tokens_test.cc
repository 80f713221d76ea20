#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "attnviz/analysis.h"
#include "support/support.h"

namespace attnviz::test {
namespace {

using Groups = std::vector<TokenGroup>;

/// One head of as many tokens as the weights are the square of.
Attention one_head(std::size_t tokens, std::vector<float> weights, bool causal = false) {
  Attention attention;
  attention.layers = {3};
  attention.heads = {5};
  attention.queries = attention.keys = tokens;
  attention.causal = causal;
  attention.weights = std::move(weights);
  return attention;
}

Attention random_attention(std::size_t tokens, bool causal, unsigned seed) {
  std::mt19937 random(seed);
  Attention attention = one_head(tokens, {}, causal);
  attention.layers = {1, 4};
  attention.heads = {0, 2, 7};
  for (std::size_t row = 0; row < 6 * tokens; ++row) {
    std::vector<double> weights(tokens);
    const std::size_t seen = causal ? row % tokens + 1 : tokens;
    for (std::size_t key = 0; key < seen; ++key) weights[key] = 1 + static_cast<double>(random() % 1000);
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (const double weight : weights) attention.weights.push_back(static_cast<float>(weight / sum));
  }
  return attention;
}

/// Groups of one to four tokens; with gaps, some tokens are in none.
Groups random_groups(std::size_t tokens, bool gaps, unsigned seed) {
  std::mt19937 random(seed);
  Groups groups;
  for (std::size_t next = 0; next < tokens;) {
    const std::size_t count = std::min<std::size_t>(1 + random() % 4, tokens - next);
    if (!gaps || random() % 3 != 0) groups.push_back({next, count});
    next += count;
  }
  return groups;
}

TEST(MergeTokens, SumsOverKeysAndAveragesOverQueries) {
  const Attention attention = one_head(3, {0.5F, 0.25F, 0.25F,    //
                                           0.125F, 0.5F, 0.375F,  //
                                           0.0F, 0.25F, 0.75F});
  const Attention merged = merge_tokens(attention, Groups{{0, 1}, {1, 2}});
  EXPECT_EQ(merged.weights, (std::vector<float>{0.5F, 0.5F, 0.0625F, 0.9375F}));
  EXPECT_EQ(merged.queries, 2U);
  EXPECT_EQ(merged.keys, 2U);
  EXPECT_EQ(merged.layers, attention.layers);
  EXPECT_EQ(merged.heads, attention.heads);
  expect_valid(merged);
}

TEST(MergeTokens, TakesTheTokensOfATargetAndOfItsSourceApart) {
  Attention attention = one_head(2, {0.5F, 0.25F, 0.25F, 0.0F, 0.125F, 0.5F, 0.125F, 0.25F});
  attention.keys = 4;
  const Attention merged = merge_tokens(attention, Groups{{0, 2}}, Groups{{0, 1}, {1, 3}});
  EXPECT_EQ(merged.weights, (std::vector<float>{0.3125F, 0.6875F}));
  EXPECT_EQ(merged.queries, 1U);
  EXPECT_EQ(merged.keys, 2U);
  EXPECT_EQ(error_of([&] {
              (void)merge_tokens(attention, Groups{{0, 1}});
            }),
            "attention: not square, expected as many keys as queries, got 2 queries and 4 keys");
}

TEST(MergeTokens, LeavesOutTokensOfNoGroup) {
  const Attention attention = one_head(3, {0.5F, 0.25F, 0.25F, 0.125F, 0.5F, 0.375F, 0.0F, 0.25F, 0.75F});
  EXPECT_EQ(merge_tokens(attention, Groups{{0, 1}, {2, 1}}).weights,
            (std::vector<float>{0.5F, 0.25F, 0.0F, 0.75F}));
  EXPECT_EQ(merge_tokens(attention, Groups{{1, 2}}).weights, (std::vector<float>{0.9375F}));
  EXPECT_TRUE(merge_tokens(attention, Groups{}).weights.empty());
}

TEST(MergeTokens, KeepsWeightsOfSingleTokensAndDropsQueryAndKeyVectors) {
  Attention attention = random_attention(7, false, 1);
  const std::vector<float> weights = attention.weights;
  attention.head_size = 2;
  attention.query = attention.key = std::vector<float>(6 * 7 * 2, 1.0F);
  Groups single;
  for (std::size_t token = 0; token < 7; ++token) single.push_back({token, 1});
  const Attention merged = merge_tokens(attention, single);
  EXPECT_EQ(merged.weights, weights);
  EXPECT_EQ(merged.head_size, 0U);
  EXPECT_TRUE(merged.query.empty() && merged.key.empty());
}

TEST(MergeTokens, GivesValidAttentionForAnyGroupsThatHoldEveryToken) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    const std::size_t tokens = 1 + seed % 23;
    expect_valid(
        merge_tokens(random_attention(tokens, seed % 2 == 0, seed), random_groups(tokens, false, seed)));
  }
}

TEST(MergeTokens, AgreesWithItsDefinition) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    const std::size_t tokens = 1 + seed % 23;
    const Attention attention = random_attention(tokens, seed % 2 == 0, seed);
    const Groups groups = random_groups(tokens, true, seed);
    const Attention merged = merge_tokens(attention, groups);
    for (const int layer : attention.layers) {
      for (std::size_t cell = 0; cell < groups.size() * groups.size(); ++cell) {
        const TokenGroup query = groups[cell / groups.size()], key = groups[cell % groups.size()];
        double expected = 0;
        for (std::size_t piece = 0; piece < query.count * key.count; ++piece) {
          expected += attention.at(layer, 7)(query.first + piece / key.count, key.first + piece % key.count);
        }
        EXPECT_NEAR(merged.at(layer, 7).values[cell], expected / static_cast<double>(query.count), 1e-7);
      }
    }
  }
}

TEST(MergeTokens, RefusesGroupsThatDoNotFit) {
  const Attention attention = random_attention(4, false, 1);
  struct Case {
    Groups groups;
    std::string error;
  };
  for (const Case& c :
       {Case{{{2, 1}, {0, 1}},
             "group of 1 tokens from 0: expected groups in order, none empty, in tokens 3 to 4"},
        Case{{{0, 2}, {1, 1}},
             "group of 1 tokens from 1: expected groups in order, none empty, in tokens 2 to 4"},
        Case{{{3, 2}}, "group of 2 tokens from 3: expected groups in order, none empty, in tokens 0 to 4"},
        Case{{{5, 1}}, "group of 1 tokens from 5: expected groups in order, none empty, in tokens 0 to 4"},
        Case{{{1, 0}}, "group of 0 tokens from 1: expected groups in order, none empty, in tokens 0 to 4"},
        Case{{{1, SIZE_MAX}},
             "group of 18446744073709551615 tokens from 1: expected groups in order, none empty, in tokens 0 "
             "to "
             "4"}}) {
    EXPECT_EQ(error_of([&] { (void)merge_tokens(attention, c.groups); }), c.error);
  }
  Attention other = attention;
  other.queries = 2;
  EXPECT_EQ(error_of([&] { (void)merge_tokens(other, {}); }),
            "attention: wrong number of weights, expected 48, got 96");
  other = attention;
  other.weights.pop_back();
  EXPECT_EQ(error_of([&] { (void)merge_tokens(other, {}); }),
            "attention: wrong number of weights, expected 96, got 95");
}

TEST(Renormalized, MakesRowsSumToOneAgain) {
  const Attention left = renormalized(one_head(2, {0.25F, 0.25F, 0.0F, 0.0F}));
  EXPECT_EQ(left.weights, (std::vector<float>{0.5F, 0.5F, 0.0F, 0.0F}));
  for (unsigned seed = 1; seed < 20; ++seed) {
    const Groups groups = random_groups(17, true, seed);
    const Attention attention = random_attention(17, false, seed);
    expect_valid(renormalized(merge_tokens(attention, groups)));
  }
  EXPECT_TRUE(renormalized(Attention{}).weights.empty());
}

}  // namespace
}  // namespace attnviz::test
