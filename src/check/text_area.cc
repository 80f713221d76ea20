#include "check/text_area.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace attnviz {

Area area_of(const Text& text, const MeasureText& measure, double around) {
  const double length = measure(text.text, text.size, text.bold);
  const double start = text.align == Text::Align::start ? 0
                       : text.align == Text::Align::end ? -length
                                                        : -length / 2;
  const double angle = text.angle * std::numbers::pi / 180, half = text.size / 2;
  Area area{text.x, text.y, text.x, text.y};
  for (const double along : {start, start + length}) {
    for (const double across : {-half, half}) {
      const double x = text.x + along * std::cos(angle) - across * std::sin(angle),
                   y = text.y + along * std::sin(angle) + across * std::cos(angle);
      area = {std::min(area.left, x), std::min(area.top, y), std::max(area.right, x),
              std::max(area.bottom, y)};
    }
  }
  return {area.left - around, area.top - around, area.right + around, area.bottom + around};
}

}  // namespace attnviz
