#include "check/colors.h"

#include <algorithm>
#include <cstdlib>

#include "check/names.h"

namespace attnviz {

int levels_between(Color a, Color b) {
  return std::max({std::abs(a.red - b.red), std::abs(a.green - b.green), std::abs(a.blue - b.blue)});
}

std::string hex_of(Color color) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "#";
  for (const int channel : {color.red, color.green, color.blue}) {
    text += kDigits[channel >> 4];
    text += kDigits[channel & 15];
  }
  return text;
}

bool ColorCount::is_shifted() const {
  constexpr std::size_t kOneIn = 20;
  const auto many = [](std::size_t part, std::size_t whole) {
    return part > std::max<std::size_t>(1, whole / kOneIn);
  };
  return many(off, cells) || many(bar_off, bar);
}

ColorCount count_colors(const ExpectedPicture& expected, const ColorAt& color_at) {
  ColorCount count;
  for (std::size_t i = 0; i < expected.shapes.size(); ++i) {
    const std::optional<Color> color = color_at(i);
    if (!color) continue;
    const bool is_cell = i < expected.cells;
    const int levels = levels_between(*color, expected.shapes[i].fill);
    ++(is_cell ? count.cells : count.bar);
    count.farthest = std::max(count.farthest, levels);
    if (levels > 0) ++(is_cell ? count.off : count.bar_off);
    if (levels <= kSlightly) continue;
    ++count.wrong;
    count.places.push_back(i);
  }
  return count;
}

Findings color_findings(const Record& record, const ExpectedPicture& expected, const ColorCount& count,
                        const ColorAt& color_at) {
  constexpr std::size_t kMostDetails = 10;
  if (count.is_good()) return {};
  CheckFinding finding{CheckStep::picture, {}, {}};
  const std::size_t looked_at = count.cells + count.bar;
  if (count.is_shifted() && count.farthest <= kNeighbours) {
    finding.message = "the picture's colour map is not its record's: colours are off by up to " +
                      counted(static_cast<std::size_t>(count.farthest), "level");
  } else if (count.wrong > looked_at / 2) {
    finding.message = "the picture shows other numbers than its record";
  } else {
    finding.message = "the picture is not its record's, in " + counted(count.wrong, "place");
  }
  for (const std::size_t place : count.places) {
    if (finding.details.size() == kMostDetails) break;
    finding.details.push_back(expected.name_of(record, place) + ": " + hex_of(expected.shapes[place].fill) +
                              " by the record, " + hex_of(color_at(place).value_or(Color{})) +
                              " in the picture");
  }
  return {finding};
}

}  // namespace attnviz
