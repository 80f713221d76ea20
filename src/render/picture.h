/// picture: what a figure's file shows, read back: each format's reader.
#pragma once

#include <optional>
#include <string_view>

#include "attnviz/render.h"

namespace attnviz {

/// Of whole files. They throw Error with the fault alone.
[[nodiscard]] Raster read_png_picture(std::string_view file);
[[nodiscard]] Figure read_svg_picture(std::string_view file);
[[nodiscard]] Figure read_pdf_picture(std::string_view file);

/// "#1f77b4", or none.
[[nodiscard]] std::optional<Color> read_hex(std::string_view text);

}  // namespace attnviz
