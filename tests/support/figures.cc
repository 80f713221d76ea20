#include "support/figures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <tuple>

namespace attnviz::test {

double measured(std::string_view text, double size, bool bold) {
  double width = 0;
  for (std::size_t offset = 0; offset < text.size();) {
    width += next_code_point(text, offset) >= 0x2E80 ? 1 : 0.53;
  }
  return width * size * (bold ? 1.08 : 1);
}

Map::Map(std::vector<TokenLabel> tokens, bool causal, unsigned seed) : labels(std::move(tokens)) {
  std::mt19937 random(seed);
  const std::size_t n = labels.size();
  for (std::size_t row = 0; row < n; ++row) {
    const std::size_t start = weights.size(), end = causal ? row + 1 : n;
    float sum = 0;
    for (std::size_t column = 0; column < n; ++column) {
      const float drawn = static_cast<float>(random() % 1000 + 1) / 1000;
      weights.push_back(column < end ? drawn * drawn * drawn : 0);
      sum += weights.back();
    }
    for (std::size_t i = start; i < weights.size(); ++i) weights[i] /= sum;
  }
  heatmap = {.weights = {weights, n},
             .queries = labels,
             .keys = labels,
             .causal = causal,
             .title = "minilm · Layer 6 · Head 0",
             .subtitle = "A sentence."};
}

std::vector<TokenLabel> words(std::size_t count) {
  std::vector<TokenLabel> labels(count, {"", "word", false});
  labels.front() = {"", "[CLS]", true};
  labels.back() = {"", "[SEP]", true};
  return labels;
}

const Text* find_text(const Figure& figure, std::string_view text) {
  for (const Item& item : figure.items) {
    const auto* found = std::get_if<Text>(&item);
    if (found && found->text == text) return found;
  }
  return nullptr;
}

std::string without_bar_steps(const Figure& figure) {
  const std::string text = to_text(figure);
  std::string kept;
  for (std::size_t start = 0, end; start < text.size(); start = end + 1) {
    end = text.find('\n', start);
    const std::string line = text.substr(start, end - start);
    if (!line.ends_with(" crisp")) kept += line + "\n";
  }
  return kept;
}

namespace {

struct Point {
  double x, y;
};
using Corners = std::array<Point, 4>;

/// A text's line: as wide as it measures, as high as its size.
Corners corners(const Text& text) {
  const double width = measured(text.text, text.size, text.bold), half = text.size / 2;
  const double start = text.align == Text::Align::start ? 0
                       : text.align == Text::Align::end ? -width
                                                        : -width / 2;
  const double angle = text.angle * std::numbers::pi / 180;
  const auto turned = [&](double along, double across) {
    return Point{text.x + along * std::cos(angle) - across * std::sin(angle),
                 text.y + along * std::sin(angle) + across * std::cos(angle)};
  };
  return {turned(start, -half), turned(start + width, -half), turned(start + width, half),
          turned(start, half)};
}

/// Separating axes: two convex shapes are apart when some side's normal parts them.
bool intersect(const Corners& a, const Corners& b) {
  const double far =
      std::hypot(a[0].x - a[2].x, a[0].y - a[2].y) + std::hypot(b[0].x - b[2].x, b[0].y - b[2].y);
  if (std::hypot(a[0].x - b[0].x, a[0].y - b[0].y) > far) return false;
  for (const Corners* shape : {&a, &b}) {
    for (std::size_t i = 0; i < 4; ++i) {
      const Point from = (*shape)[i], to = (*shape)[(i + 1) % 4], normal{to.y - from.y, from.x - to.x};
      const auto span = [&](const Corners& corners_of) {
        double low = std::numeric_limits<double>::infinity(), high = -low;
        for (const Point& point : corners_of) {
          const double at = point.x * normal.x + point.y * normal.y;
          low = std::min(low, at);
          high = std::max(high, at);
        }
        return std::pair(low, high);
      };
      const auto [a_low, a_high] = span(a);
      const auto [b_low, b_high] = span(b);
      if (a_high <= b_low + 1e-6 || b_high <= a_low + 1e-6) return false;
    }
  }
  return true;
}

enum class Kind { word, number, shape, line };

struct Box {
  Corners corners;
  Kind kind;
  std::string text;
  double left = 0, right = 0, top = 0, bottom = 0;

  Box(const Corners& shape, Kind what, std::string content)
      : corners(shape), kind(what), text(std::move(content)) {
    std::tie(left, right) = std::minmax({shape[0].x, shape[1].x, shape[2].x, shape[3].x});
    std::tie(top, bottom) = std::minmax({shape[0].y, shape[1].y, shape[2].y, shape[3].y});
  }
};

Box shape_of(const auto& item) {
  const double right = item.x + item.width, bottom = item.y + item.height;
  return {{Point{item.x, item.y}, {right, item.y}, {right, bottom}, {item.x, bottom}}, Kind::shape, "a cell"};
}

/// A level, upright or slanted line as wide as it is drawn.
Box box_of(const Line& line) {
  const double length = std::hypot(line.x2 - line.x1, line.y2 - line.y1), half = line.width / 2;
  const double x = length > 0 ? (line.y1 - line.y2) / length * half : 0;
  const double y = length > 0 ? (line.x2 - line.x1) / length * half : 0;
  return {{Point{line.x1 - x, line.y1 - y},
           {line.x2 - x, line.y2 - y},
           {line.x2 + x, line.y2 + y},
           {line.x1 + x, line.y1 + y}},
          Kind::line,
          "a line"};
}

std::vector<Box> boxes_of(const Figure& figure) {
  std::vector<Box> boxes;
  for (const Item& item : figure.items) {
    if (const auto* text = std::get_if<Text>(&item)) {
      const bool number = text->align == Text::Align::middle && text->middle == Text::Middle::cap_height;
      if (!text->text.empty())
        boxes.emplace_back(corners(*text), number ? Kind::number : Kind::word, text->text);
    } else if (const auto* rectangle = std::get_if<Rectangle>(&item)) {
      boxes.push_back(shape_of(*rectangle));
    } else if (const auto* image = std::get_if<Image>(&item)) {
      boxes.push_back(shape_of(*image));
    } else {
      boxes.push_back(box_of(std::get<Line>(item)));
    }
  }
  return boxes;
}

/// Whether the number stands in the middle of a cell, or in an image of cells.
bool is_in(const Box& number, const Box& cell) {
  const double x = (number.left + number.right) / 2, y = (number.top + number.bottom) / 2;
  return number.kind == Kind::number && cell.kind == Kind::shape && cell.left < x && x < cell.right &&
         cell.top < y && y < cell.bottom;
}

/// Numbers lie on their cells; cells and lines on each other.
bool may_touch(const Box& a, const Box& b) {
  const auto is_text = [](const Box& box) { return box.kind == Kind::word || box.kind == Kind::number; };
  return (!is_text(a) && !is_text(b)) || is_in(a, b) || is_in(b, a);
}

}  // namespace

void expect_readable(const Figure& figure, const std::string& what) {
  std::vector<Box> boxes = boxes_of(figure);
  for (const Box& box : boxes) {
    EXPECT_TRUE(box.left >= 0 && box.top >= 0 && box.right <= figure.width && box.bottom <= figure.height)
        << what << ": " << box.text << " leaves the page";
  }
  // From left to right: a box can only touch those that begin before it ends.
  std::sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) { return a.left < b.left; });
  for (auto box = boxes.begin(); box != boxes.end(); ++box) {
    for (auto other = box + 1; other != boxes.end() && other->left < box->right; ++other) {
      const bool near = other->top < box->bottom && box->top < other->bottom;
      if (!near || may_touch(*box, *other)) continue;
      EXPECT_FALSE(intersect(box->corners, other->corners))
          << what << ": " << box->text << " and " << other->text << " touch at " << other->left << " "
          << other->top;
    }
  }
}

std::vector<TokenLabel> random_labels(std::mt19937& random, std::size_t count) {
  static const std::vector<std::string> kPool = {"a",
                                                 "bank",
                                                 "the",
                                                 ".",
                                                 "antidisestablishmentarianisms!",
                                                 "uncharacteristically",
                                                 "東京都特許許可局局長の名前は何ですか",
                                                 "الكتاب",
                                                 "שלום",
                                                 "नमस्ते",
                                                 "😀",
                                                 "👩‍👩‍👧",
                                                 "‹E4›‹B8›",
                                                 "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
                                                 "é",
                                                 ""};
  std::vector<TokenLabel> labels;
  for (std::size_t i = 0; i < count; ++i) {
    labels.push_back({random() % 4 ? "" : "##", kPool[random() % kPool.size()], random() % 10 == 0});
  }
  return labels;
}

double contrast(Color a, Color b) {
  const auto luminance = [](Color color) {
    const auto linear = [](double channel) {
      channel /= 255;
      return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue) + 0.05;
  };
  const double first = luminance(a), second = luminance(b);
  return std::max(first, second) / std::min(first, second);
}

}  // namespace attnviz::test
