#include "render/stamp.h"

#include <algorithm>
#include <cmath>

#include "render/draw.h"

namespace attnviz {
namespace {

constexpr std::size_t kMostBytes = 4 << 20;  ///< of a thread's stamps

double pixels(std::int64_t steps) {
  return static_cast<double>(steps) / static_cast<double>(StampKey::kStepsAPixel);
}

/// Pixels that the rectangle touches.
Stamp around(double left, double top, double right, double bottom) {
  constexpr int kStride = 4;  // of Cairo's rows
  Stamp stamp{.left = static_cast<int>(std::floor(left)), .top = static_cast<int>(std::floor(top))};
  stamp.width = (static_cast<int>(std::ceil(right)) - stamp.left + kStride - 1) / kStride * kStride;
  stamp.height = static_cast<int>(std::ceil(bottom)) - stamp.top;
  return stamp;
}

Stamp rasterized(const StampKey& key, cairo_path_t outline) {
  const auto add_path = [&](cairo_t* cairo, const Stamp& to) {
    cairo_translate(cairo, pixels(key.x) - to.left, pixels(key.y) - to.top);
    cairo_scale(cairo, key.scale, key.scale);
    cairo_append_path(cairo, &outline);
    cairo_identity_matrix(cairo);
  };
  const Surface nothing(cairo_image_surface_create(CAIRO_FORMAT_A8, 0, 0));
  const Drawing measuring(cairo_create(nothing.get()));
  add_path(measuring.get(), {});
  double left, top, right, bottom;
  cairo_path_extents(measuring.get(), &left, &top, &right, &bottom);

  Stamp stamp = around(left, top, right, bottom);
  stamp.coverage.resize(static_cast<std::size_t>(stamp.width) * static_cast<std::size_t>(stamp.height));
  const Surface surface(cairo_image_surface_create_for_data(stamp.coverage.data(), CAIRO_FORMAT_A8,
                                                            stamp.width, stamp.height, stamp.width));
  const Drawing drawing(cairo_create(surface.get()));
  add_path(drawing.get(), stamp);
  cairo_fill(drawing.get());
  check_cairo(cairo_status(drawing.get()), "text");
  cairo_surface_flush(surface.get());
  return stamp;
}

/// A share of 255, rounded as Cairo does.
std::uint32_t share(std::uint32_t value, std::uint32_t of_255) { return (value * of_255 + 127) * 257 >> 16; }

std::uint32_t blended(std::uint32_t below, Color color, std::uint32_t coverage) {
  std::uint32_t pixel = 0;
  for (const auto& [shift, value] : {std::pair(16, color.red), {8, color.green}, {0, color.blue}}) {
    pixel |= (share(value, coverage) + share(below >> shift & 0xFF, 255 - coverage)) << shift;
  }
  return pixel;
}

}  // namespace

Stamps& Stamps::of_this_thread() {
  thread_local Stamps stamps;
  return stamps;
}

const Stamp& Stamps::of(const StampKey& key, const cairo_path_t& outline) {
  const auto known = stamps_.find(key);
  if (known != stamps_.end()) return known->second;
  Stamp stamp = rasterized(key, outline);
  if (bytes_ + stamp.coverage.size() > kMostBytes) {
    stamps_.clear();
    bytes_ = 0;
  }
  bytes_ += stamp.coverage.size();
  return stamps_.emplace(key, std::move(stamp)).first->second;
}

void press(const Stamp& stamp, Color color, int x, int y, cairo_surface_t* image) {
  cairo_surface_flush(image);
  const int columns = cairo_image_surface_get_width(image), rows = cairo_image_surface_get_height(image);
  auto* const pixels = reinterpret_cast<std::uint32_t*>(cairo_image_surface_get_data(image));
  const int left = x + stamp.left, top = y + stamp.top;
  for (int row = std::max(top, 0); row < std::min(top + stamp.height, rows); ++row) {
    const std::uint8_t* const coverage = stamp.coverage.data() + (row - top) * stamp.width - left;
    std::uint32_t* const line = pixels + static_cast<std::ptrdiff_t>(row) * columns;
    for (int column = std::max(left, 0); column < std::min(left + stamp.width, columns); ++column) {
      if (coverage[column] > 0) line[column] = blended(line[column], color, coverage[column]);
    }
  }
  cairo_surface_mark_dirty(image);
}

}  // namespace attnviz
