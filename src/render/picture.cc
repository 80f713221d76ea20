#include "render/picture.h"

#include "attnviz/error.h"
#include "attnviz/file.h"

namespace attnviz {
namespace {

Picture read_any_picture(std::string_view file) {
  if (file.starts_with("\x89PNG\r\n\x1a\n")) return read_png_picture(file);
  if (file.starts_with("%PDF-")) return read_pdf_picture(file);
  if (file.find("<svg") != std::string_view::npos) return read_svg_picture(file);
  throw Error("not a PNG, SVG or PDF", "name a figure that attnviz wrote");
}

}  // namespace

Picture read_picture(const std::filesystem::path& path) {
  const std::string file = read_file(path);
  try {
    return read_any_picture(file);
  } catch (const Error& error) {
    throw Error(path.string() + ": " + error.what(),
                error.hint().empty() ? "copy the file again, or draw the figure anew" : error.hint());
  }
}

}  // namespace attnviz
