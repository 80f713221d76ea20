#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <tuple>
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

/// The y of a head view's rows, by their labels at one side.
double row_of(const Figure& figure, const std::string& token, Text::Align side) {
  for (const Text& text : items<Text>(figure)) {
    if (text.text == token && text.align == side) return text.y;
  }
  ADD_FAILURE() << token << " is not there";
  return 0;
}

std::multiset<std::pair<std::string, std::string>> linked(const Figure& figure,
                                                          const std::vector<TokenLabel>& tokens) {
  std::multiset<std::pair<std::string, std::string>> found;
  const auto at = [&](double y, Text::Align side) -> std::string {
    for (const TokenLabel& token : tokens) {
      const Text* text = find_text(figure, token.text);
      if (!text) continue;
      for (const Text& label : items<Text>(figure)) {
        if (label.text == token.text && label.align == side && std::abs(label.y - y) < 1e-6)
          return token.text;
      }
    }
    return "?";
  };
  for (const Line& line : links(figure))
    found.emplace(at(line.y1, Text::Align::end), at(line.y2, Text::Align::start));
  return found;
}

TEST(HeadView, LinksTokensByTheirWeights) {
  const Told told(kNumbers);
  const Figure figure = drawn(told.view);
  const std::vector<Line> lines = links(figure);
  ASSERT_EQ(lines.size(), 9U);
  EXPECT_EQ(lines.back().y1, row_of(figure, "b", Text::Align::end));  // 0.8, the strongest
  EXPECT_EQ(lines.back().y2, row_of(figure, "b", Text::Align::start));
  EXPECT_EQ(lines[7].y1, row_of(figure, "c", Text::Align::end));  // 0.6
  EXPECT_EQ(lines[7].y2, row_of(figure, "a", Text::Align::start));
  EXPECT_TRUE(find_text(figure, "m · Layer 4 · Head 2"));
  // Half the strongest weight is half as far from the page.
  Told half({0.8F, 0, 0, 0, 0.4F, 0, 0, 0, 0});
  const Figure halves = drawn(half.view);
  ASSERT_EQ(links(halves).size(), 2U);
  EXPECT_NEAR(strength(halves, links(halves)[0].color), strength(halves, links(halves)[1].color) / 2, 0.01);
}

TEST(HeadView, ShowsOneTokensLinksAloneAndItsWeightsInNumbers) {
  Told told(kNumbers);
  told.view.token = 2;
  const Figure from = drawn(told.view);
  const std::multiset<std::pair<std::string, std::string>> expected = {{"c", "a"}, {"c", "b"}, {"c", "c"}};
  EXPECT_EQ(linked(from, told.labels), expected);
  for (const char* number : {"0.60", "0.25", "0.15"}) EXPECT_TRUE(find_text(from, number)) << number;
  EXPECT_FALSE(find_text(from, "0.80"));
  EXPECT_TRUE(find_text(from, "m · Layer 4 · Head 2 · From “c” (2)"));
  EXPECT_FALSE(find_text(drawn(told.view, {.annotate = Annotate::never}), "0.60"));

  told.view.token_is_key = true;
  const Figure to = drawn(told.view);
  const std::multiset<std::pair<std::string, std::string>> mirrored = {{"a", "c"}, {"b", "c"}, {"c", "c"}};
  EXPECT_EQ(linked(to, told.labels), mirrored);
  for (const char* number : {"0.20", "0.10", "0.15"}) EXPECT_TRUE(find_text(to, number)) << number;
  EXPECT_TRUE(find_text(to, "m · Layer 4 · Head 2 · To “c” (2)"));
  std::size_t bold = 0;
  for (const Text& text : items<Text>(to)) bold += text.bold && text.text == "c";
  EXPECT_EQ(bold, 1U);
}

TEST(HeadView, DrawsACellOfEachHeadBesideTheTokensThatTheChosenOneIsLinkedTo) {
  Viewed viewed(words(5), {.layers = 1, .heads = 3});
  viewed.view.token = 1;
  const Figure figure = drawn(viewed.view);
  const std::vector<Line> lines = links(figure);
  const std::vector<Rectangle> rectangles = items<Rectangle>(figure);
  ASSERT_EQ(lines.size(), 15U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(rectangles[i].fill, lines[i].color);  // the first that are drawn
    EXPECT_GT(rectangles[i].x, lines[i].x2);
    EXPECT_LT(std::abs(rectangles[i].y + rectangles[i].height / 2 - lines[i].y2), 5);
  }
}

TEST(HeadView, LabelsTheChosenTokenHoweverFewOthersAre) {
  std::vector<TokenLabel> labels = words(200);
  labels[101] = {"", "chosen", false};
  Viewed viewed(labels, {.layers = 1, .heads = 1});
  viewed.view.token = 101;
  const Figure figure = drawn(viewed.view);
  const Text* const chosen = find_text(figure, "chosen");
  ASSERT_TRUE(chosen);
  EXPECT_TRUE(chosen->bold);
  EXPECT_NEAR(chosen->y, links(figure).front().y1, 1e-6);
}

TEST(HeadView, LeavesWeakLinesOutAndSaysSo) {
  Told told(kNumbers);
  told.view.threshold = 0.25;
  const Figure figure = drawn(told.view);
  const std::multiset<std::pair<std::string, std::string>> expected = {
      {"a", "a"}, {"a", "b"}, {"b", "b"}, {"c", "a"}, {"c", "b"}};
  EXPECT_EQ(linked(figure, told.labels), expected);
  EXPECT_TRUE(find_text(figure, "lines of weights from 0.25 on"));
}

TEST(HeadView, ShowsOnlyTheSentencesThatTheFilterLeaves) {
  struct Case {
    Filter filter;
    std::string queries, keys, title;
  };
  std::vector<TokenLabel> labels;
  for (const char* token : {"a", "b", "c", "d", "e"}) labels.push_back({"", token, false});
  Viewed viewed(labels, {.layers = 1, .heads = 1, .second_from = 2});
  for (const auto& [filter, queries, keys, title] :
       {Case{Filter::all, "abcde", "abcde", ""}, Case{Filter::a_to_a, "ab", "ab", " · A to A"},
        Case{Filter::b_to_b, "cde", "cde", " · B to B"}, Case{Filter::a_to_b, "ab", "cde", " · A to B"},
        Case{Filter::b_to_a, "cde", "ab", " · B to A"}}) {
    viewed.view.filter = filter;
    const Figure figure = drawn(viewed.view);
    std::string left, right;
    for (const Text& text : items<Text>(figure)) {
      if (text.text.size() != 1 || text.text[0] < 'a' || text.text[0] > 'e') continue;
      (text.align == Text::Align::end ? left : right) += text.text;
    }
    EXPECT_EQ(left, queries);
    EXPECT_EQ(right, keys);
    EXPECT_EQ(links(figure).size(), queries.size() * keys.size());
    EXPECT_EQ(figure.title, "minilm · Layer 1 · Head 0" + title);
    EXPECT_EQ(find_text(figure, "A") != nullptr, title != " · B to B") << title;
    EXPECT_EQ(find_text(figure, "B") != nullptr, title != " · A to A") << title;
  }
}

TEST(HeadView, DrawsNothingOfWhatACausalModelMasks) {
  Viewed viewed(words(6), {.layers = 1, .heads = 2, .causal = true});
  const std::vector<Line> lines = links(drawn(viewed.view));
  EXPECT_EQ(lines.size(), 2U * 21U);
  for (const Line& line : lines) EXPECT_LE(line.y2, line.y1 + 1e-6);
}

TEST(HeadView, GivesAHeadTheSameColorWhateverOthersAreShown) {
  Viewed viewed(words(4), {.layers = 1, .heads = 12});
  const auto tile = [](const Figure& figure, const std::string& number) {
    const Text text = *find_text(figure, number);
    for (const Rectangle& r : items<Rectangle>(figure)) {
      if (r.x < text.x && text.x < r.x + r.width && r.y < text.y && text.y < r.y + r.height) return r.fill;
    }
    ADD_FAILURE() << "no tile of head " << number;
    return Color{};
  };
  for (const Theme theme : {Theme::light, Theme::dark}) {
    viewed.view.shown_heads = viewed.view.heads;
    const Figure all = drawn(viewed.view, {.theme = theme});
    std::set<std::tuple<int, int, int>> colors;
    for (const int head : viewed.view.heads) {
      const Color color = tile(all, std::to_string(head));
      colors.emplace(color.red, color.green, color.blue);
      EXPECT_GE(test::contrast(color, all.background), 1.6) << head;
      viewed.view.shown_heads = {head};
      EXPECT_EQ(tile(drawn(viewed.view, {.theme = theme}), std::to_string(head)), color) << head;
    }
    EXPECT_EQ(colors.size(), 12U);
  }
}

TEST(HeadView, NamesItsHeads) {
  Viewed viewed(words(3), {.layers = 1, .heads = 12});
  struct Case {
    std::vector<int> heads;
    std::string title;
  };
  for (const auto& [heads, title] :
       {Case{{3}, "Head 3"}, Case{{0, 3}, "Heads 0, 3"}, Case{{4, 5}, "Heads 4, 5"},
        Case{{0, 1, 2, 7}, "Heads 0–2, 7"}, Case{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, "Heads 0–11"}}) {
    viewed.view.shown_heads = heads;
    EXPECT_EQ(drawn(viewed.view).title, "minilm · Layer 1 · " + title);
  }
  EXPECT_EQ(drawn(viewed.view, {.title = "mine"}).title, "mine");
}

TEST(ModelView, LaysOutThumbnailsByLayerAndHead) {
  Viewed viewed(words(4), {.layers = 2, .heads = 3});
  viewed.view.kind = Kind::model;
  const Figure figure = drawn(viewed.view);
  EXPECT_EQ(links(figure).size(), 2U * 3U * 16U);
  EXPECT_EQ(figure.title, "minilm · 2 layers × 3 heads");
  std::set<std::pair<long, long>> places;
  for (const Line& line : links(figure)) {
    // A row of thumbnails lies about its name, a column of them below its own.
    const bool second = std::abs(line.y1 - find_text(figure, "Layer 2")->y) <
                        std::abs(line.y1 - find_text(figure, "Layer 1")->y);
    places.emplace(second, std::lround(line.x1));
  }
  EXPECT_EQ(places.size(), 6U);
  viewed.view.token = 2;
  EXPECT_EQ(links(drawn(viewed.view)).size(), 2U * 3U * 4U);
  EXPECT_EQ(drawn(viewed.view).title, "minilm · 2 layers × 3 heads · From “word” (2)");
}

TEST(ModelView, LeavesTheWeakestLinesOutWhereThereWouldBeTooMany) {
  Viewed viewed(words(64), {.layers = 2, .heads = 4});
  viewed.view.kind = Kind::model;
  const Figure figure = drawn(viewed.view);
  std::vector<float> falling = viewed.weights;
  std::sort(falling.rbegin(), falling.rend());
  std::string note;
  for (const Text& text : items<Text>(figure)) {
    if (text.text.starts_with("lines of weights from ")) note = text.text;
  }
  ASSERT_TRUE(note.ends_with(" on, as there would be more than 20,000")) << note;
  const double from = std::stod(note.substr(std::string("lines of weights from ").size()));
  EXPECT_GT(from, falling[kMostLines]);
  EXPECT_LT(from, falling[kMostLines] * 1.2);
  const auto kept = static_cast<std::size_t>(
      std::count_if(falling.begin(), falling.end(), [&](float weight) { return weight >= from; }));
  EXPECT_LE(kept, kMostLines);
  EXPECT_EQ(links(figure).size(), kept);
  EXPECT_EQ(to_text(figure), to_text(drawn(viewed.view)));
}

/// They stand left of bars, in two columns from the top: dot products, and their softmax.
std::vector<double> numbers_of(const Figure& figure) {
  std::vector<double> numbers;
  for (Text text : items<Text>(figure)) {
    if (text.align != Text::Align::end || text.text.find('.') == std::string::npos) continue;
    if (text.text.starts_with("−")) text.text.replace(0, std::string("−").size(), "-");
    numbers.push_back(std::stod(text.text));
  }
  return numbers;
}

TEST(NeuronView, ShowsTheDotProductsAndTheirSoftmax) {
  Viewed viewed(words(7), {.layers = 2, .heads = 3, .head_size = 8});
  viewed.view.kind = Kind::neuron;
  viewed.view.layer = 2;
  viewed.view.shown_heads = {1};
  viewed.view.token = 4;
  const Figure figure = drawn(viewed.view);
  EXPECT_TRUE(find_text(figure, "q · k / √8"));
  const MatrixView query = viewed.view.query_at(2, 1), key = viewed.view.key_at(2, 1),
                   weights = viewed.view.at(2, 1);
  std::vector<double> dots(7, 0);
  double sum = 0;
  for (std::size_t i = 0; i < 7; ++i) {
    for (std::size_t d = 0; d < 8; ++d) dots[i] += query(4, d) * key(i, d) / std::sqrt(8);
    sum += std::exp(dots[i]);
  }
  const std::vector<double> shown = numbers_of(figure);
  ASSERT_EQ(shown.size(), 14U);
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_NEAR(shown[i], dots[i], 0.00501) << i;
    EXPECT_NEAR(shown[7 + i], std::exp(dots[i]) / sum, 0.00501) << i;
    EXPECT_NEAR(shown[7 + i], weights(4, i), 0.00501) << i;
  }
}

TEST(NeuronView, ScalesDotProductsAsTheLayerDoes) {
  Viewed viewed(words(3), {.layers = 2, .heads = 1, .head_size = 4});
  viewed.view.kind = Kind::neuron;
  viewed.view.shown_heads = {0};
  viewed.view.token = 2;
  viewed.view.dot_scales = {1, 0.25};
  for (const auto& [layer, name, scale] : {std::tuple{1, "q · k", 1.0}, {2, "q · k × 0.2500", 0.25}}) {
    viewed.view.layer = layer;
    const Figure figure = drawn(viewed.view);
    EXPECT_TRUE(find_text(figure, name)) << name;
    double dot = 0;
    for (std::size_t d = 0; d < 4; ++d)
      dot += static_cast<double>(viewed.view.query_at(layer, 0)(2, d)) * viewed.view.key_at(layer, 0)(0, d);
    EXPECT_NEAR(numbers_of(figure).front(), scale * dot, 0.00501);
  }
}

TEST(NeuronView, LeavesOutWhatTheLayersWindowHides) {
  Viewed viewed(words(7), {.layers = 2, .heads = 1, .head_size = 4});
  viewed.view.kind = Kind::neuron;
  viewed.view.shown_heads = {0};
  viewed.view.causal = true;
  viewed.view.windows = {0, 3};
  for (const auto& [layer, token, seen] : {std::tuple{1, 5, 6U}, {2, 5, 3U}, {2, 2, 3U}, {2, 1, 2U}}) {
    viewed.view.layer = layer;
    viewed.view.token = token;
    EXPECT_EQ(numbers_of(drawn(viewed.view)).size(), 2 * seen) << layer << " " << token;
  }
  viewed.view.token = 6;
  EXPECT_TRUE(find_text(drawn(viewed.view), "masked")) << "the first four";
}

TEST(NeuronView, LeavesOutWhatAWindowHidesOnBothSides) {
  Viewed viewed(words(7), {.layers = 2, .heads = 1, .head_size = 4});
  viewed.view.kind = Kind::neuron;
  viewed.view.shown_heads = {0};
  viewed.view.windows = {0, 3};
  for (const auto& [layer, token, seen] : {std::tuple{1, 5, 7U}, {2, 0, 3U}, {2, 3, 5U}, {2, 5, 4U}}) {
    viewed.view.layer = layer;
    viewed.view.token = token;
    EXPECT_EQ(numbers_of(drawn(viewed.view)).size(), 2 * seen) << layer << " " << token;
  }
}

TEST(NeuronView, ColorsVectorsByTheirNumbers) {
  Viewed viewed(words(3), {.layers = 1, .heads = 1, .head_size = 4});
  viewed.view.kind = Kind::neuron;
  viewed.view.token = 1;
  const std::vector<Rectangle> cells = items<Rectangle>(drawn(viewed.view));
  const std::span<const float> query = std::span(viewed.query).subspan(4, 4), key = viewed.key;
  double largest = 0, largest_product = 0;
  for (const float value : query) largest = std::max<double>(largest, std::abs(value));
  for (const float value : key) largest = std::max<double>(largest, std::abs(value));
  for (std::size_t i = 0; i < 12; ++i)
    largest_product = std::max<double>(largest_product, std::abs(query[i % 4] * key[i]));
  const auto color = [](double value, double end) { return ColorMap("RdBu_r")((value / end + 1) / 2); };
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(cells[i].fill, color(query[i], largest)) << i;
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(cells[4 + i].fill, color(key[i], largest)) << i;
    EXPECT_EQ(cells[16 + i].fill, color(query[i % 4] * key[i], largest_product)) << i;
  }
}

TEST(NeuronView, LeavesMaskedKeysOutAndSaysSo) {
  Viewed viewed(words(6), {.layers = 1, .heads = 1, .head_size = 4, .causal = true});
  viewed.view.kind = Kind::neuron;
  viewed.view.token = 2;
  const Figure figure = drawn(viewed.view);
  EXPECT_EQ(links(figure).size(), 3U);
  EXPECT_TRUE(find_text(figure, "masked"));
  viewed.view.token = 5;
  EXPECT_FALSE(find_text(drawn(viewed.view), "masked"));
}

TEST(NeuronView, ShowsOnlyTheSentencesThatTheFilterLeaves) {
  std::vector<TokenLabel> labels;
  for (const char* token : {"a", "b", "c", "d", "e"}) labels.push_back({"", token, false});
  Viewed viewed(labels, {.layers = 1, .heads = 1, .head_size = 4, .second_from = 2});
  viewed.view.kind = Kind::neuron;
  struct Case {
    Filter filter;
    std::size_t token;
    std::string queries, keys;
  };
  for (const auto& [filter, token, queries, keys] :
       {Case{Filter::a_to_b, 1, "ab", "cde"}, Case{Filter::b_to_a, 3, "cde", "ab"},
        Case{Filter::b_to_b, 4, "cde", "cde"}}) {
    viewed.view.filter = filter;
    viewed.view.token = token;
    const Figure figure = drawn(viewed.view);
    std::string left, right, weights, expected;
    for (const Text& text : items<Text>(figure)) {
      const bool label = text.text.size() == 1 && text.text[0] >= 'a' && text.text[0] <= 'e';
      if (label) (text.align == Text::Align::end ? left : right) += text.text;
      if (text.align == Text::Align::end && text.text.starts_with("0.")) weights += text.text + " ";
    }
    EXPECT_EQ(left, queries);
    EXPECT_EQ(right, keys);
    for (const char key : keys) {
      const float weight = viewed.view.at(1, 0)(token, static_cast<std::size_t>(key - 'a'));
      std::string digits = std::to_string(std::round(weight * 100) / 100);
      expected += digits.substr(0, 4) + " ";
    }
    EXPECT_EQ(weights, expected);
  }
  viewed.view.causal = true;
  viewed.view.filter = Filter::a_to_b;
  viewed.view.token = 1;
  EXPECT_EQ(
      error_of([&] { (void)drawn(viewed.view); }),
      "view: token 1 sees none of the keys that the filter leaves\n  hint: choose another token, or another "
      "filter");
}

TEST(NeuronView, DrawsManyCellsAsImages) {
  Viewed viewed(words(200), {.layers = 1, .heads = 1, .head_size = 64});
  viewed.view.kind = Kind::neuron;
  viewed.view.token = 2;
  const Figure figure = drawn(viewed.view);
  std::size_t pixels = 0;
  for (const Image& image : items<Image>(figure)) pixels += image.pixels.size();
  EXPECT_EQ(pixels, 64U + 2 * 200U * 64U);
  EXPECT_LE(items<Image>(figure).size(), 3U);
}

}  // namespace
}  // namespace attnviz
