/// colors: whether the colours that a picture has are those that its numbers have.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "check/layout.h"
#include "check/steps.h"

namespace attnviz {

/// Levels of a channel: what rounding may do, and how far apart neighbours in a colour map are.
inline constexpr int kSlightly = 2, kNeighbours = 6;

/// The largest difference of a channel.
[[nodiscard]] int levels_between(Color a, Color b);

/// "#1f77b4".
[[nodiscard]] std::string hex_of(Color color);

/// How a picture's colours compare with its shapes'.
struct ColorCount {
  std::size_t wrong = 0;  ///< by more than two levels
  std::size_t off = 0;    ///< of the cells, by any
  std::size_t cells = 0;
  std::size_t bar_off = 0, bar = 0;   ///< the same of what is no cell
  int farthest = 0;                   ///< the largest difference, in levels
  std::vector<std::size_t> places{};  ///< the wrong shapes

  /// A number that a machine rounds otherwise may take its neighbour in the colour map; all of them do not.
  [[nodiscard]] bool is_shifted() const;
  [[nodiscard]] bool is_good() const { return wrong == 0 && !is_shifted(); }
};

/// The colour that a picture has where a shape is; none where it can't be told.
using ColorAt = std::function<std::optional<Color>(std::size_t shape)>;

[[nodiscard]] ColorCount count_colors(const ExpectedPicture& expected, const ColorAt& color_at);

/// In words; nothing when all is well.
[[nodiscard]] Findings color_findings(const Record& record, const ExpectedPicture& expected,
                                      const ColorCount& count, const ColorAt& color_at);

}  // namespace attnviz
