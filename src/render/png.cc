#include "render/png.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/render.h"
#include "render/draw.h"
#include "render/record.h"
#include "render/zlib.h"

namespace attnviz {
namespace {

/// Of an annotated map, level 3 takes a fifth of the time of Cairo's own writer, for files of its size;
/// higher levels save a few per cent.
constexpr int kCompression = 3;

void append_u32(std::string& bytes, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift);
}

/// A chunk as PNG frames it: length, type, data, and a CRC of type and data.
void write_chunk(const Sink& sink, std::string_view type, std::string_view data) {
  std::string head, tail;
  append_u32(head, static_cast<std::uint32_t>(data.size()));
  head += type;
  std::uint32_t checksum = libdeflate_crc32(0, type.data(), type.size());
  if (!data.empty()) checksum = libdeflate_crc32(checksum, data.data(), data.size());
  append_u32(tail, checksum);
  sink(head);
  sink(data);
  sink(tail);
}

void write_text(const Sink& sink, std::string_view keyword, std::string_view text) {
  if (text.empty()) return;
  // No compression, no language, no translated keyword.
  write_chunk(sink, "iTXt", std::string(keyword) + std::string(5, '\0') + std::string(text));
}

/// The colours of an image that has at most 256 of them, and where each stands.
class Palette {
 public:
  static std::optional<Palette> of(const Pixels& pixels) {
    Palette palette;
    std::uint32_t last = kNone;
    for (const std::uint32_t pixel : pixels) {
      if (pixel == last) continue;
      last = pixel;
      if (!palette.insert(pixel)) return std::nullopt;
    }
    return palette;
  }

  [[nodiscard]] std::uint8_t index(std::uint32_t color) const { return indices_[slot(color)]; }

  [[nodiscard]] std::string bytes() const {
    std::string bytes;
    for (const std::uint32_t color : colors_) {
      for (const int shift : {16, 8, 0}) bytes += static_cast<char>(color >> shift);
    }
    return bytes;
  }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  static constexpr std::size_t kSlots = 1024;

  Palette() { slots_.fill(kNone); }

  [[nodiscard]] std::size_t slot(std::uint32_t color) const {
    std::size_t at = (color * 0x9E3779B1U) >> 22;
    while (slots_[at] != kNone && slots_[at] != color) at = (at + 1) % kSlots;
    return at;
  }

  bool insert(std::uint32_t color) {
    const std::size_t at = slot(color);
    if (slots_[at] == color) return true;
    if (colors_.size() == 256) return false;
    slots_[at] = color;
    indices_[at] = static_cast<std::uint8_t>(colors_.size());
    colors_.push_back(color);
    return true;
  }

  std::array<std::uint32_t, kSlots> slots_;
  std::array<std::uint8_t, kSlots> indices_{};
  std::vector<std::uint32_t> colors_;
};

/// Whether a row is shorter said by what differs from the one above than by its own runs.
bool resembles_above(const std::uint32_t* row, std::size_t columns) {
  std::size_t above = 0, left = 0;
  for (std::size_t i = 0; i < columns; ++i) above += row[i] != *(row + i - columns);
  for (std::size_t i = 1; i < columns; ++i) left += row[i] != row[i - 1];
  return above == 0 || 2 * above < left;
}

/// Rows as PNG filters them. A map's rows mostly repeat the one above, or differ in little: that is said with
/// the filter "up". The others compress best unfiltered.
Bytes filtered_rows(const Pixels& pixels, std::size_t columns, const std::optional<Palette>& palette) {
  const std::size_t width = columns * (palette ? 1 : 3), rows = pixels.size() / columns;
  Bytes bytes((width + 1) * rows);
  char* out = bytes.begin();
  for (std::size_t row = 0; row < rows; ++row) {
    const std::uint32_t* const begin = pixels.begin() + row * columns;
    const bool up = row > 0 && resembles_above(begin, columns);
    *out++ = up ? 2 : 0;
    for (const std::uint32_t* pixel = begin; pixel != begin + columns; ++pixel) {
      const std::uint32_t above = up ? *(pixel - columns) : 0;
      if (palette) {
        *out++ = static_cast<char>(palette->index(*pixel) - (up ? palette->index(above) : 0));
      } else {
        for (const int shift : {16, 8, 0}) *out++ = static_cast<char>((*pixel >> shift) - (above >> shift));
      }
    }
  }
  return bytes;
}

}  // namespace

void encode_png(const Pixels& pixels, std::size_t columns, const PngNotes& notes, const Sink& sink) {
  const std::optional<Palette> palette = Palette::of(pixels);
  std::string header;
  append_u32(header, static_cast<std::uint32_t>(columns));
  append_u32(header, static_cast<std::uint32_t>(pixels.size() / columns));
  header += '\x08';                     // bits a sample
  header += palette ? '\x03' : '\x02';  // indexed or RGB
  header += std::string(3, '\0');       // deflate, adaptive filters, not interlaced

  sink("\x89PNG\r\n\x1a\n");
  write_chunk(sink, "IHDR", header);
  if (notes.dpi > 0) {
    std::string density;
    const auto dots_a_metre = static_cast<std::uint32_t>(std::lround(notes.dpi / 0.0254));
    append_u32(density, dots_a_metre);
    append_u32(density, dots_a_metre);
    density += '\x01';
    write_chunk(sink, "pHYs", density);
  }
  if (palette) write_chunk(sink, "PLTE", palette->bytes());
  write_text(sink, "Title", notes.title);
  write_text(sink, "Description", notes.description);
  for (const std::string& piece : png_record(notes.record)) write_chunk(sink, "iTXt", piece);
  write_chunk(sink, "IDAT", deflated(filtered_rows(pixels, columns, palette).view(), kCompression).view());
  write_chunk(sink, "IEND", {});
}

namespace {

/// The pixels a length takes. Throws Error beyond what an image can have.
int pixels_of(double points, double scale) {
  constexpr double kMostPixels = 32767;  // Cairo's image surfaces end there
  const double pixels = std::max(1.0, std::round(points * scale));
  if (!(pixels <= kMostPixels)) {
    throw Error(
        "PNG: " + std::to_string(static_cast<long>(pixels)) + " pixels a side, expected at most 32767",
        "draw it with fewer --dpi, or as .svg or .pdf");
  }
  return static_cast<int>(pixels);
}

/// The figure's pixels, and how many make a row.
std::pair<Pixels, std::size_t> drawn(const Figure& figure, double dpi) {
  if (!(dpi > 0)) throw Error("dpi: expected a number above 0");
  const double scale = dpi / 72;
  const int columns = pixels_of(figure.width, scale), rows = pixels_of(figure.height, scale);
  Pixels pixels(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows));
  const Surface surface(cairo_image_surface_create_for_data(reinterpret_cast<unsigned char*>(pixels.begin()),
                                                            CAIRO_FORMAT_RGB24, columns, rows, columns * 4));
  draw(figure, surface.get(), scale, Glyphs::filled);
  cairo_surface_flush(surface.get());
  for (std::uint32_t& pixel : pixels) pixel &= 0xFFFFFF;
  return {std::move(pixels), static_cast<std::size_t>(columns)};
}

}  // namespace

Raster rasterized(const Figure& figure, double dpi) {
  const auto [pixels, columns] = drawn(figure, dpi);
  return {columns, {pixels.begin(), pixels.end()}, dpi};
}

void write_png(const Figure& figure, double dpi, const Sink& sink) {
  const auto [pixels, columns] = drawn(figure, dpi);
  encode_png(pixels, columns, {dpi, figure.title, figure.description, figure.record}, sink);
}

}  // namespace attnviz
