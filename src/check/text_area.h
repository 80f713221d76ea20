/// text_area: what a text covers on a page.
#pragma once

#include "attnviz/figure.h"

namespace attnviz {

struct Area {
  double left = 0, top = 0, right = 0, bottom = 0;

  [[nodiscard]] bool holds(double x, double y) const {
    return x >= left && x < right && y >= top && y < bottom;
  }
  [[nodiscard]] bool meets(const Area& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

/// The smallest upright rectangle around a text, and `around` points more.
[[nodiscard]] Area area_of(const Text& text, const MeasureText& measure, double around);

}  // namespace attnviz
