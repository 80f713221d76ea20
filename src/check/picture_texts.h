/// picture_texts: whether the texts among a picture's pixels are those that belong there.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "attnviz/render.h"
#include "check/layout.h"

namespace attnviz {

/// Where a block lies in a picture, in pixels from where it was expected.
struct PixelShift {
  int x = 0, y = 0;
  friend bool operator==(const PixelShift&, const PixelShift&) = default;
};

/// Numbers and labels that the pixels do not show, as "the picture shows 0.88 where its record has 0.83".
/// Each is drawn, and compared with what is there: a font that is a little larger is known again, another
/// digit fits better.
[[nodiscard]] std::vector<std::string> texts_not_shown(const ExpectedPicture& expected, const Raster& stored,
                                                       double scale, std::span<const PixelShift> shifts);

}  // namespace attnviz
