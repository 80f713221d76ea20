#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "attnviz/figure.h"
#include "support/figures.h"
#include "support/support.h"

namespace attnviz {
namespace {

using namespace test;

/// `count` maps of the same tokens.
struct Maps {
  std::vector<std::unique_ptr<Map>> maps;
  HeatmapGrid grid;

  Maps(const std::vector<TokenLabel>& labels, std::size_t count, std::size_t columns, bool causal = false) {
    grid.columns = columns;
    for (std::size_t i = 0; i < count; ++i) {
      maps.push_back(std::make_unique<Map>(labels, causal, static_cast<unsigned>(i)));
      grid.panels.push_back(maps.back()->heatmap);
      grid.panels.back().title = "Layer 6 · Head " + std::to_string(i);
    }
    grid.title = "minilm · Layer 6";
    grid.subtitle = "A sentence.";
  }

  void name_rows_and_columns() {
    for (std::size_t i = 0; i < grid.panels.size(); i += grid.columns) {
      grid.row_names.push_back("Layer " + std::to_string(i / grid.columns + 1));
    }
    for (std::size_t i = 0; i < grid.columns; ++i) grid.column_names.push_back("Head " + std::to_string(i));
  }
};

Look random_look(std::mt19937& random, bool annotated) {
  return {.scale = static_cast<Scale>(random() % 3),
          .annotate = annotated ? static_cast<Annotate>(random() % 3) : Annotate::automatic,
          .theme = static_cast<Theme>(random() % 2)};
}

std::size_t count_text(const Figure& figure, std::string_view text) {
  const std::vector<Text> texts = items<Text>(figure);
  return static_cast<std::size_t>(
      std::count_if(texts.begin(), texts.end(), [&](const Text& found) { return found.text == text; }));
}

TEST(HeatmapGrid, KeepsTextsApartAndOnThePageForAnyPanels) {
  std::mt19937 random(20260102);
  for (int round = 0; round < 1000; ++round) {
    const std::size_t tokens = round % 50 == 0 ? 512 : 1 + random() % (round % 5 ? 24 : 130);
    const std::size_t panels = round % 50 == 0 ? 4 : 1 + random() % (round % 7 ? 16 : 144);
    const bool overview = random() % 3 == 0;
    Maps maps(random_labels(random, tokens), panels, 1 + random() % 12, random() % 2 == 0);
    if (overview) maps.name_rows_and_columns();
    maps.grid.subtitle = round % 5 ? std::string(random() % 300, 'x') : "";
    if (round % 3 == 0) maps.grid.notes = {"special tokens hidden", std::string(200, 'n') + " and more"};
    if (round % 11 == 0) maps.grid.panels[0].title = std::string(60, 'W');
    const Figure figure =
        heatmap_grid(maps.grid, random_look(random, tokens * tokens * panels < 4000), measured);
    expect_readable(figure, std::to_string(panels) + " panels of " + std::to_string(tokens) + " tokens, " +
                                std::to_string(maps.grid.columns) + " columns");
    if (HasFailure()) return;
  }
}

TEST(HeatmapGrid, LabelsOnlyTheOuterPanels) {
  const Maps maps({{"", "[CLS]", true}, {"", "bank", false}}, 12, 4);
  const Figure figure = heatmap_grid(maps.grid, {}, measured);
  EXPECT_EQ(count_text(figure, "bank"), 3U + 4U);  // rows of the first column, columns of the last row
  EXPECT_EQ(count_text(figure, "Attention Weight"), 1U);
  EXPECT_EQ(count_text(figure, "Keys (attending to)"), 1U);
  EXPECT_EQ(count_text(figure, "Queries (attending from)"), 1U);
  EXPECT_EQ(count_text(figure, "Layer 6 · Head 11"), 1U);
}

TEST(HeatmapGrid, LabelsColumnsThatEndBeforeTheLastRow) {
  const Maps maps({{"", "[CLS]", true}, {"", "bank", false}}, 5, 3);
  EXPECT_EQ(count_text(heatmap_grid(maps.grid, {}, measured), "bank"), 2U + 3U);
}

TEST(HeatmapGrid, ColorsAllPanelsOnOneScale) {
  const std::vector<float> weak = {0.6F, 0.4F, 0.5F, 0.5F}, strong = {1, 0, 0, 1};
  const std::vector<TokenLabel> labels = {{"", "a", false}, {"", "b", false}};
  HeatmapGrid grid{.panels = {Heatmap{{weak, 2}, labels, labels}, Heatmap{{strong, 2}, labels, labels}}};
  const std::vector<Rectangle> cells = items<Rectangle>(heatmap_grid(grid, {}, measured));
  const ColorMap blues("Blues");
  const std::vector<double> expected = {0.6, 0.4, 0.5, 0.5, 1, 0, 0, 1};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(cells[i].fill, blues(expected[i])) << i;
}

TEST(HeatmapGrid, NamesLayersAndHeadsInPlaceOfTokens) {
  Maps maps(words(9), 144, 12);
  maps.name_rows_and_columns();
  const Figure figure = heatmap_grid(maps.grid, {}, measured);
  EXPECT_EQ(count_text(figure, "word"), 0U);
  EXPECT_EQ(count_text(figure, "Layer 12"), 1U);
  EXPECT_EQ(count_text(figure, "Head 11"), 1U);
  EXPECT_LE(figure.width, 12.5 * 72);  // fits a screen
}

TEST(HeatmapGrid, ShowsTheLargestWeightOfCellsThatShareAPlace) {
  const std::size_t tokens = 512;
  std::vector<float> weights(tokens * tokens, 0);
  for (std::size_t i = 0; i < tokens; ++i) weights[i * tokens + i] = 1;
  const std::vector<TokenLabel> labels = words(tokens);
  HeatmapGrid grid{.panels = {}, .columns = 12};
  for (int i = 0; i < 12; ++i) grid.panels.push_back({{weights, tokens}, labels, labels});
  const Figure figure = heatmap_grid(grid, {}, measured);
  const Image image = items<Image>(figure).front();
  ASSERT_LT(image.columns, tokens);
  for (std::size_t row = 0; row < image.columns; ++row) {
    for (std::size_t column = 0; column < image.columns; ++column) {
      EXPECT_EQ(image.pixels[row * image.columns + column], ColorMap("Blues")(row == column ? 1 : 0));
    }
  }
  EXPECT_NE(to_text(figure).find("each cell shows the largest of"), std::string::npos);
}

TEST(HeatmapGrid, MakesRoomForNumbersThatAreAskedFor) {
  const Maps maps(words(30), 12, 4);
  std::size_t numbers = 0;
  for (const Text& text : items<Text>(heatmap_grid(maps.grid, {.annotate = Annotate::always}, measured))) {
    const bool number = text.align == Text::Align::middle && text.middle == Text::Middle::cap_height;
    if (!number) continue;
    ++numbers;
    EXPECT_GE(text.size, 5 - 1e-9);
  }
  EXPECT_EQ(numbers, 12U * 900U);
}

TEST(HeatmapGrid, RefusesPanelsOfDifferentSizes) {
  const Map small(words(3)), large(words(4));
  EXPECT_EQ(error_of([&] {
              (void)heatmap_grid({.panels = {small.heatmap, large.heatmap}}, {}, measured);
            }),
            "grid: panels of different sizes, expected 3 × 3, got 4 × 4");
  EXPECT_EQ(error_of([&] { (void)heatmap_grid({.panels = {}}, {}, measured); }),
            "grid: no panels, expected at least one");
}

TEST(HeatmapGrid, SaysInWordsWhatItShows) {
  const std::vector<float> first = {0.9F, 0.1F, 0.3F, 0.7F}, second = {0.2F, 0.8F, 0.4F, 0.6F};
  const std::vector<TokenLabel> labels = {{"", "a", false}, {"", "b", false}};
  HeatmapGrid grid{.panels = {Heatmap{{first, 2}, labels, labels}, Heatmap{{second, 2}, labels, labels}},
                   .title = "m · Layer 1",
                   .subtitle = "a b",
                   .notes = {"special tokens hidden"}};
  grid.panels[0].title = "Head 0";
  grid.panels[1].title = "Head 1";
  EXPECT_EQ(
      heatmap_grid(grid, {}, measured).description,
      "Grid of 2 heatmaps of attention weights, m · Layer 1: each 2 queries (rows, attending from) by 2 keys "
      "(columns, attending to), one scale, colours from 0.00 to 0.90. Text: a b. Strongest link off the "
      "diagonal "
      "of each: Head 0: “b” (1) to “a” (0) 0.30; Head 1: “a” (0) to “b” (1) 0.80. Note: special tokens "
      "hidden.");
}

TEST(HeatmapGrid, LooksAsItDid) {
  const Maps maps({{"", "[CLS]", true}, {"", "bank", false}, {"##", "s", false}}, 3, 2);
  expect_golden("figure/grid.txt", to_text(heatmap_grid(maps.grid, {}, measured)));
  Maps overview({{"", "The", false}, {"␣", "bank", false}}, 6, 3, true);
  overview.name_rows_and_columns();
  expect_golden("figure/overview_dark.txt",
                to_text(heatmap_grid(overview.grid, {.theme = Theme::dark}, measured)));
}

Comparison comparison_of(const Map& first, const Map& second) {
  return {.sides = {Compared{first.heatmap, ColorMap("Blues"), {{"Tokens", "13"}, {"Attends", "both ways"}}},
                    Compared{second.heatmap, ColorMap("Reds"), {{"Tokens", "12"}, {"Attends", "backwards"}}}},
          .title = "Layer 5 · Head 0",
          .subtitle = "A sentence."};
}

TEST(ComparisonFigure, KeepsTextsApartAndOnThePageForAnyTokens) {
  std::mt19937 random(20260103);
  for (int round = 0; round < 1000; ++round) {
    const auto tokens = [&] { return round % 50 == 0 ? 512 : 1 + random() % (round % 5 ? 20 : 130); };
    const std::size_t first = tokens(), second = tokens();
    const Map left(random_labels(random, first), random() % 2 == 0),
        right(random_labels(random, second), random() % 2);
    Comparison comparison = comparison_of(left, right);
    if (round % 7 == 0) comparison.sides[random() % 2].map.title = std::string(80, 'W');
    if (round % 3 == 0) comparison.notes = {"special tokens hidden", std::string(200, 'n') + " and more"};
    comparison.sides[0].facts.emplace_back("Entropy", "2.09 nats (uniform 2.83)");
    if (round % 13 == 0) comparison.sides[0].facts.emplace_back("Long", std::string(100, 'f'));
    comparison.subtitle = std::string(random() % 300, 'x');
    const Figure figure = comparison_figure(comparison, random_look(random, first * second < 400), measured);
    expect_readable(figure, std::to_string(first) + " and " + std::to_string(second) + " tokens");
    if (HasFailure()) return;
  }
}

TEST(ComparisonFigure, ColorsBothSidesOnOneScaleInTheirOwnColors) {
  const std::vector<float> weak = {0.5F, 0.5F, 0.25F, 0.75F}, strong = {1, 0, 0, 1};
  const std::vector<TokenLabel> labels = {{"", "a", false}, {"", "b", false}};
  Comparison comparison{.sides = {Compared{Heatmap{{weak, 2}, labels, labels}, ColorMap("Blues")},
                                  Compared{Heatmap{{strong, 2}, labels, labels}, ColorMap("Reds")}}};
  const std::vector<Rectangle> cells = items<Rectangle>(comparison_figure(comparison, {}, measured));
  const std::vector<double> expected = {0.5, 0.5, 0.25, 0.75, 1, 0, 0, 1};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(cells[i].fill, ColorMap(i < 4 ? "Blues" : "Reds")(expected[i])) << i;
  }
}

TEST(ComparisonFigure, SaysInWordsWhatItShows) {
  const std::vector<float> weights = {0.9F, 0.1F, 0.3F, 0.7F};
  const std::vector<TokenLabel> labels = {{"", "a", false}, {"", "b", false}};
  const Heatmap map{.weights = {weights, 2}, .queries = labels, .keys = labels, .title = "m"};
  Heatmap other = map;
  other.title = "n";
  const Comparison comparison{
      .sides = {Compared{map, ColorMap("Blues"), {{"Tokens", "2"}}}, Compared{other, ColorMap("Reds"), {}}},
      .title = "Layer 1",
      .subtitle = "a b."};
  EXPECT_EQ(comparison_figure(comparison, {}, measured).description,
            "Two heatmaps of attention weights side by side, Layer 1, one scale, colours from 0.00 to 0.90. "
            "Text: a b. "
            "m: Tokens 2; strongest links off the diagonal: “b” (1) to “a” (0) 0.30, “a” (0) to “b” (1) "
            "0.10. The key "
            "that receives most is “a” (0), with 60 % of all weight. n: strongest links off the diagonal: "
            "“b” (1) to "
            "“a” (0) 0.30, “a” (0) to “b” (1) 0.10. The key that receives most is “a” (0), with 60 % of all "
            "weight.");
}

TEST(ComparisonFigure, LooksAsItDid) {
  const Map left({{"", "[CLS]", true}, {"", "bank", false}}),
      right({{"", "bank", false}, {"␣", "s", false}}, true);
  expect_golden("figure/comparison.txt",
                to_text(comparison_figure(comparison_of(left, right), {}, measured)));
}

TEST(Difference, IsCentredOnZeroAndWritesSigns) {
  const std::vector<float> weights = {0.2F, -0.4F, 0, 0.1F};
  const std::vector<TokenLabel> labels = {{"", "a", false}, {"", "b", false}};
  Heatmap map{.weights = {weights, 2}, .queries = labels, .keys = labels, .is_signed = true};
  const Figure figure = head_heatmap(map, {.colors = ColorMap("RdBu_r")}, measured);
  for (const char* text : {"+0.20", "−0.40", "0.00", "+0.10"}) EXPECT_TRUE(find_text(figure, text)) << text;
  const ColorScale scale({&map, 1}, {});
  EXPECT_EQ(scale.position(0), 0.5);
  EXPECT_FLOAT_EQ(static_cast<float>(scale.lower()), -0.4F);
  EXPECT_FLOAT_EQ(static_cast<float>(scale.upper()), 0.4F);
  EXPECT_EQ(ColorScale({&map, 1}, {.vmax = 0.2}).lower(), -0.2);
  EXPECT_EQ(error_of([&] {
              ColorScale({&map, 1}, {.scale = Scale::log});
            }),
            "colour scale: differences need a linear scale\n  hint: leave --scale out");
}

TEST(LayersByTokens, KeepsTextsApartAndOnThePageForAnyLayersAndTokens) {
  std::mt19937 random(20260104);
  for (int round = 0; round < 300; ++round) {
    const std::size_t tokens = round % 50 == 0 ? 512 : 1 + random() % (round % 5 ? 24 : 130);
    const std::size_t depth = 1 + random() % 48;
    const std::vector<TokenLabel> labels = random_labels(random, tokens);
    std::vector<TokenLabel> layers;
    for (std::size_t i = 1; i <= depth; ++i) layers.push_back({"", "Layer " + std::to_string(i), false});
    const std::vector<float> weights(depth * tokens, 0.1F);
    Heatmap map{.weights = {weights, tokens}, .queries = layers, .keys = labels, .rows_are_layers = true};
    map.title = "minilm · From “bank” (2) · Mean of 12 heads";
    map.subtitle = std::string(random() % 300, 'x');
    if (round % 3 == 0) map.notes = {"tokens behind it are masked: always 0"};
    expect_readable(head_heatmap(map, random_look(random, depth * tokens < 4000), measured),
                    std::to_string(depth) + " layers by " + std::to_string(tokens) + " tokens");
    if (HasFailure()) return;
  }
}

TEST(LayersByTokens, GivesEachLayerItsLabel) {
  const std::vector<TokenLabel> labels = words(128);
  std::vector<TokenLabel> layers;
  for (int i = 1; i <= 12; ++i) layers.push_back({"", "Layer " + std::to_string(i), false});
  const std::vector<float> weights(12 * 128, 0.1F);
  const Heatmap map{.weights = {weights, 128}, .queries = layers, .keys = labels, .rows_are_layers = true};
  const Figure figure = head_heatmap(map, {}, measured);
  expect_readable(figure, "12 layers by 128 tokens");
  for (const TokenLabel& layer : layers) EXPECT_TRUE(find_text(figure, layer.text)) << layer.text;
  EXPECT_FALSE(find_text(figure, "Queries (attending from)"));
}

}  // namespace
}  // namespace attnviz
