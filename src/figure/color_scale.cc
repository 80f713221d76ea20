#include <algorithm>
#include <cmath>

#include "attnviz/error.h"
#include "attnviz/figure.h"
#include "figure/ink.h"
#include "figure/number.h"
#include "figure/ticks.h"

namespace attnviz {
namespace {

constexpr double kLogFloor = 1e-3;  // of the upper end: attention below a thousandth of it is noise

/// Of what the maps show.
ColorScale::Range range_of(std::span<const Heatmap> maps) {
  ColorScale::Range range;
  for (const Heatmap& map : maps) {
    for (std::size_t row = 0; row < map.weights.rows(); ++row) {
      for (std::size_t column = 0; column < map.weights.columns; ++column) {
        if (!map.shows(row, column)) continue;
        const double value = map.weights(row, column);
        if (!std::isfinite(value)) {
          ++range.not_finite;
          continue;
        }
        range.smallest = std::min(range.smallest, value);
        range.largest = std::max(range.largest, value);
        if (value > 0) range.smallest_positive = std::min(range.smallest_positive, value);
      }
    }
  }
  return range;
}

/// The round numbers 1, 2, 5 (or only 1) times a power of ten in [lower, upper], from high to low.
std::vector<double> round_numbers(double lower, double upper, bool powers_only) {
  std::vector<double> numbers;
  const int last = static_cast<int>(std::floor(std::log10(upper)));
  const int first = lower > 0 ? static_cast<int>(std::floor(std::log10(lower))) : last - 6;
  for (int exponent = last; exponent >= first; --exponent) {
    for (const int factor : {5, 2, 1}) {
      if (powers_only && factor != 1) continue;
      // Through decimal text, so that 5 times 0.01 is written 0.05.
      const std::string text = std::to_string(factor) + "e" + std::to_string(exponent);
      double number = 0;
      std::from_chars(text.data(), text.data() + text.size(), number);
      if (number >= lower * (1 - 1e-9) && number <= upper * (1 + 1e-9)) numbers.push_back(number);
    }
  }
  return numbers;
}

}  // namespace

ColorScale::ColorScale(std::span<const Heatmap> maps, const Look& look)
    : colors_(look.colors), scale_(look.scale) {
  const bool is_signed = !maps.empty() && maps.front().is_signed;
  const bool turned = look.theme == Theme::dark && !is_signed && !colors_.name().ends_with("_r") &&
                      !colors_.is_diverging() && luminance(colors_(0)) > luminance(colors_(1));
  if (turned) colors_ = colors_.reversed();
  const Range range = range_of(maps);
  not_finite_ = range.not_finite;
  is_signed ? set_signed_ends(range, look) : set_ends(range, look);
  if (!(lower_ < upper_) || !std::isfinite(lower_) || !std::isfinite(upper_)) {
    throw Error("colour scale: vmin must be below vmax, got " + shortest(lower_) + " and " + shortest(upper_),
                "weights shown lie between " + shortest(range.smallest) + " and " + shortest(range.largest));
  }
}

void ColorScale::set_ends(const Range& range, const Look& look) {
  upper_ = look.vmax.value_or(range.largest > 0 ? range.largest : 1);
  if (scale_ == Scale::log) {
    const double smallest = std::clamp(range.smallest_positive, upper_ * kLogFloor, upper_ / 2);
    lower_ = look.vmin.value_or(std::pow(10, std::floor(std::log10(smallest))));
    if (!(lower_ > 0)) {
      throw Error("vmin: " + shortest(lower_) + " has no logarithm", "a log scale starts above 0");
    }
  } else {
    lower_ = look.vmin.value_or(std::min(0.0, range.smallest));
  }
  below_ = scale_ == Scale::log ? range.smallest < lower_ : look.vmin && range.smallest < lower_;
  above_ = look.vmax && range.largest > upper_;
}

void ColorScale::set_signed_ends(const Range& range, const Look& look) {
  if (scale_ != Scale::linear)
    throw Error("colour scale: differences need a linear scale", "leave --scale out");
  const bool any = range.smallest <= range.largest;
  const double largest = any ? std::max(std::abs(range.smallest), std::abs(range.largest)) : 0;
  const double given = std::max(std::abs(look.vmin.value_or(0)), std::abs(look.vmax.value_or(0)));
  upper_ = given > 0 ? given : largest > 0 ? largest : 1;
  lower_ = -upper_;
  below_ = range.smallest < lower_;
  above_ = range.largest > upper_;
}

double ColorScale::position(double value) const {
  const double clamped = value > lower_ ? std::min(value, upper_) : lower_;
  switch (scale_) {
    case Scale::sqrt:
      return std::sqrt((clamped - lower_) / (upper_ - lower_));
    case Scale::log:
      return std::log(clamped / lower_) / std::log(upper_ / lower_);
    case Scale::linear:
      break;
  }
  return (clamped - lower_) / (upper_ - lower_);
}

std::vector<ColorScale::Tick> ColorScale::ticks(double spacing) const {
  std::vector<Tick> ticks;  // from high to low
  if (above_) ticks.push_back({1, "≥ " + minus_signed(shortest(upper_))});
  const bool from_zero = scale_ == Scale::sqrt && lower_ == 0;
  const double lowest = below_ || from_zero ? spacing : 0;
  const auto add = [&](double value, const std::string& label) {
    const double place = position(value);
    const bool apart = ticks.empty() || ticks.back().position - place >= spacing;
    if (apart && place >= lowest) ticks.push_back({place, label});
  };
  if (scale_ == Scale::linear) {
    constexpr double kMostSteps = 6;
    const Step step = round_step((upper_ - lower_) * std::max(spacing, 1 / kMostSteps));
    const double first = std::ceil(lower_ / step.size - 1e-9), last = std::floor(upper_ / step.size + 1e-9);
    for (double k = last; k >= first; --k)
      add(k * step.size, minus_signed(fixed(k * step.size + 0.0, step.decimals)));
  } else {
    const bool decades = scale_ == Scale::log && upper_ / lower_ > 300;
    for (const double value : round_numbers(lower_, upper_, decades)) add(value, shortest(value));
  }
  if (below_ || from_zero) ticks.push_back({0, (below_ ? "≤ " : "") + minus_signed(shortest(lower_))});
  std::reverse(ticks.begin(), ticks.end());
  return ticks;
}

}  // namespace attnviz
