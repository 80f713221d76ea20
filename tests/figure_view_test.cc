#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "attnviz/figure.h"
#include "support/figures.h"
#include "support/support.h"
#include "support/views.h"

namespace attnviz {
namespace {

using namespace test;
using Kind = View::Kind;
using Filter = View::Filter;

constexpr std::size_t kMostLines = 20'000;

Figure drawn(const View& view, const Look& look = {}) { return view_figure(view, look, measured); }

std::size_t random_count(std::mt19937& random, int round) {
  if (round % 60 == 0) return 512;
  return 2 + random() % (round % 5 ? 20 : round % 10 ? 63 : 200);
}

void scramble(Viewed& viewed, std::mt19937& random, int round) {
  View& view = viewed.view;
  const std::size_t tokens = view.tokens.size();
  if (view.kind == Kind::neuron || random() % 2) view.token = random() % tokens;
  view.token_is_key = view.kind != Kind::neuron && random() % 2;
  view.layer = view.layers[random() % view.layers.size()];
  while (view.shown_heads.size() > 1 && random() % 3)
    view.shown_heads.erase(view.shown_heads.begin() +
                           static_cast<std::ptrdiff_t>(random() % view.shown_heads.size()));
  if (view.second_from) view.filter = static_cast<Filter>(random() % 5);
  // A causal model's first sentence does not see the second.
  if (view.kind == Kind::neuron && view.causal && view.filter == Filter::a_to_b) view.filter = Filter::b_to_a;
  const auto [begin, end] = view.token_is_key ? view.keys() : view.queries();
  if (view.token) view.token = begin + *view.token % (end - begin);
  if (round % 4 == 0) view.threshold = static_cast<double>(random() % 100) / 100;
  view.title = round % 7 ? "minilm" : std::string(40, 'M');
  view.subtitle = round % 5 ? std::string(random() % 300, 'x') : "";
  if (round % 3 == 0) view.notes = {"cut to 512 tokens", std::string(200, 'n') + " and some more words"};
}

class Views : public testing::TestWithParam<Kind> {};

TEST_P(Views, KeepTextsApartAndOnThePageForAnyTokensAndHeads) {
  std::mt19937 random(20260601);
  for (int round = 0; round < 300; ++round) {
    const std::size_t tokens = random_count(random, round);
    const bool large = tokens > 64;
    Viewed::Shape shape{.layers = large ? 1 : 1 + static_cast<int>(random() % 4),
                        .heads = large ? 2 : 1 + static_cast<int>(random() % 12),
                        .head_size = 1 + random() % (large ? 4 : 20),
                        .causal = random() % 2 == 0};
    if (random() % 2) shape.second_from = 1 + random() % (tokens - 1);
    Viewed viewed(random_labels(random, tokens), shape, static_cast<unsigned>(round));
    viewed.view.kind = GetParam();
    scramble(viewed, random, round);
    const Annotate annotate = tokens > 40 ? Annotate::automatic : static_cast<Annotate>(random() % 3);
    const Look look{.scale = static_cast<Scale>(random() % 3),
                    .annotate = annotate,
                    .theme = static_cast<Theme>(random() % 2)};
    const Figure figure = drawn(viewed.view, look);
    expect_readable(figure, "round " + std::to_string(round) + ", " + std::to_string(tokens) + " tokens, " +
                                std::to_string(shape.heads) + " heads");
    EXPECT_LE(links(figure).size(), kMostLines);
    if (HasFailure()) return;
  }
}

TEST_P(Views, DrawTheStrongestLineOnTop) {
  for (const Theme theme : {Theme::light, Theme::dark}) {
    Viewed viewed(words(6), {.heads = 1});
    viewed.view.kind = GetParam();
    if (GetParam() == Kind::neuron) viewed.view.token = 1;
    const Figure figure = drawn(viewed.view, {.theme = theme});
    const std::vector<Line> lines = links(figure);
    ASSERT_GE(lines.size(), 6U);
    for (std::size_t i = 1; i < lines.size(); ++i)
      EXPECT_GE(strength(figure, lines[i].color), strength(figure, lines[i - 1].color)) << i;
    EXPECT_GT(strength(figure, lines.back().color), 0.4);
  }
}

TEST_P(Views, SuitAPaperOrAScreen) {
  for (const std::size_t tokens : {2U, 17U, 128U, 512U}) {
    Viewed viewed(words(tokens), {.layers = 1, .heads = 12, .head_size = tokens > 200 ? 4U : 64U});
    viewed.view.kind = GetParam();
    if (GetParam() == Kind::neuron) viewed.view.token = 1;
    const Figure figure = drawn(viewed.view);
    EXPECT_LE(figure.width, 13 * 72) << tokens;
    EXPECT_LE(figure.height, 12 * 72) << tokens;
  }
}

std::string name_of(const testing::TestParamInfo<Kind>& kind) {
  constexpr const char* kNames[] = {"Head", "Model", "Neuron"};
  return kNames[static_cast<int>(kind.param)];
}

INSTANTIATE_TEST_SUITE_P(OfAnyKind, Views, testing::Values(Kind::head, Kind::model, Kind::neuron), name_of);

TEST(Views, RefuseWhatDoesNotMatch) {
  Viewed viewed(words(4), {.layers = 2, .heads = 2, .second_from = 2});
  View view = viewed.view;
  const auto refusal = [&] { return error_of([&] { (void)drawn(view); }); };
  view.layer = 3;
  EXPECT_EQ(refusal(), "the view holds no layer 3");
  view = viewed.view;
  view.shown_heads = {7};
  EXPECT_EQ(refusal(), "the view holds no head 7");
  view.shown_heads = {};
  EXPECT_EQ(refusal(), "view: no heads shown, expected at least one");
  view = viewed.view;
  view.token = 4;
  EXPECT_EQ(refusal(), "view: no token 4, expected 0 to 3");
  view.token = 1;
  view.filter = Filter::b_to_a;
  EXPECT_EQ(refusal(),
            "view: token 1 is not among the queries that the filter leaves, expected 2 to 3\n"
            "  hint: choose another token, or another filter");
  view = viewed.view;
  view.kind = Kind::neuron;
  EXPECT_EQ(refusal(), "view: no token, and a neuron view is of one");
  view.query = {};
  EXPECT_EQ(refusal(), "view: no query and key vectors, and a neuron view shows them");
  view = viewed.view;
  view.weights = view.weights.first(63);
  EXPECT_EQ(refusal(), "view: weights do not match its layers, heads and tokens, expected 64, got 63");
  view = viewed.view;
  view.second_from = 4;
  EXPECT_EQ(refusal(), "view: the second sentence cannot begin at token 4 of 4");
  view = viewed.view;
  view.tokens = {};
  EXPECT_EQ(refusal(), "view: no tokens, expected at least one");
}

TEST(Views, NameNormsAndWriteThemAsTheirLargestNeeds) {
  std::vector<float> norms = kNumbers;
  for (float& norm : norms) norm *= 50;
  Told told(norms);
  told.view.quantity = kNorms;
  told.view.token = 1;
  for (const Kind kind : {Kind::head, Kind::model}) {
    told.view.kind = kind;
    const Figure figure = drawn(told.view);
    EXPECT_TRUE(find_text(figure, kNorms));
    EXPECT_EQ(find_text(figure, "40.0") != nullptr, kind == Kind::head);
    EXPECT_NE(figure.description.find("80 % of the sum of all norms drawn"), std::string::npos)
        << figure.description;
    EXPECT_NE(figure.description.find("with 40.0 on “b” (1)"), std::string::npos) << figure.description;
  }
}

/// From a long target to a short source, or from a short one to a long one.
TEST_P(Views, KeepTextsApartWhereTargetAndSourceDiffer) {
  if (GetParam() == Kind::neuron) return;
  std::mt19937 random(20261122);
  for (int round = 0; round < 100; ++round) {
    const std::size_t many = 2 + random() % (round % 10 ? 40 : 300), few = 1 + random() % 6;
    const std::size_t rows = round % 2 ? many : few, columns = round % 2 ? few : many;
    const std::vector<TokenLabel> target = random_labels(random, rows),
                                  source = random_labels(random, columns);
    std::vector<float> weights(2 * 3 * rows * columns);
    for (float& weight : weights) weight = static_cast<float>(random() % 1000) / 1000;
    View view{.kind = GetParam(),
              .layers = {1, 2},
              .heads = {0, 1, 2},
              .tokens = target,
              .sources = source,
              .weights = weights};
    view.title = "t5 · Cross attention";
    view.layer = 2;
    view.shown_heads = {0, 2};
    view.token_is_key = random() % 2;
    if (random() % 2) view.token = random() % (view.token_is_key ? columns : rows);
    const Look look{.theme = static_cast<Theme>(random() % 2)};
    expect_readable(drawn(view, look), std::to_string(rows) + " × " + std::to_string(columns));
    if (HasFailure()) return;
  }
}

TEST(Views, CallTheSidesOfCrossAttentionTargetAndSource) {
  const std::vector<TokenLabel> target = {{"", "x", false}, {"", "y", false}};
  Told told({0.5F, 0.3F, 0.2F, 0.1F, 0.8F, 0.1F});
  told.view.tokens = target;
  told.view.sources = told.labels;
  const Figure figure = drawn(told.view);
  EXPECT_TRUE(find_text(figure, "Target (attending from)"));
  EXPECT_TRUE(find_text(figure, "Source (attending to)"));
  EXPECT_EQ(links(figure).size(), 6U);
  EXPECT_EQ(
      figure.description,
      "Lines of attention weights, a colour a head, m · Layer 4 · Head 2: from 2 target tokens (left, "
      "attending from) to 3 source tokens (right, attending to), colours from 0.00 to 0.80. Strongest lines: "
      "head 2 “y” (1) to “b” (1) 0.80, head 2 “x” (0) to “a” (0) 0.50, head 2 “x” (0) to “b” (1) 0.30, head "
      "2 “x” (0) to “c” (2) 0.20, head 2 “y” (1) to “c” (2) 0.10. The key that receives most is “b” (1), "
      "with 55 % of all weight drawn. The most concentrated row is “y” (1) in head 2, with 0.80 on “b” (1).");
  const auto refusal = [&] { return error_of([&] { (void)drawn(told.view); }); };
  told.view.token = 2;
  EXPECT_EQ(refusal(), "view: no token 2, expected 0 to 1");
  told.view.token_is_key = true;
  EXPECT_EQ(refusal(), "nothing");
  told.view.second_from = 1;
  EXPECT_EQ(refusal(), "view: a second sentence begins in cross attention, which has none");
}

TEST(Views, SayInWordsWhatTheyShow) {
  Told told(kNumbers);
  told.view.subtitle = "a b c";
  told.view.threshold = 0.2;
  EXPECT_EQ(drawn(told.view).description,
            "Lines of attention weights, a colour a head, m · Layer 4 · Head 2: from 3 queries (left, "
            "attending from) to 3 keys (right, attending to), colours from 0.00 to 0.80. Text: a b c. "
            "Strongest lines between different tokens: head 2 “c” (2) to “a” (0) 0.60, head 2 “a” (0) to “b” "
            "(1) 0.30, head 2 “c” (2) to “b” (1) 0.25, head 2 “a” (0) to “c” (2) 0.20. The key that receives "
            "most is “b” (1), with 51 % of all weight drawn. The most concentrated row is “b” (1) in head 2, "
            "with 0.80 on “b” (1). Note: lines of weights from 0.2 on.");
  told.view.kind = Kind::model;
  told.view.token = 0;
  told.view.token_is_key = true;
  EXPECT_EQ(drawn(told.view).description,
            "Lines of attention weights in every layer (rows) and head (columns), m · 1 layer × 1 head · To "
            "“a” (0): from 3 queries (left, attending from) to 3 keys (right, attending to), colours from "
            "0.00 to 0.60. Text: a b c. Strongest lines between different tokens: layer 4 head 2 “c” (2) to "
            "“a” (0) 0.60. The most concentrated row is “c” (2) in layer 4 head 2, with 0.60 on “a” (0). "
            "Note: lines of weights from 0.2 on.");
  Viewed viewed(words(3), {.layers = 1, .heads = 1, .causal = true});
  viewed.view.kind = Kind::neuron;
  viewed.view.token = 1;
  EXPECT_EQ(
      drawn(viewed.view).description,
      "How a query's and the keys' vectors of 4 numbers make attention weights, minilm · Layer 1 · Head 0 · "
      "From “word” (1): the query, the keys of 2 tokens, their products, the dot products over √4, and their "
      "softmax. A token attends only to itself and to earlier ones; the rest is masked. Text: A sentence. "
      "The largest weight is 0.65, on “word” (1); the largest dot product is +1.61, with “word” (1).");
}

TEST(Views, LookAsTheyDid) {
  Viewed bert({{"", "[CLS]", true}, {"", "bank", false}, {"##", "s", false}, {"", "[SEP]", true}},
              {.layers = 2, .heads = 3, .second_from = 2});
  expect_golden("figure/view_head.txt", without_bar_steps(drawn(bert.view)));
  bert.view.token = 1;
  expect_golden("figure/view_head_token_dark.txt",
                without_bar_steps(drawn(bert.view, {.theme = Theme::dark})));
  Viewed gpt2({{"", "The", false}, {"␣", "bank", false}, {"", "s", false}}, {.head_size = 5, .causal = true});
  gpt2.view.kind = Kind::model;
  expect_golden("figure/view_model.txt", without_bar_steps(drawn(gpt2.view)));
  gpt2.view.kind = Kind::neuron;
  gpt2.view.token = 1;
  expect_golden("figure/view_neuron.txt", without_bar_steps(drawn(gpt2.view)));
}

}  // namespace
}  // namespace attnviz
