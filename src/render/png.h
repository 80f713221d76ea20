/// The PNG encoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "attnviz/file.h"
#include "render/buffer.h"

namespace attnviz {

using Pixels = Buffer<std::uint32_t>;  ///< 0x00RRGGBB, row by row, as Cairo's RGB24

/// What a PNG says beside its pixels.
struct PngNotes {
  double dpi = 0;  ///< 0: not said
  std::string title, description;
  std::string record;  ///< see png_record()
};

/// 8 bits a channel; a palette where at most 256 colours occur (PNG, third edition, W3C 2025).
void encode_png(const Pixels& pixels, std::size_t columns, const PngNotes& notes, const Sink& sink);

}  // namespace attnviz
