#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "attnviz/render.h"
#include "support/figures.h"
#include "support/pictures.h"
#include "support/views.h"

namespace attnviz {
namespace {

using test::expect_picture;
using test::Map;
using test::Viewed;

std::string png(const Figure& figure) {
  constexpr double kDpi = 60;  // as small as can be read: these pictures are for their layout
  std::string bytes;
  write_png(figure, kDpi, [&](std::string_view piece) { bytes += piece; });
  return bytes;
}

std::vector<TokenLabel> bert_words() {
  return {{"", "[CLS]", true}, {"", "bank", false}, {"##", "s", false}, {"", "[SEP]", true}};
}

std::vector<TokenLabel> gpt2_words() { return {{"", "The", false}, {"␣", "bank", false}, {"", "s", false}}; }

/// A map for each panel, and the grid of them.
struct Panels {
  std::vector<std::unique_ptr<Map>> maps;
  HeatmapGrid grid;

  Panels(const std::vector<TokenLabel>& words, std::size_t count, std::size_t columns, bool causal = false) {
    for (std::size_t i = 0; i < count; ++i) {
      maps.push_back(std::make_unique<Map>(words, causal, static_cast<unsigned>(i)));
      grid.panels.push_back(maps.back()->heatmap);
      grid.panels.back().title = "Layer 6 · Head " + std::to_string(i);
    }
    grid.columns = columns;
    grid.subtitle = "Banks.";
  }
};

TEST(Pictures, OfGridsLookAsTheyDid) {
  Panels ragged(gpt2_words(), 3, 2);
  ragged.grid.title = "gpt2 · Layer 6";
  ragged.grid.notes = {"tokens 0 to 2 of 4: rows may sum to less than 1"};
  expect_picture("grid.png", png(heatmap_grid(ragged.grid, {}, text_measure())));
  Panels overview(gpt2_words(), 6, 3, true);
  overview.grid.title = "gpt2 · 2 layers × 3 heads";
  overview.grid.row_names = {"Layer 1", "Layer 2"};
  overview.grid.column_names = {"Head 0", "Head 1", "Head 2"};
  expect_picture("overview_dark.png",
                 png(heatmap_grid(overview.grid, {.theme = Theme::dark}, text_measure())));
}

TEST(Pictures, OfTwoMapsLookAsTheyDid) {
  Map bert(bert_words()), gpt2(gpt2_words(), true, 2);
  bert.heatmap.title = "minilm";
  gpt2.heatmap.title = "gpt2";
  const Comparison comparison{
      .sides = {Compared{bert.heatmap, ColorMap("Blues"), {{"Tokens", "4"}, {"Attends", "both ways"}}},
                Compared{gpt2.heatmap, ColorMap("Reds"), {{"Tokens", "3"}, {"Attends", "backwards"}}}},
      .title = "Layer 6 · Head 0",
      .subtitle = "Banks."};
  expect_picture("comparison.png", png(comparison_figure(comparison, {}, text_measure())));

  const Map other(bert_words(), false, 3);
  std::vector<float> difference = bert.weights;
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= other.weights[i];
  Heatmap map = bert.heatmap;
  map.weights.values = difference;
  map.title = "minilm · Head 0 − Head 1";
  map.is_signed = true;
  map.quantity = "Difference of Weights";
  expect_picture("difference.png", png(head_heatmap(map, {.colors = ColorMap("RdBu_r")}, text_measure())));
}

TEST(Pictures, OfAFlowLookAsTheyDid) {
  const std::vector<TokenLabel> words = bert_words();
  const Map map(words);
  std::vector<TokenLabel> layers;
  for (int layer = 1; layer <= 3; ++layer) layers.push_back({"", "Layer " + std::to_string(layer), false});
  Heatmap flow = map.heatmap;
  flow.weights.values = flow.weights.values.first(3 * words.size());
  flow.queries = layers;
  flow.rows_are_layers = true;
  flow.title = "minilm · From “bank” (1) · Head 0";
  expect_picture("flow.png", png(head_heatmap(flow, {}, text_measure())));
}

TEST(Pictures, OfASummaryLookAsTheyDid) {
  Map map(bert_words());
  map.heatmap.title = "minilm · Summary";
  const std::vector<double> received = {1.75, 0.5, 0.75, 1};
  const Summary summary{.layers = {{1, 0.25, 1.25}, {2, 0.25, 0.5}, {3, 0.25, 0.75}},
                        .uniform_entropy = std::log(4),
                        .mean = map.heatmap,
                        .received = received};
  expect_picture("summary.png", png(summary_figure(summary, {.colors = ColorMap("YlOrRd")}, text_measure())));
}

TEST(Pictures, OfViewsLookAsTheyDid) {
  Viewed bert(bert_words(), {.layers = 1, .heads = 3, .second_from = 2});
  expect_picture("view_head.png", png(view_figure(bert.view, {}, text_measure())));
  bert.view.token = 1;
  bert.view.shown_heads = {1};
  expect_picture("view_token_dark.png", png(view_figure(bert.view, {.theme = Theme::dark}, text_measure())));
  Viewed gpt2(gpt2_words(), {.head_size = 5, .causal = true});
  gpt2.view.kind = View::Kind::model;
  expect_picture("view_model.png", png(view_figure(gpt2.view, {}, text_measure())));
  gpt2.view.kind = View::Kind::neuron;
  gpt2.view.token = 1;
  expect_picture("view_neuron.png", png(view_figure(gpt2.view, {}, text_measure())));
}

// Text that stands upright is stamped, all other is filled: a whole turn makes the difference.
TEST(Pictures, StampTextAsItWouldBeFilled) {
  Figure figure{.width = 90, .height = 60, .background = {255, 255, 255}};
  for (int i = 0; i < 40; ++i) {
    // Beyond all edges, at many places between pixels, and each place twice.
    const double place = i / 2;
    figure.items.emplace_back(
        Rectangle{place * 4 - 5, place * 3 - 2, 9, 9, {static_cast<std::uint8_t>(i * 6), 90, 20}});
    figure.items.emplace_back(Text{.x = place * 4.7 - 3,
                                   .y = place * 3.3 - 1,
                                   .text = i % 3 ? "0.57" : "##ŵg",
                                   .size = 5 + place / 9,
                                   .color = {250, static_cast<std::uint8_t>(i * 5), 200},
                                   .bold = i % 5 == 0,
                                   .mark_bytes = i % 3 ? 0U : 2U});
  }
  const test::Pixels stamped(png(figure));
  for (Item& item : figure.items) {
    if (Text* const text = std::get_if<Text>(&item)) text->angle = 360;
  }
  const test::Pixels filled(png(figure));
  for (std::size_t i = 0; i < filled.colors.size(); ++i) {
    for (const int shift : {0, 8, 16}) {
      const auto level = [&](const test::Pixels& pixels) {
        return static_cast<int>(pixels.colors[i] >> shift & 255);
      };
      EXPECT_NEAR(level(stamped), level(filled), 1) << "pixel " << i;
    }
  }
}

}  // namespace
}  // namespace attnviz
