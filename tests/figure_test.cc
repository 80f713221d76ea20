#include "attnviz/figure.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/figures.h"
#include "support/support.h"

namespace attnviz {
namespace {

using namespace test;

std::size_t annotations(const Figure& figure) {
  const std::vector<Text> texts = items<Text>(figure);
  return static_cast<std::size_t>(std::count_if(texts.begin(), texts.end(), [](const Text& text) {
    return text.align == Text::Align::middle && text.middle == Text::Middle::cap_height;
  }));
}

TEST(ColorMap, HasThePublishedColors) {
  struct Case {
    const char* name;
    double value;
    Color color;
  };
  for (const auto& [name, value, color] : {
           Case{"Blues", 0, {0xf7, 0xfb, 0xff}},
           Case{"Blues", 0.5, {0x6a, 0xae, 0xd6}},
           Case{"Blues", 1, {0x08, 0x30, 0x6b}},
           Case{"Blues_r", 0, {0x08, 0x30, 0x6b}},
           Case{"Reds", 1, {0x67, 0x00, 0x0d}},
           Case{"YlOrRd", 0, {0xff, 0xff, 0xcc}},
           Case{"viridis", 0, {0x44, 0x01, 0x54}},
           Case{"viridis", 1, {0xfd, 0xe7, 0x25}},
           Case{"magma", 0, {0x00, 0x00, 0x04}},
           Case{"inferno", 1, {0xfc, 0xff, 0xa4}},
           Case{"plasma", 0, {0x0d, 0x08, 0x87}},
           Case{"cividis", 1, {0xfe, 0xe8, 0x38}},
           Case{"RdBu", 0, {0x67, 0x00, 0x1f}},
           Case{"RdBu", 1, {0x05, 0x30, 0x61}},
           Case{"Blues", -3, {0xf7, 0xfb, 0xff}},
           Case{"Blues", 3, {0x08, 0x30, 0x6b}},
           Case{"Blues", std::numeric_limits<double>::quiet_NaN(), {0xf7, 0xfb, 0xff}},
       }) {
    EXPECT_EQ(ColorMap(name)(value), color) << name << " at " << value;
  }
}

TEST(ColorMap, SuggestsTheNearestName) {
  EXPECT_EQ(error_of([] { ColorMap("blues"); }),
            "colour map blues: no such map\n  hint: did you mean Blues?");
  EXPECT_NE(error_of([] { ColorMap("rainbow"); }).find("there are Blues, Reds,"), std::string::npos);
}

TEST(ColorScale, PutsWeightsWhereItsKindSays) {
  const std::vector<float> weights = {0.0001F, 0.01F, 0.25F, 1};
  const Heatmap map{.weights = {weights, 2}};
  struct Case {
    Scale scale;
    double value, position;
  };
  for (const auto& [scale, value, position] : {
           Case{Scale::linear, 0.25, 0.25},
           Case{Scale::linear, -1, 0},
           Case{Scale::linear, 2, 1},
           Case{Scale::sqrt, 0.25, 0.5},
           Case{Scale::log, 0.001, 0},
           Case{Scale::log, 0.1, 2.0 / 3},
       }) {
    const ColorScale color_scale({&map, 1}, Look{.scale = scale});
    EXPECT_NEAR(color_scale.position(value), position, 1e-6) << static_cast<int>(scale) << " " << value;
  }
}

TEST(ColorScale, TicksAreRoundNumbersThatDoNotTouch) {
  struct Case {
    std::vector<float> weights;
    Look look;
    std::string ticks;
  };
  for (const auto& [weights, look, ticks] : {
           Case{{0, 0.68F}, {}, "0.0 0.2 0.4 0.6"},
           Case{{0, 1}, {}, "0.0 0.2 0.4 0.6 0.8 1.0"},
           Case{{0, 0.13F}, {}, "0.000 0.025 0.050 0.075 0.100 0.125"},
           Case{{0, 0}, {}, "0.0 0.2 0.4 0.6 0.8 1.0"},
           Case{{0, 0.9F}, {.vmax = 0.5}, "0.0 0.1 0.2 0.3 0.4 ≥ 0.5"},
           Case{{0, 0.9F}, {.vmin = 0.1, .vmax = 0.5}, "≤ 0.1 0.2 0.3 0.4 ≥ 0.5"},
           Case{{0.0002F, 1}, {.scale = Scale::log}, "≤ 0.001 0.01 0.1 1"},
           Case{{0, 1}, {.scale = Scale::sqrt}, "0 0.005 0.02 0.05 0.1 0.2 0.5 1"},
       }) {
    const Heatmap map{.weights = {weights, 2}};
    std::string shown;
    double last = -1;
    for (const ColorScale::Tick& tick : ColorScale({&map, 1}, look).ticks(0.06)) {
      EXPECT_GE(tick.position - last, 0.06 - 1e-9);
      last = tick.position;
      shown += (shown.empty() ? "" : " ") + tick.label;
    }
    EXPECT_EQ(shown, ticks);
  }
}

TEST(ColorScale, LeavesOutWhatACausalMapMasks) {
  const std::vector<float> weights = {0.5F, 9, 0.25F, 0.75F};
  const Heatmap causal{.weights = {weights, 2}, .causal = true}, whole{.weights = {weights, 2}};
  EXPECT_EQ(ColorScale({&causal, 1}, {}).upper(), 0.75);
  EXPECT_EQ(ColorScale({&whole, 1}, {}).upper(), 9);
}

TEST(ColorScale, RefusesAnEmptyRange) {
  const std::vector<float> weights = {0, 0.5F};
  const Heatmap map{.weights = {weights, 2}};
  EXPECT_EQ(error_of([&] {
              ColorScale({&map, 1}, {.vmin = 0.5, .vmax = 0.2});
            }),
            "colour scale: vmin must be below vmax, got 0.5 and 0.2\n"
            "  hint: weights shown lie between 0 and 0.5");
  EXPECT_EQ(error_of([&] {
              ColorScale({&map, 1}, {.scale = Scale::log, .vmin = 0.0});
            }),
            "vmin: 0 has no logarithm\n  hint: a log scale starts above 0");
}

TEST(HeadHeatmap, KeepsTextsApartAndOnThePageForAnyTokens) {
  std::mt19937 random(20260101);
  for (int round = 0; round < 1000; ++round) {
    const std::size_t count =
        round < 60 ? 1 + static_cast<std::size_t>(round) : 2 + random() % (round % 10 ? 90 : 511);
    Map map(random_labels(random, count), random() % 2 == 0, static_cast<unsigned>(round));
    map.heatmap.title = round % 7 ? "minilm · Layer 6 · Head 0" : std::string(40, 'M');
    map.heatmap.subtitle = round % 5 ? std::string(random() % 300, 'x') : "";
    if (round % 3 == 0)
      map.heatmap.notes = {"cut to 512 tokens", std::string(200, 'n') + " and some more words"};
    const Look look{.scale = static_cast<Scale>(random() % 3),
                    .annotate = random() % 2 ? Annotate::automatic : Annotate::always,
                    .theme = static_cast<Theme>(random() % 2)};
    // Where every cell is annotated on request, the texts are as small as they must be: enough to check few.
    const Figure figure = head_heatmap(map.heatmap, count > 60 ? Look{.theme = look.theme} : look, measured);
    expect_readable(figure, std::to_string(count) + " tokens");
    if (HasFailure()) return;
  }
}

TEST(HeadHeatmap, WritesNumbersThatCanBeReadOnEveryColor) {
  for (const std::string& name : ColorMap::names()) {
    for (const Theme theme : {Theme::light, Theme::dark}) {
      Map map(words(12));
      for (std::size_t i = 0; i < map.weights.size(); ++i) map.weights[i] = static_cast<float>(i) / 143;
      const Figure figure =
          head_heatmap(map.heatmap, Look{.colors = ColorMap(name), .theme = theme}, measured);
      const std::vector<Rectangle> cells = items<Rectangle>(figure);
      std::size_t checked = 0;
      for (const Text& text : items<Text>(figure)) {
        for (std::size_t i = 0; i < 144; ++i) {
          const Rectangle& cell = cells[i];
          if (text.x < cell.x || text.x > cell.x + cell.width || text.y < cell.y ||
              text.y > cell.y + cell.height) {
            continue;
          }
          EXPECT_GE(contrast(text.color, cell.fill), 4.5) << name << " " << text.text;
          ++checked;
        }
      }
      EXPECT_EQ(checked, 144U);
    }
  }
}

TEST(HeadHeatmap, DrawsNothingAboveTheDiagonalOfACausalModel) {
  const Map map(words(9), true);
  const Figure figure = head_heatmap(map.heatmap, {}, measured);
  EXPECT_EQ(annotations(figure), 45U);
  const Rectangle first = items<Rectangle>(figure).front();
  for (const Rectangle& r : items<Rectangle>(figure)) {
    // The bar's steps are crisp, these cells are not.
    EXPECT_TRUE(r.crisp || r.x - first.x <= r.y - first.y);
  }
  EXPECT_TRUE(find_text(figure, "masked"));
  EXPECT_FALSE(find_text(head_heatmap(Map(words(9)).heatmap, {}, measured), "masked"));
}

TEST(HeadHeatmap, WritesNormsWithAsManyDigitsAsTheirLargestNeeds) {
  for (const auto& [largest, number] : std::vector<std::pair<float, std::string>>{{0.004F, "0.0040"},
                                                                                  {0.03F, "0.030"},
                                                                                  {0.5F, "0.50"},
                                                                                  {9.99F, "9.99"},
                                                                                  {40, "40.0"},
                                                                                  {1200, "1200"}}) {
    Map map(words(4));
    for (float& weight : map.weights) weight *= largest / 8;
    map.weights[5] = largest;
    map.heatmap.quantity = kNorms;
    const Figure figure = head_heatmap(map.heatmap, {}, measured);
    EXPECT_EQ(annotations(figure), 16U) << largest;
    EXPECT_TRUE(find_text(figure, number)) << largest;
    EXPECT_TRUE(find_text(figure, kNorms));
    EXPECT_TRUE(figure.description.starts_with("Heatmap of norms of weighted vectors ‖αf(x)‖"))
        << figure.description;
  }
}

TEST(HeadHeatmap, AnnotatesWhileTheNumbersFit) {
  struct Case {
    std::size_t tokens;
    Annotate annotate;
    std::size_t annotations;
  };
  for (const auto& [tokens, annotate, expected] :
       {Case{2, Annotate::automatic, 4}, Case{13, Annotate::automatic, 169},
        Case{30, Annotate::automatic, 900}, Case{40, Annotate::automatic, 0}, Case{13, Annotate::never, 0},
        Case{40, Annotate::always, 1600}}) {
    const Map map(words(tokens));
    const Figure figure = head_heatmap(map.heatmap, {.annotate = annotate}, measured);
    EXPECT_EQ(annotations(figure), expected) << tokens;
    for (const Text& text : items<Text>(figure)) {
      EXPECT_TRUE(annotate != Annotate::automatic || text.size >= 5) << text.text;
    }
  }
}

TEST(HeadHeatmap, BecomesOneImageBeyondTenThousandCells) {
  const Map vector_map(words(100)), image_map(words(101), true);
  EXPECT_TRUE(items<Image>(head_heatmap(vector_map.heatmap, {}, measured)).empty());
  const Figure figure = head_heatmap(image_map.heatmap, {}, measured);
  const std::vector<Image> images = items<Image>(figure);
  ASSERT_EQ(images.size(), 1U);
  EXPECT_EQ(images[0].pixels.size(), 101U * 101U);
  EXPECT_EQ(images[0].pixels[1], figure.background);  // masked
  EXPECT_EQ(images[0].pixels[0], ColorMap("Blues")(1));
}

TEST(HeadHeatmap, SuitsAPaper) {
  const Map thirteen(words(13)), many(words(512));
  EXPECT_NEAR(head_heatmap(thirteen.heatmap, {}, measured).width, 6 * 72, 36);
  EXPECT_LE(head_heatmap(many.heatmap, {}, measured).width, 9 * 72);
  const std::vector<Rectangle> cells = items<Rectangle>(head_heatmap(thirteen.heatmap, {}, measured));
  EXPECT_DOUBLE_EQ(cells[0].width, cells[0].height);
  // Edges between pixels at 150 dpi: nothing is smeared.
  for (std::size_t i = 0; i < 169; ++i) {
    const double left = cells[i].x * 150 / 72, right = (cells[i].x + cells[i].width) * 150 / 72;
    EXPECT_NEAR(left, std::round(left), 1e-6);
    EXPECT_NEAR(right, std::round(right), 1e-6);
  }
}

TEST(HeadHeatmap, TellsMarksAndSpecialTokensFromWords) {
  const Map map({{"", "[CLS]", true}, {"", "play", false}, {"##", "ing", false}});
  const Figure figure = head_heatmap(map.heatmap, {}, measured);
  const Text *special = find_text(figure, "[CLS]"), *word = find_text(figure, "play"),
             *piece = find_text(figure, "##ing");
  ASSERT_TRUE(special && word && piece);
  EXPECT_NE(special->color, word->color);
  EXPECT_EQ(piece->color, word->color);
  EXPECT_EQ(piece->mark_bytes, 2U);
  EXPECT_GT(contrast(word->color, figure.background), contrast(special->color, figure.background));
  EXPECT_GT(contrast(special->color, figure.background), contrast(piece->mark_color, figure.background));
  EXPECT_GE(contrast(special->color, figure.background), 4.0);
}

TEST(HeadHeatmap, ShortensWhatIsTooLongBetweenCharacters) {
  Map map({{"", std::string(40, 'm'), false}, {"", "a", false}, {"", "b", false}});
  std::string family;  // of people joined to one character each
  for (int i = 0; i < 30; ++i) family += "👩‍👧";
  map.labels[1].text = family;
  map.heatmap.subtitle = std::string(500, 's');
  const Figure figure = head_heatmap(map.heatmap, {}, measured);
  std::size_t shortened = 0;
  for (const Text& text : items<Text>(figure)) {
    if (!text.text.ends_with("…")) continue;
    ++shortened;
    if (text.text.starts_with("👩")) {
      EXPECT_EQ((text.text.size() - 3) % std::string("👩‍👧").size(), 0U) << text.text;
    }
  }
  EXPECT_EQ(shortened, 5U);  // two tokens on two axes, and the sentence
}

TEST(HeadHeatmap, ShortensATextAndItsTargetEachByItself) {
  struct Case {
    std::size_t source, target;
    bool source_is_cut, target_is_cut;
  };
  for (const Case& c : {Case{4, 4, false, false}, Case{500, 4, true, false}, Case{4, 500, false, true},
                        Case{500, 500, true, true}}) {
    Map map(words(12));
    map.heatmap.subtitle = std::string(c.source, 's') + "  →  " + std::string(c.target, 't');
    const Figure figure = head_heatmap(map.heatmap, {}, measured);
    const std::vector<Text> texts = items<Text>(figure);
    const auto sentence = std::find_if(texts.begin(), texts.end(), [](const Text& text) {
      return text.text.find("  →  ") != std::string::npos;
    });
    ASSERT_NE(sentence, texts.end());
    const std::size_t arrow = sentence->text.find("  →  ");
    EXPECT_EQ(sentence->text.substr(0, arrow).ends_with("s…"), c.source_is_cut) << sentence->text;
    EXPECT_EQ(sentence->text.ends_with("t…"), c.target_is_cut) << sentence->text;
    EXPECT_LE(sentence->x + measured(sentence->text, sentence->size, false), figure.width);
  }
}

TEST(HeadHeatmap, MakesControlCharactersVisible) {
  Map map(words(3));
  map.heatmap.title = "a\tb";
  map.heatmap.subtitle = "line\nend";
  map.heatmap.notes = {"bell\a"};
  const Figure figure = head_heatmap(map.heatmap, {}, measured);
  EXPECT_TRUE(find_text(figure, "a␉b"));
  EXPECT_TRUE(find_text(figure, "line␊end"));
  EXPECT_TRUE(find_text(figure, "bell␇"));
  EXPECT_EQ(figure.title, "a␉b");
}

TEST(HeadHeatmap, TakesTheTitleOfTheLook) {
  const Map map(words(3));
  const Figure figure = head_heatmap(map.heatmap, {.title = "Mine"}, measured);
  EXPECT_TRUE(find_text(figure, "Mine"));
  EXPECT_EQ(figure.title, "Mine");
}

TEST(HeadHeatmap, SaysInWordsWhatItShows) {
  const std::vector<float> weights = {0.1F, 0.7F, 0.2F, 0.8F, 0.1F, 0.1F, 0.3F, 0.4F, 0.3F};
  const std::vector<TokenLabel> labels = {{"", "a", false}, {"", "b", false}, {"##", "c", false}};
  const Heatmap heatmap{.weights = {weights, 3},
                        .queries = labels,
                        .keys = labels,
                        .title = "m · Layer 1 · Head 2",
                        .subtitle = "a bc",
                        .notes = {"cut to 3 tokens"}};
  EXPECT_EQ(
      head_heatmap(heatmap, {}, measured).description,
      "Heatmap of attention weights, m · Layer 1 · Head 2: 3 queries (rows, attending from) by 3 keys "
      "(columns, attending to), colours from 0.00 to 0.80. Text: a bc. Strongest links off the diagonal: "
      "“b” (1) to “a” (0) 0.80, “a” (0) to “b” (1) 0.70, “##c” (2) to “b” (1) 0.40. The key that receives "
      "most is “a” (0), with 40 % of all weight. The most concentrated row is “b” (1), with 0.80 on “a” (0). "
      "Note: cut to 3 tokens.");
}

TEST(HeadHeatmap, CallsTheSidesOfCrossAttentionTargetAndSource) {
  const std::vector<float> weights = {0.7F, 0.1F, 0.2F, 0.1F, 0.6F, 0.3F};
  const std::vector<TokenLabel> target = {{"", "<pad>", true}, {"", "Das", false}},
                                source = {{"", "a", false}, {"", "b", false}, {"", "</s>", true}};
  const Heatmap heatmap{.weights = {weights, 3},
                        .queries = target,
                        .keys = source,
                        .cross = true,
                        .title = "t5 · Cross attention · Layer 1 · Head 2"};
  const Figure figure = head_heatmap(heatmap, {}, measured);
  EXPECT_TRUE(find_text(figure, "Target (attending from)"));
  EXPECT_TRUE(find_text(figure, "Source (attending to)"));
  EXPECT_FALSE(find_text(figure, "Keys (attending to)"));
  EXPECT_EQ(
      figure.description,
      "Heatmap of attention weights, t5 · Cross attention · Layer 1 · Head 2: 2 target tokens (rows, "
      "attending from) by 3 source tokens (columns, attending to), colours from 0.00 to 0.70. Strongest "
      "weights: “<pad>” (0) to “a” (0) 0.70, “Das” (1) to “b” (1) 0.60, “Das” (1) to “</s>” (2) 0.30. The "
      "key "
      "that receives most is “a” (0), with 40 % of all weight. The most concentrated row is “<pad>” (0), "
      "with "
      "0.70 on “a” (0).");
}

TEST(HeadHeatmap, KeepsTextsApartWhereATargetIsMuchLongerOrShorterThanItsSource) {
  std::mt19937 random(20261122);
  for (int round = 0; round < 200; ++round) {
    const std::size_t many = 2 + random() % (round % 20 ? 60 : 512), few = 1 + random() % 6;
    const std::size_t rows = round % 2 ? many : few, columns = round % 2 ? few : many;
    std::vector<float> weights(rows * columns);
    for (float& weight : weights) weight = static_cast<float>(random() % 1000) / 1000;
    const std::vector<TokenLabel> target = random_labels(random, rows),
                                  source = random_labels(random, columns);
    const Heatmap map{.weights = {weights, columns},
                      .queries = target,
                      .keys = source,
                      .cross = true,
                      .title = "t5 · Cross attention · Layer 1 · Head 2",
                      .subtitle = "A sentence.  →  Ein Satz."};
    const std::string what = std::to_string(rows) + " × " + std::to_string(columns);
    expect_readable(head_heatmap(map, {}, measured), what);
    const HeatmapGrid grid{.panels = {map, map, map}, .columns = 2, .title = "t5", .notes = {}};
    expect_readable(heatmap_grid(grid, {}, measured), what + " in a grid");
    const std::vector<Compared> sides = {{map, ColorMap("Blues")}, {map, ColorMap("Reds")}};
    expect_readable(comparison_figure({.sides = {sides[0], sides[1]}}, {}, measured), what + " compared");
    if (HasFailure()) return;
  }
}

TEST(HeadHeatmap, RefusesLabelsThatDoNotMatch) {
  Map map(words(3));
  map.heatmap.keys = map.heatmap.keys.first(2);
  EXPECT_EQ(error_of([&] { (void)head_heatmap(map.heatmap, {}, measured); }),
            "heatmap: labels do not match the weights, expected 3 queries and 3 keys, got 3 and 2");
  map.heatmap.weights = {};
  EXPECT_EQ(error_of([&] { (void)head_heatmap(map.heatmap, {}, measured); }),
            "heatmap: no weights to draw, expected at least one row and column");
}

TEST(HeadHeatmap, LooksAsItDid) {
  const Map sentence({{"", "[CLS]", true},
                      {"", "the", false},
                      {"", "bank", false},
                      {"##", "s", false},
                      {"", "[SEP]", true}});
  expect_golden("figure/sentence.txt", to_text(head_heatmap(sentence.heatmap, {}, measured)));
  Map causal({{"", "The", false}, {"␣", "bank", false}, {"␣", "can", false}, {"", ".", false}}, true);
  causal.heatmap.notes = {"special tokens hidden"};
  expect_golden(
      "figure/causal_dark.txt",
      to_text(head_heatmap(causal.heatmap, {.scale = Scale::sqrt, .theme = Theme::dark}, measured)));
  const Map thinned(words(60));
  expect_golden("figure/thinned_labels.txt", [&] {
    // Cells and the bar's steps are in the other goldens: here the labels matter.
    std::string text = to_text(head_heatmap(thinned.heatmap, {}, measured)), kept;
    for (std::size_t start = 0, end; start < text.size(); start = end + 1) {
      end = text.find('\n', start);
      if (!text.substr(start).starts_with("rectangle")) kept += text.substr(start, end + 1 - start);
    }
    return kept;
  }());
}

}  // namespace
}  // namespace attnviz
