#include <algorithm>
#include <cmath>

#include "figure/ink.h"
#include "figure/number.h"
#include "figure/panel.h"

namespace attnviz {
namespace {

constexpr std::size_t kMostTokensWithGaps = 40;
constexpr double kSmallestPitchWithGaps = 7.2;
constexpr std::size_t kMostVectorCellsOfMap = 10'000;
constexpr double kAirAroundNumber = 1.2;

float largest_of(const Heatmap& heatmap) {
  float largest = 0;
  for (const float value : heatmap.weights.values)
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  return largest;
}

double gap(const Panel& panel) {
  const bool few = std::max(panel.rows, panel.columns) <= kMostTokensWithGaps;
  return few && std::min(panel.column_pitch, panel.row_pitch) >= kSmallestPitchWithGaps ? kGrid : 0;
}

void draw_image(Page& page, const Panel& panel, const Heatmap& heatmap, const ColorScale& scale) {
  Image image{panel.x, panel.y, panel.width(), panel.height(), panel.columns, {}};
  image.pixels.reserve(panel.rows * panel.columns);
  for (std::size_t row = 0; row < panel.rows; ++row) {
    for (std::size_t column = 0; column < panel.columns; ++column) {
      image.pixels.push_back(heatmap.shows(row, column) ? scale.color(heatmap.weights(row, column))
                                                        : page.colors().page);
    }
  }
  page.add(image);
}

}  // namespace

double cell_pitch(std::size_t tokens) {
  struct Knot {
    double tokens, side;  // the map's side in points
  };
  // Few tokens keep cells of a size; 13 make a page 6 inches wide; to 30 the side grows so that annotations
  // stay at 5 points; beyond, only as far as a page's width.
  constexpr Knot kKnots[] = {{1, 50.4},   {2, 100.8}, {5, 230},  {13, 299.52},
                             {30, 374.4}, {40, 410},  {128, 500}};
  const auto count = static_cast<double>(std::max<std::size_t>(tokens, 1));
  double side = kKnots[std::size(kKnots) - 1].side;
  for (std::size_t i = 1; i < std::size(kKnots); ++i) {
    const Knot &from = kKnots[i - 1], &to = kKnots[i];
    if (count > to.tokens) continue;
    side = from.side + (to.side - from.side) * (count - from.tokens) / (to.tokens - from.tokens);
    break;
  }
  return kGrid * std::max(1.0, std::round(side / count / kGrid));
}

int decimals_of(const Heatmap& heatmap) {
  const float largest = largest_of(heatmap);
  if (largest >= 9.995F) return largest >= 99.95F ? 0 : 1;
  const bool is_share = !heatmap.is_signed && heatmap.quantity != kNorms;  // of 1, which says how small it is
  if (is_share || largest == 0 || largest >= 0.05F) return 2;
  return largest >= 0.005F ? 3 : 4;
}

std::string widest_number(const Heatmap& heatmap) {
  std::string number = fixed(largest_of(heatmap), decimals_of(heatmap));
  for (char& digit : number) digit = digit == '.' ? digit : '0';
  return (heatmap.is_signed ? "+" : "") + number;
}

double annotated_pitch(const Page& page, const Heatmap& heatmap) {
  const double width = page.width(widest_number(heatmap), TypeSizes::kSmallestAnnotation);
  return kGrid * std::ceil((width + kAirAroundNumber + kGrid) / kGrid);
}

void draw_cells(Page& page, const Panel& panel, const Heatmap& heatmap, const ColorScale& scale,
                std::size_t cells_on_page) {
  const bool many = panel.rows * panel.columns > kMostVectorCellsOfMap || cells_on_page > kMostVectorCells;
  if (many) return draw_image(page, panel, heatmap, scale);
  const double between = gap(panel);
  for (std::size_t row = 0; row < panel.rows; ++row) {
    for (std::size_t column = 0; column < panel.columns; ++column) {
      if (!heatmap.shows(row, column)) continue;
      // Without gaps a cell reaches a little under the neighbours drawn after it: no seams.
      const auto reach = [&](std::size_t to_row, std::size_t to_column) {
        const bool drawn =
            to_row < panel.rows && to_column < panel.columns && heatmap.shows(to_row, to_column);
        return between > 0 ? -between : drawn ? kGrid / 2 : 0;
      };
      page.add(Rectangle{
          panel.x + panel.column_pitch * static_cast<double>(column),
          panel.y + panel.row_pitch * static_cast<double>(row), panel.column_pitch + reach(row, column + 1),
          panel.row_pitch + reach(row + 1, column), scale.color(heatmap.weights(row, column)), between == 0});
    }
  }
}

void draw_annotations(Page& page, const Panel& panel, const Heatmap& heatmap, const ColorScale& scale,
                      Annotate annotate) {
  if (annotate == Annotate::never) return;
  constexpr double kShareOfCell = 0.36, kLargest = 9;
  const double cell = panel.column_pitch - gap(panel);
  const double fitting = 10 * (cell - kAirAroundNumber) / page.width(widest_number(heatmap), 10);
  const double pitch = std::min(panel.column_pitch, panel.row_pitch);
  const double size =
      std::min({fitting, kLargest, std::max(TypeSizes::kSmallestAnnotation, pitch * kShareOfCell)});
  if (annotate == Annotate::automatic && size < TypeSizes::kSmallestAnnotation) return;
  const int decimals = decimals_of(heatmap);
  for (std::size_t row = 0; row < panel.rows; ++row) {
    for (std::size_t column = 0; column < panel.columns; ++column) {
      if (!heatmap.shows(row, column)) continue;
      const double weight = heatmap.weights(row, column);
      page.add(Text{.x = panel.center_x(column) - gap(panel) / 2,
                    .y = panel.center_y(row) - gap(panel) / 2,
                    .text = heatmap.is_signed ? signed_fixed(weight, decimals) : fixed(weight, decimals),
                    .size = size,
                    .color = ink_on(scale.color(weight)),
                    .align = Text::Align::middle,
                    .middle = Text::Middle::cap_height});
    }
  }
}

}  // namespace attnviz
