#include <algorithm>
#include <array>
#include <cmath>

#include "attnviz/render.h"
#include "check/names.h"
#include "check/picture_items.h"
#include "check/picture_lines.h"
#include "check/picture_texts.h"
#include "check/text_area.h"

namespace attnviz {
namespace {

struct Pixel {
  int x, y;
};

/// Whether the middle of a line passes within a pixel's reach.
bool is_crossed(const Line& line, double x, double y, double reach) {
  const double across = line.x2 - line.x1, down = line.y2 - line.y1;
  const double length = std::max(across * across + down * down, 1e-9);
  const double share = std::clamp(((x - line.x1) * across + (y - line.y1) * down) / length, 0.0, 1.0);
  const double from_x = x - line.x1 - share * across, from_y = y - line.y1 - share * down;
  return std::hypot(from_x, from_y) < reach + line.width / 2;
}

/// For each shape, a pixel that it fills and no text and no line of a zoom covers; none where it is too
/// small.
std::vector<std::optional<Pixel>> places_to_look(const ExpectedPicture& expected, double scale) {
  constexpr double kAround = 1;
  const MeasureText measure = text_measure();
  std::vector<Area> texts;
  for (const Text& text : expected.texts) texts.push_back(area_of(text, measure, kAround));

  // Of a crisp shape only the part that no neighbour covers, at least five eighths.
  constexpr double kVisible = 0.62, kSpare = 0.02;
  const auto look_at = [&](const Shape& shape, double across, double down,
                           std::span<const Area> covered) -> std::optional<Pixel> {
    const double share = shape.crisp ? kVisible : 1;
    const double left = shape.x * scale, top = shape.y * scale, right = left + shape.width * share * scale,
                 bottom = top + shape.height * share * scale;
    const double x = std::floor(left + (right - left) * across), y = std::floor(top + (bottom - top) * down);
    const bool filled = shape.crisp ? x + 0.5 > left + kSpare && x + 0.5 < right - kSpare &&
                                          y + 0.5 > top + kSpare && y + 0.5 < bottom - kSpare
                                    : x >= left && x + 1 <= right && y >= top && y + 1 <= bottom;
    if (!filled) return std::nullopt;
    for (const Area& area : covered) {
      if (area.holds((x + 0.5) / scale, (y + 0.5) / scale)) return std::nullopt;
    }
    for (const Line& line : expected.zoom_lines) {
      if (is_crossed(line, (x + 0.5) / scale, (y + 0.5) / scale, 1 / scale)) return std::nullopt;
    }
    return Pixel{static_cast<int>(x), static_cast<int>(y)};
  };

  constexpr std::array<std::array<double, 2>, 7> kSpots = {
      {{0.5, 0.5}, {0.5, 0.12}, {0.5, 0.88}, {0.12, 0.5}, {0.88, 0.5}, {0.15, 0.15}, {0.85, 0.85}}};
  std::vector<std::optional<Pixel>> places;
  std::vector<Area> near;
  for (std::size_t i = 0; i < expected.shapes.size(); ++i) {
    const Shape& shape = expected.shapes[i];
    const Area area{shape.x, shape.y, shape.x + shape.width, shape.y + shape.height};
    near.clear();
    std::copy_if(texts.begin(), texts.end(), std::back_inserter(near),
                 [&](const Area& text) { return text.meets(area); });
    std::optional<Pixel> place;
    for (const auto& [across, down] : kSpots) {
      if (!place) place = look_at(shape, across, down, near);
    }
    places.push_back(place);
  }
  return places;
}

/// Finds blocks that larger or smaller fonts have moved.
class Search {
 public:
  Search(const ExpectedPicture& expected, const Raster& stored, double scale)
      : expected_(expected), stored_(stored), places_(places_to_look(expected, scale)) {
    constexpr double kFarthest = 30;  // points
    const int reach = static_cast<int>(std::ceil(kFarthest * scale));
    for (int y = -reach; y <= reach; ++y) {
      for (int x = -reach; x <= reach; ++x) candidates_.push_back({x, y});
    }
    std::stable_sort(candidates_.begin(), candidates_.end(), [](const PixelShift& a, const PixelShift& b) {
      return std::abs(a.x) + std::abs(a.y) < std::abs(b.x) + std::abs(b.y);
    });
  }

  [[nodiscard]] std::optional<Color> color(std::size_t shape, const PixelShift& shift) const {
    const std::optional<Pixel>& place = places_[shape];
    if (!place) return std::nullopt;
    const int x = place->x + shift.x, y = place->y + shift.y;
    const bool inside =
        x >= 0 && y >= 0 && x < static_cast<int>(stored_.columns) && y < static_cast<int>(stored_.rows());
    if (!inside) return Color{static_cast<std::uint8_t>(expected_.shapes[shape].fill.red ^ 0x80), 0, 0};
    const std::uint32_t pixel =
        stored_.pixels[static_cast<std::size_t>(y) * stored_.columns + static_cast<std::size_t>(x)];
    return Color{static_cast<std::uint8_t>(pixel >> 16), static_cast<std::uint8_t>(pixel >> 8),
                 static_cast<std::uint8_t>(pixel)};
  }

  /// Of the shapes from `first` to before `last`. Where all colours nearly fit, another colour map was used:
  /// the steps of a colour bar that is moved would fit, too.
  [[nodiscard]] PixelShift best(std::size_t first, std::size_t last, PixelShift guess) const {
    if (wrong(first, last, guess, 1, kNeighbours) == 0) return guess;
    std::size_t fewest = wrong(first, last, guess, last - first + 1);
    PixelShift best = guess;
    for (const PixelShift& candidate : candidates_) {
      if (fewest == 0) break;
      const std::size_t count = wrong(first, last, candidate, fewest);
      if (count >= fewest) continue;
      fewest = count;
      best = candidate;
    }
    return best;
  }

 private:
  /// Colours that do not fit, of a few hundred shapes; stops at `enough`.
  [[nodiscard]] std::size_t wrong(std::size_t first, std::size_t last, const PixelShift& shift,
                                  std::size_t enough, int allowed = kSlightly) const {
    constexpr std::size_t kLookedAt = 500;
    const std::size_t step = (last - first) / kLookedAt + 1;
    std::size_t count = 0;
    for (std::size_t i = first; i < last && count < enough; i += step) {
      const std::optional<Color> seen = color(i, shift);
      count += seen && levels_between(*seen, expected_.shapes[i].fill) > allowed;
    }
    return count;
  }

  const ExpectedPicture& expected_;
  const Raster& stored_;
  std::vector<std::optional<Pixel>> places_;
  std::vector<PixelShift> candidates_;
};

}  // namespace

Verdict judge_pixels(const Record& record, const ExpectedPicture& expected, const Raster& stored,
                     double scale) {
  const Search search(expected, stored, scale);
  std::vector<PixelShift> shifts(expected.shapes.size());
  PixelShift shift;
  for (std::size_t first = 0, last = 0; first < shifts.size(); first = last) {
    while (last < shifts.size() && expected.shapes[last].block == expected.shapes[first].block) ++last;
    shift = search.best(first, last, shift);
    std::fill(shifts.begin() + static_cast<std::ptrdiff_t>(first),
              shifts.begin() + static_cast<std::ptrdiff_t>(last), shift);
  }
  const ColorAt color_at = [&](std::size_t i) { return search.color(i, shifts[i]); };
  const ColorCount count = count_colors(expected, color_at);
  Verdict verdict{count.is_good() ? 0 : count.wrong + 1, color_findings(record, expected, count, color_at)};
  if (verdict.wrong > 0) return verdict;
  const auto add = [&verdict](const std::string& message, std::vector<std::string> details) {
    if (details.empty()) return;
    verdict.wrong += details.size();
    constexpr std::size_t kMostDetails = 10;
    if (details.size() > kMostDetails) details.resize(kMostDetails);
    verdict.findings.push_back({CheckStep::picture, message, std::move(details)});
  };
  add("the picture's texts are not its record's", texts_not_shown(expected, stored, scale, shifts));
  if (std::holds_alternative<View>(record.drawn)) {
    const PixelShift first = shifts.empty() ? PixelShift{} : shifts.front();
    add("the picture's lines are not its record's", lines_not_shown(expected, stored, scale, first));
  }
  return verdict;
}

}  // namespace attnviz
