#include <algorithm>

#include "figure/panel.h"

namespace attnviz {
namespace {

constexpr double kWidth = 8.64;
constexpr double kSwatch = 8.64;
constexpr double kSwatchRow = 19.2;  // what the entry for blank cells takes below the bar
constexpr int kSteps = 128;
constexpr char kNotFiniteName[] = "not finite";

void draw_gradient(Page& page, const std::function<Color(double)>& color, const Box& bar) {
  const double step = (bar.bottom - bar.top) / kSteps;
  for (int i = 0; i < kSteps; ++i) {
    const double top = bar.top + step * i;
    const double overlap = i + 1 < kSteps ? step / 2 : 0;  // no seams between the steps
    page.add(
        Rectangle{bar.left, top, bar.right - bar.left, step + overlap, color(1 - (i + 0.5) / kSteps), true});
  }
}

void draw_blank_entry(Page& page, const std::string& name, double x, double text_x, double bottom) {
  const Color rule = page.colors().rule;
  const double top = bottom - kSwatch, right = x + kSwatch;
  page.add(Line{x, top, right, top, 0.5, rule});
  page.add(Line{x, bottom, right, bottom, 0.5, rule});
  page.add(Line{x, top, x, bottom, 0.5, rule});
  page.add(Line{right, top, right, bottom, 0.5, rule});
  page.add(Text{.x = text_x,
                .y = bottom - kSwatch / 2,
                .text = name,
                .size = TypeSizes::kTick,
                .color = page.colors().quiet});
}

/// A line as thick as it is long: a filled square, and no cell.
void draw_not_finite_entry(Page& page, double x, double text_x, double bottom) {
  const double middle = bottom - kSwatch / 2;
  page.add(Line{x, middle, x + kSwatch, middle, kSwatch, kNotFinite});
  page.add(Text{.x = text_x,
                .y = middle,
                .text = kNotFiniteName,
                .size = TypeSizes::kTick,
                .color = page.colors().quiet});
}

}  // namespace

std::string blank_cells(const Heatmap& map) {
  if (!map.windowed) return map.causal ? "masked" : "";
  return map.causal ? "masked or not computed" : "not computed";
}

Box draw_color_bar(Page& page, const ColorBar& color_bar, double x, double y, double height) {
  Text name{.text = color_bar.name,
            .size = TypeSizes::kAxisTitle,
            .color = page.colors().quiet,
            .align = Text::Align::middle,
            .angle = -90};
  const bool not_finite =
      std::any_of(color_bar.scales.begin(), color_bar.scales.end(),
                  [](const ColorScale& scale) { return scale.not_finite() > 0; });
  const double entries = (color_bar.blank.empty() ? 0 : kSwatchRow) + (not_finite ? kSwatchRow : 0);
  const double length = std::max(height - entries, page.width(name) + 4);
  Box bar{x, y, x, y + length};
  for (const ColorScale& scale : color_bar.scales) {
    if (bar.right > x) bar.right += kGrid;
    const auto own = [&](double place) { return scale.color_at(place); };
    const Box strip{bar.right, y, bar.right + kWidth, bar.bottom};
    draw_gradient(page, color_bar.color ? color_bar.color : own, strip);
    bar.right += kWidth;
  }

  constexpr double kTick = 2.6, kLinesApart = 2.2;
  const double text_x = bar.right + kTick + 2.4;
  Box covered = bar;
  for (const auto& [position, label] :
       color_bar.scales.front().ticks(kLinesApart * TypeSizes::kTick / length)) {
    const double at = bar.bottom - position * length;
    page.add(Line{bar.right, at, bar.right + kTick, at, 0.5, page.colors().quiet});
    covered = covered.joined(page.add(Text{.x = text_x,
                                           .y = at,
                                           .text = label,
                                           .size = TypeSizes::kTick,
                                           .color = page.colors().quiet,
                                           .middle = Text::Middle::cap_height}));
  }
  name.x = covered.right + name.size;
  name.y = y + length / 2;
  covered = covered.joined(page.add(name));
  if (!color_bar.blank.empty()) {
    const double bottom = bar.bottom + kSwatchRow;
    draw_blank_entry(page, color_bar.blank, x, text_x, bottom);
    const double right = text_x + page.width(color_bar.blank, TypeSizes::kTick);
    covered = covered.joined({x, y, right, bottom});
  }
  if (not_finite) {
    const double bottom = bar.bottom + entries;
    draw_not_finite_entry(page, x, text_x, bottom);
    covered = covered.joined({x, y, text_x + page.width(kNotFiniteName, TypeSizes::kTick), bottom});
  }
  return covered;
}

}  // namespace attnviz
