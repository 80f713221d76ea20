/// layout: what a record's picture must show, and where.
#pragma once

#include <string>
#include <vector>

#include "attnviz/check.h"

namespace attnviz {

/// A filled place that says something: a cell, a step of a colour bar, a bar or point of a chart.
struct Shape {
  double x = 0, y = 0, width = 0, height = 0;
  Color fill;
  bool crisp = false;     ///< its right and lower parts may lie under its neighbours
  std::size_t block = 0;  ///< shapes of one block keep their distances, whatever the fonts
};

/// The layout of a record, taken apart.
struct ExpectedPicture {
  Figure figure;
  std::vector<Shape> shapes;  ///< an image's cells one by one
  std::vector<Text> texts;
  std::vector<Line> lines;
  std::vector<Line> zoom_lines;  ///< those of them that lie over the map: its frame, and to its larger part
  std::size_t cells = 0;         ///< so many of the shapes, the first, are cells of maps

  /// As today's program lays it out, with fonts `font_scale` times as wide. Throws Error when it can't be
  /// laid out.
  ExpectedPicture(const Record& record, double font_scale);

  /// "layer 7 head 3 "bank"(5) → "river"(2)", "the colour bar".
  [[nodiscard]] std::string name_of(const Record& record, std::size_t shape) const;
};

/// The shapes of a display list, in their order.
[[nodiscard]] std::vector<Shape> shapes_of(const Figure& figure);

}  // namespace attnviz
