/// picture_items, picture_pixels: the two kinds of pictures against what they must show.
#pragma once

#include "attnviz/render.h"
#include "check/colors.h"

namespace attnviz {

/// How many places do not fit, to choose between layouts, and what is wrong.
struct Verdict {
  std::size_t wrong = 0;
  Findings findings{};
  bool same_size = false;  ///< the page is as large as expected
};

/// An SVG's or a PDF's items.
[[nodiscard]] Verdict judge_items(const Record& record, const ExpectedPicture& expected,
                                  const Figure& stored);

/// A PNG's pixels, `scale` to a point.
[[nodiscard]] Verdict judge_pixels(const Record& record, const ExpectedPicture& expected,
                                   const Raster& stored, double scale);

}  // namespace attnviz
