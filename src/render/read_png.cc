#include <cairo.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

#include "attnviz/error.h"
#include "render/draw.h"
#include "render/picture.h"

namespace attnviz {
namespace {

std::uint32_t u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

/// Dots an inch of the chunk pHYs; 0 where there is none.
double dpi_of(std::string_view file) {
  constexpr std::size_t kSignature = 8, kFrame = 12;
  for (std::string_view rest = file.substr(kSignature); rest.size() >= kFrame;) {
    const std::size_t length = u32(rest);
    if (rest.size() - kFrame < length || rest.substr(4, 4) == "IDAT") return 0;
    const bool in_metres = rest.substr(4, 4) == "pHYs" && length == 9 && rest[16] == 1;
    if (in_metres) {
      // Whole dots a metre can't say every dpi: a whole one nearby is meant.
      const double dpi = u32(rest.substr(8)) * 0.0254, whole = std::round(dpi);
      return std::abs(dpi - whole) < 0.02 ? whole : dpi;
    }
    rest.remove_prefix(kFrame + length);
  }
  return 0;
}

/// The file without what is said beside the picture: a record's megabytes would only be inflated to be
/// dropped.
std::string picture_alone(std::string_view file) {
  constexpr std::size_t kSignature = 8, kFrame = 12;
  std::string kept(file.substr(0, kSignature));
  for (std::string_view rest = file.substr(kSignature); !rest.empty();) {
    const std::size_t length = u32(rest);
    if (rest.size() < kFrame || rest.size() - kFrame < length)
      throw Error("it is cut: a chunk ends beyond the file");
    const std::string_view type = rest.substr(4, 4);
    if (type == "IHDR" || type == "PLTE" || type == "tRNS" || type == "IDAT" || type == "IEND")
      kept += rest.substr(0, kFrame + length);
    if (type == "IEND") return kept;
    rest.remove_prefix(kFrame + length);
  }
  throw Error("it is cut: it has no end");
}

/// Before room is made for them: a megabyte of bytes that are all the same is a thousand when it is unpacked.
void expect_few_pixels(std::string_view picture, std::uint64_t most) {
  constexpr std::size_t kFirstType = 12, kWidth = 16, kEnd = 24;
  if (picture.size() < kEnd || picture.substr(kFirstType, 4) != "IHDR")
    throw Error("it is broken: it does not begin with its size");
  const std::uint64_t columns = u32(picture.substr(kWidth)), rows = u32(picture.substr(kWidth + 4));
  if (columns == 0 || rows <= most / columns) return;
  throw Error("too large: " + std::to_string(columns) + " × " + std::to_string(rows) +
              " pixels, expected at most " + std::to_string(most));
}

cairo_status_t take(void* rest, unsigned char* into, unsigned length) {
  auto& left = *static_cast<std::string_view*>(rest);
  if (left.size() < length) return CAIRO_STATUS_READ_ERROR;
  std::memcpy(into, left.data(), length);
  left.remove_prefix(length);
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

Raster read_png_picture(std::string_view file, std::uint64_t most_pixels) {
  const std::string picture = picture_alone(file);
  expect_few_pixels(picture, most_pixels);
  std::string_view rest = picture;
  const Surface surface(cairo_image_surface_create_from_png_stream(take, &rest));
  if (const cairo_status_t status = cairo_surface_status(surface.get()); status != CAIRO_STATUS_SUCCESS)
    throw Error(std::string("its pixels can't be read: ") + cairo_status_to_string(status));
  Raster raster;
  raster.dpi = dpi_of(file);
  raster.columns = static_cast<std::size_t>(cairo_image_surface_get_width(surface.get()));
  const auto rows = static_cast<std::size_t>(cairo_image_surface_get_height(surface.get()));
  const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(surface.get()));
  const bool opaque = cairo_image_surface_get_format(surface.get()) == CAIRO_FORMAT_RGB24;
  raster.pixels.resize(raster.columns * rows);
  for (std::size_t row = 0; row < rows; ++row) {
    std::memcpy(&raster.pixels[row * raster.columns],
                cairo_image_surface_get_data(surface.get()) + row * stride,
                raster.columns * sizeof(std::uint32_t));
  }
  for (std::uint32_t& pixel : raster.pixels) {
    if (!opaque && pixel >> 24 != 0xFF) throw Error("it is transparent in places, as no figure is");
    pixel &= 0xFFFFFF;
  }
  return raster;
}

}  // namespace attnviz
