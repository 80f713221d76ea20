/// Encodes PNGs anew, with attnviz's encoder and with Cairo's own writer, for scripts/bench.
#include <algorithm>
#include <cstring>
#include <ctime>
#include <iomanip>
#include <iostream>

#include "render/draw.h"
#include "render/png.h"

namespace {

using attnviz::Pixels;

struct Picture {
  int columns, rows;
  Pixels pixels;
};

Picture read(const char* path) {
  const attnviz::Surface image(cairo_image_surface_create_from_png(path));
  attnviz::check_cairo(cairo_surface_status(image.get()), path);
  const int columns = cairo_image_surface_get_width(image.get()),
            rows = cairo_image_surface_get_height(image.get());
  Picture picture{columns, rows, Pixels(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows))};
  std::memcpy(picture.pixels.begin(), cairo_image_surface_get_data(image.get()), picture.pixels.size() * 4);
  for (std::uint32_t& pixel : picture.pixels) pixel &= 0xFFFFFF;
  return picture;
}

struct Cost {
  double milliseconds = 0;
  std::size_t bytes = 0;
};

template <class Encode>
Cost cost_of(Encode&& encode) {
  const std::clock_t start = std::clock();
  Cost cost;
  cost.bytes = encode();
  cost.milliseconds = 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  return cost;
}

std::size_t by_attnviz(const Picture& picture) {
  std::size_t bytes = 0;
  encode_png(picture.pixels, static_cast<std::size_t>(picture.columns), {},
             [&bytes](std::string_view piece) { bytes += piece.size(); });
  return bytes;
}

std::size_t by_cairo(Picture& picture) {
  const attnviz::Surface image(cairo_image_surface_create_for_data(
      reinterpret_cast<unsigned char*>(picture.pixels.begin()), CAIRO_FORMAT_RGB24, picture.columns,
      picture.rows, picture.columns * 4));
  std::size_t bytes = 0;
  const attnviz::Sink count = [&bytes](std::string_view piece) { bytes += piece.size(); };
  attnviz::CairoOutput output(count);
  attnviz::check_cairo(cairo_surface_write_to_png_stream(image.get(), attnviz::CairoOutput::write, &output),
                       "PNG");
  return bytes;
}

}  // namespace

int main(int count, char** paths) {
  if (count < 2) {
    std::cerr << "usage: png_bench FILE...\n";
    return 2;
  }
  try {
    Cost ours, cairo;
    double largest = 0;
    for (int i = 1; i < count; ++i) {
      Picture picture = read(paths[i]);
      const Cost a = cost_of([&] { return by_attnviz(picture); }),
                 b = cost_of([&] { return by_cairo(picture); });
      ours = {ours.milliseconds + a.milliseconds, ours.bytes + a.bytes};
      cairo = {cairo.milliseconds + b.milliseconds, cairo.bytes + b.bytes};
      largest = std::max(largest, static_cast<double>(a.bytes) / static_cast<double>(b.bytes));
    }
    const auto tell = [&](const char* name, const Cost& cost) {
      std::cout << name << ' ' << cost.milliseconds / (count - 1) << " ms and "
                << static_cast<double>(cost.bytes) / 1024 / (count - 1) << " KiB each, ";
    };
    std::cout << std::setprecision(3);
    tell("attnviz", ours);
    tell("Cairo", cairo);
    std::cout << "size " << static_cast<double>(ours.bytes) / static_cast<double>(cairo.bytes)
              << " of Cairo's (at most " << largest << ")\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "png_bench: " << error.what() << '\n';
    return 2;
  }
}
