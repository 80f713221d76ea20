#include <algorithm>
#include <cmath>

#include "attnviz/error.h"
#include "attnviz/render.h"
#include "check/colors.h"
#include "check/names.h"
#include "check/steps.h"
#include "check/text_area.h"

namespace attnviz {
namespace {

constexpr double kDpi = 150;

Figure laid_out(const Record& record) { return lay_out(record.drawn, record.look, text_measure()); }

Raster rasterized_without_texts(Figure figure, double dpi) {
  std::erase_if(figure.items, [](const Item& item) { return std::holds_alternative<Text>(item); });
  return rasterized(figure, dpi);
}

/// A version's pixels: those of its PNG, or its items drawn, or what its record makes.
Raster pixels_of(const FigureVersion& version, double dpi) {
  if (version.file.empty()) return rasterized_without_texts(laid_out(version.record), dpi);
  Picture picture = read_picture(version.file);
  if (auto* const raster = std::get_if<Raster>(&picture)) return std::move(*raster);
  return rasterized_without_texts(std::get<Figure>(std::move(picture)), dpi);
}

Color color_of(std::uint32_t pixel) {
  return {static_cast<std::uint8_t>(pixel >> 16), static_cast<std::uint8_t>(pixel >> 8),
          static_cast<std::uint8_t>(pixel)};
}

std::string size_of(const Raster& raster) {
  return std::to_string(raster.columns) + " × " + std::to_string(raster.rows());
}

/// Makes everything that texts of the record cover alike.
void blank_texts(const Record& record, double scale, Raster& raster) {
  constexpr double kAround = 2;
  const MeasureText measure = text_measure();
  const auto place = [&](double points, std::size_t most) {
    return static_cast<std::size_t>(std::clamp(points * scale, 0.0, static_cast<double>(most)));
  };
  for (const Item& item : laid_out(record).items) {
    const auto* const text = std::get_if<Text>(&item);
    if (!text) continue;
    const Area area = area_of(*text, measure, kAround);
    const std::size_t left = place(area.left, raster.columns), right = place(area.right, raster.columns);
    for (std::size_t row = place(area.top, raster.rows()); row < place(area.bottom, raster.rows()); ++row) {
      const auto begin = raster.pixels.begin() + static_cast<std::ptrdiff_t>(row * raster.columns);
      std::fill(begin + static_cast<std::ptrdiff_t>(left), begin + static_cast<std::ptrdiff_t>(right), 0);
    }
  }
}

double dpi_of(const FigureVersion& version) {
  if (version.file.extension() != ".png") return 0;
  const Picture picture = read_picture(version.file);
  const auto* const raster = std::get_if<Raster>(&picture);
  return raster ? raster->dpi : 0;
}

}  // namespace

Findings check_pixels(const FigureVersion& expected, const FigureVersion& actual) {
  constexpr int kAllowed = 1;
  const double said = std::max(dpi_of(expected), dpi_of(actual)), dpi = said > 0 ? said : kDpi;
  Raster before = pixels_of(expected, dpi), after = pixels_of(actual, dpi);
  if (before.columns != after.columns || before.rows() != after.rows())
    return {{CheckStep::pixels, "pixels: " + size_of(before) + " → " + size_of(after)}};
  for (Raster* const raster : {&before, &after}) {
    blank_texts(expected.record, dpi / 72, *raster);
    blank_texts(actual.record, dpi / 72, *raster);
  }
  std::size_t differ = 0, first = 0;
  int most = 0;
  for (std::size_t i = 0; i < before.pixels.size(); ++i) {
    const int levels = levels_between(color_of(before.pixels[i]), color_of(after.pixels[i]));
    most = std::max(most, levels);
    if (levels > kAllowed && differ++ == 0) first = i;
  }
  if (differ == 0) return {};
  const std::string place = "the first at " + std::to_string(first % before.columns) + ", " +
                            std::to_string(first / before.columns) + ": " +
                            hex_of(color_of(before.pixels[first])) + " → " +
                            hex_of(color_of(after.pixels[first]));
  return {{CheckStep::pixels,
           counted(differ, "pixel") + " of " + std::to_string(before.pixels.size()) + " differ, by up to " +
               counted(static_cast<std::size_t>(most), "level"),
           {place}}};
}

}  // namespace attnviz
