#include "check/picture_lines.h"

#include <algorithm>
#include <cmath>

#include "check/colors.h"
#include "check/names.h"
#include "check/text_area.h"

namespace attnviz {
namespace {

std::vector<Line> lines_of(const Figure& figure) {
  std::vector<Line> lines;
  for (const Item& item : figure.items) {
    if (const auto* const line = std::get_if<Line>(&item)) lines.push_back(*line);
  }
  return lines;
}

/// The page as it is drawn, but for its texts.
Raster without_texts(Figure figure, double scale) {
  std::erase_if(figure.items, [](const Item& item) { return std::holds_alternative<Text>(item); });
  return rasterized(figure, scale * 72);
}

Color color_at(const Raster& raster, long x, long y) {
  const std::uint32_t pixel =
      raster.pixels[static_cast<std::size_t>(y) * raster.columns + static_cast<std::size_t>(x)];
  return {static_cast<std::uint8_t>(pixel >> 16), static_cast<std::uint8_t>(pixel >> 8),
          static_cast<std::uint8_t>(pixel)};
}

bool is_inside(const Raster& raster, long x, long y) {
  return x >= 0 && y >= 0 && x < static_cast<long>(raster.columns) && y < static_cast<long>(raster.rows());
}

/// How near a picture's colours about a place come to one, in levels.
int nearest_level(const Raster& stored, long x, long y, Color wanted) {
  int nearest = 255;
  for (long down = -1; down <= 1; ++down) {
    for (long across = -1; across <= 1; ++across) {
      if (is_inside(stored, x + across, y + down))
        nearest = std::min(nearest, levels_between(color_at(stored, x + across, y + down), wanted));
    }
  }
  return nearest;
}

}  // namespace

std::vector<std::string> lines_that_differ(const ExpectedPicture& expected, const Figure& stored) {
  constexpr double kRounding = 0.02;  // of positions in points, as formats round them
  const std::vector<Line> lines = lines_of(stored);
  if (lines.size() != expected.lines.size())
    return {counted(lines.size(), "line") + ", expected " + std::to_string(expected.lines.size())};
  std::vector<std::string> found;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Line &wanted = expected.lines[i], &line = lines[i], &first = lines[0];
    const double x = line.x1 - wanted.x1, y = first.y1 - expected.lines[0].y1;
    const bool placed = std::abs(line.x2 - wanted.x2 - x) <= kRounding &&
                        std::abs(line.y1 - wanted.y1 - y) <= kRounding &&
                        std::abs(line.y2 - wanted.y2 - y) <= kRounding;
    if (placed && line.color == wanted.color) continue;
    found.push_back("line " + std::to_string(i) + (placed ? " has another colour" : " goes elsewhere"));
  }
  return found;
}

std::vector<std::string> lines_not_shown(const ExpectedPicture& expected, const Raster& stored, double scale,
                                         const PixelShift& shift) {
  constexpr int kAllowed = 24;  // levels: lines that are moved by parts of a pixel are smoothed otherwise
  constexpr double kPlaces[] = {0.15, 0.3, 0.5, 0.7, 0.85};
  const Raster drawn = without_texts(expected.figure, scale);
  const MeasureText measure = text_measure();
  std::vector<Area> texts;
  for (const Text& text : expected.texts) texts.push_back(area_of(text, measure, 1));
  std::vector<std::string> found;
  for (std::size_t i = 0; i < expected.lines.size(); ++i) {
    const Line& line = expected.lines[i];
    for (const double share : kPlaces) {
      const double x = line.x1 + share * (line.x2 - line.x1), y = line.y1 + share * (line.y2 - line.y1);
      const auto column = static_cast<long>(x * scale), row = static_cast<long>(y * scale);
      const bool covered =
          std::any_of(texts.begin(), texts.end(), [&](const Area& text) { return text.holds(x, y); });
      if (covered || !is_inside(drawn, column, row)) continue;
      const Color wanted = color_at(drawn, column, row);
      if (nearest_level(stored, column + shift.x, row + shift.y, wanted) <= kAllowed) continue;
      found.push_back("line " + std::to_string(i) + " is not where it was expected");
      break;
    }
  }
  return found;
}

}  // namespace attnviz
