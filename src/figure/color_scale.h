/// From a weight to its colour, and the colour bar's ticks.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "attnviz/figure.h"

namespace attnviz {

/// WCAG 2's contrast ratio of two colours, 1 to 21.
[[nodiscard]] double contrast(Color a, Color b);

/// Near-black or near-white, whichever is easier to read on `background`; contrast at least 4.5.
[[nodiscard]] Color ink_on(Color background);

/// Numbers in [lower, upper] spread over a colour map; those outside take its ends.
class ColorScale {
 public:
  struct Tick {
    double position;  ///< 0 at the lower end, 1 at the upper
    std::string label;
  };

  /// One scale for all the numbers that `maps` show, as `look` wishes. Throws Error when vmin is not
  /// below vmax, or a logarithm has nothing positive to start from.
  ColorScale(std::span<const MatrixView> maps, bool causal, const Look& look);

  [[nodiscard]] double position(double value) const;
  [[nodiscard]] Color color(double value) const { return colors_(position(value)); }
  [[nodiscard]] Color color_at(double place) const { return colors_(place); }
  [[nodiscard]] double lower() const { return lower_; }
  [[nodiscard]] double upper() const { return upper_; }

  /// Round numbers at least `spacing` (a share of the bar's length) apart, from low to high. An end
  /// beyond which weights lie is always among them, marked "≥" or "≤".
  [[nodiscard]] std::vector<Tick> ticks(double spacing) const;

 private:
  ColorMap colors_;
  Scale scale_;
  double lower_ = 0, upper_ = 1;
  bool below_ = false, above_ = false;  ///< some weights lie beyond the ends
};

}  // namespace attnviz
