/// picture: what a figure's file shows, read back: each format's reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "attnviz/render.h"

namespace attnviz {

/// Pixels that a picture may have when it is unpacked: a square of 11,585.
inline constexpr std::uint64_t kMostPixels = std::uint64_t{1} << 27;

/// Of all images in an SVG or a PDF: Cairo writes maps of some cells as a million pixels each, and a page may
/// have 144 maps.
inline constexpr std::uint64_t kMostImagePixels = std::uint64_t{1} << 28;

/// Of whole files. They throw Error with the fault alone. What they make is bounded by one budget a file,
/// however few bytes of it tell of it, and however often.
[[nodiscard]] Raster read_png_picture(std::string_view file, std::uint64_t most_pixels = kMostPixels);
[[nodiscard]] Figure read_svg_picture(std::string_view file);
[[nodiscard]] Figure read_pdf_picture(std::string_view file);

/// "#1f77b4", or none.
[[nodiscard]] std::optional<Color> read_hex(std::string_view text);

}  // namespace attnviz
