#include "support/pictures.h"

#include <cairo.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include "support/support.h"

namespace attnviz::test {
namespace {

using Surface = std::unique_ptr<cairo_surface_t, void (*)(cairo_surface_t*)>;

Surface decoded(std::string_view bytes) {
  const auto read = [](void* rest, unsigned char* into, unsigned length) {
    auto& left = *static_cast<std::string_view*>(rest);
    if (left.size() < length) return CAIRO_STATUS_READ_ERROR;
    std::memcpy(into, left.data(), length);
    left.remove_prefix(length);
    return CAIRO_STATUS_SUCCESS;
  };
  Surface surface(cairo_image_surface_create_from_png_stream(read, &bytes), cairo_surface_destroy);
  EXPECT_EQ(cairo_surface_status(surface.get()), CAIRO_STATUS_SUCCESS);
  return surface;
}

/// The most levels by which a channel of a pixel differs; of pictures of one size.
int largest_difference(const Pixels& a, const Pixels& b) {
  int most = 0;
  for (std::size_t i = 0; i < a.colors.size(); ++i) {
    for (const int shift : {0, 8, 16}) {
      const int first = static_cast<int>(a.colors[i] >> shift & 255),
                second = static_cast<int>(b.colors[i] >> shift & 255);
      most = std::max(most, std::abs(first - second));
    }
  }
  return most;
}

}  // namespace

Pixels::Pixels(std::string_view png) {
  const Surface surface = decoded(png);
  width = cairo_image_surface_get_width(surface.get());
  height = cairo_image_surface_get_height(surface.get());
  for (int y = 0; y < height; ++y) {
    const auto* row = reinterpret_cast<const unsigned*>(cairo_image_surface_get_data(surface.get()) +
                                                        y * cairo_image_surface_get_stride(surface.get()));
    for (int x = 0; x < width; ++x) colors.push_back(row[x] & 0xFFFFFF);
  }
}

std::size_t size_as_cairo_writes(std::string_view png) {
  std::size_t bytes = 0;
  cairo_surface_write_to_png_stream(
      decoded(png).get(),
      [](void* size, const unsigned char*, unsigned length) {
        *static_cast<std::size_t*>(size) += length;
        return CAIRO_STATUS_SUCCESS;
      },
      &bytes);
  return bytes;
}

void expect_picture(const std::string& name, const std::string& png) {
  const std::filesystem::path golden = std::filesystem::path(ATTNVIZ_TEST_GOLDEN) / "render" / name;
  if (std::getenv("ATTNVIZ_UPDATE_GOLDEN")) {
    std::filesystem::create_directories(golden.parent_path());
    write(golden, png);
    FAIL() << golden << " written: review it and run again without ATTNVIZ_UPDATE_GOLDEN";
  }
  std::ifstream stream(golden, std::ios::binary);
  ASSERT_TRUE(stream) << golden << " is missing: run once with ATTNVIZ_UPDATE_GOLDEN=1";
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const Pixels expected(bytes), drawn(png);
  const bool same_size = expected.width == drawn.width && expected.height == drawn.height;
  const int most = same_size ? largest_difference(expected, drawn) : 255;
  if (most <= 1) return;
  write(name + ".actual.png", png);
  FAIL() << golden << " differs from " << name << ".actual.png by " << most << " levels (" << drawn.width
         << " × " << drawn.height << ", expected " << expected.width << " × " << expected.height << ")";
}

}  // namespace attnviz::test
