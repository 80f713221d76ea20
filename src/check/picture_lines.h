/// picture_lines: whether the lines of a view are those that its numbers make.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "attnviz/render.h"
#include "check/layout.h"
#include "check/picture_texts.h"

namespace attnviz {

/// "line 3 has another colour", of an SVG's or a PDF's lines.
[[nodiscard]] std::vector<std::string> lines_that_differ(const ExpectedPicture& expected,
                                                         const Figure& stored);

/// The same of pixels, `scale` to a point: each line is looked for at some places along it where it lies on
/// top.
[[nodiscard]] std::vector<std::string> lines_not_shown(const ExpectedPicture& expected, const Raster& stored,
                                                       double scale, const PixelShift& shift);

}  // namespace attnviz
