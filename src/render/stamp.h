/// Texts that recur, as a map's numbers do: rasterised once, then stamped.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "attnviz/figure.h"
#include "render/typesetter.h"

namespace attnviz {

/// How much of each pixel a run of text covers.
struct Stamp {
  int left = 0, top = 0, width = 0, height = 0;  ///< seen from the pixel that the run's origin lies in
  std::vector<std::uint8_t> coverage{};          ///< 255: all of it
};

/// What a run's coverage depends on. Its place is in steps, far finer than Cairo's own: places that only
/// differ in the last bits of a sum share a stamp.
struct StampKey {
  static constexpr int kStepBits = 32;
  static constexpr std::int64_t kStepsAPixel = std::int64_t{1} << kStepBits;

  std::string text;
  bool bold;
  std::size_t split, offset;  ///< the run's
  double scale;               ///< of the outline
  std::int64_t x, y;          ///< of the run's origin within its pixel

  auto operator<=>(const StampKey&) const = default;
};

class Stamps {
 public:
  /// Each thread has its own.
  static Stamps& of_this_thread();

  /// Rasterises `outline` unless it is known. Good until the next call.
  [[nodiscard]] const Stamp& of(const StampKey& key, const cairo_path_t& outline);

 private:
  std::map<StampKey, Stamp> stamps_;
  std::size_t bytes_ = 0;
};

/// Blends `color` into an image surface, to the bit as Cairo fills a path of that coverage with it.
void press(const Stamp& stamp, Color color, int x, int y, cairo_surface_t* image);

}  // namespace attnviz
