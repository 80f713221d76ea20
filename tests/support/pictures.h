/// Pictures as tests look at them: pixel by pixel, and beside those that were reviewed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace attnviz::test {

/// A PNG's pixels as libpng reads them, 0xRRGGBB, row by row.
struct Pixels {
  int width = 0, height = 0;
  std::vector<unsigned> colors;

  explicit Pixels(std::string_view png);
};

/// Bytes of the same picture as Cairo writes it.
std::size_t size_as_cairo_writes(std::string_view png);

/// Compares with tests/golden/render/<name>, one level a channel allowed. A missing golden fails.
/// ATTNVIZ_UPDATE_GOLDEN=1 writes it and fails once. A mismatch leaves <name>.actual.png in the working
/// directory.
void expect_picture(const std::string& name, const std::string& png);

}  // namespace attnviz::test
