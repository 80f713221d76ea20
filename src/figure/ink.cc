#include "figure/ink.h"

#include <algorithm>
#include <cmath>

namespace attnviz {

double luminance(Color color) {
  const auto linear = [](std::uint8_t channel) {
    const double value = channel / 255.0;
    return value <= 0.03928 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue);
}

double contrast(Color a, Color b) {
  const auto [darker, lighter] = std::minmax({luminance(a), luminance(b)});
  return (lighter + 0.05) / (darker + 0.05);
}

Color ink_on(Color background) {
  constexpr double kReadable = 4.5;
  const auto better = [&](Color dark, Color light) {
    return contrast(background, dark) >= contrast(background, light) ? dark : light;
  };
  const Color soft = better({0x22, 0x26, 0x2b}, {255, 255, 255});
  // Between the two there are mid-tones that only pure black or white stands out from.
  return contrast(background, soft) >= kReadable ? soft : better({0, 0, 0}, {255, 255, 255});
}

}  // namespace attnviz
