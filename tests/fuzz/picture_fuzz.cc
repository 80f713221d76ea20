// Whatever the bytes: an Error, or a picture whose sizes agree.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "attnviz/error.h"
#include "render/picture.h"

namespace {

void read(std::string_view file) {
  if (file.starts_with("%PDF-")) {
    (void)attnviz::read_pdf_picture(file);
    return;
  }
  if (file.starts_with("\x89PNG\r\n\x1a\n")) {
    constexpr std::uint64_t kMost = 1 << 20;  // each is unpacked many times a second
    const attnviz::Raster raster = attnviz::read_png_picture(file, kMost);
    if (raster.columns == 0 || raster.pixels.size() % raster.columns != 0 || raster.pixels.size() > kMost)
      std::abort();
    return;
  }
  for (const attnviz::Item& item : attnviz::read_svg_picture(file).items) {
    const auto* const image = std::get_if<attnviz::Image>(&item);
    if (image && (image->columns == 0 || image->pixels.size() % image->columns != 0)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    read({reinterpret_cast<const char*>(data), size});
  } catch (const attnviz::Error&) {
  }
  return 0;
}
