#include "figure/chart.h"

#include <algorithm>
#include <cmath>

#include "figure/number.h"
#include "figure/ticks.h"

namespace attnviz {
namespace {

constexpr double kTick = 2.6, kToTheLabel = 2.4;
constexpr double kValue = 7;  // the font size of numbers inside a chart
constexpr double kHair = 0.5, kStroke = 1.2, kBaseline = 0.6, kPoint = 3.6;

Text tick_label(const Page& page, std::string text) {
  return {.text = std::move(text),
          .size = TypeSizes::kTick,
          .color = page.colors().quiet,
          .middle = Text::Middle::cap_height};
}

Text value_label(const Page& page, std::string text) {
  return {.text = std::move(text),
          .size = kValue,
          .color = page.colors().ink,
          .align = Text::Align::middle,
          .middle = Text::Middle::cap_height};
}

/// From (left, top) to (right, bottom), level or upright.
void draw_dashes(Page& page, const Box& line) {
  constexpr double kDash = 3, kPeriod = 5;
  const double width = line.right - line.left, height = line.bottom - line.top, length = width + height;
  for (double from = 0; from < length; from += kPeriod) {
    const double start = from / length, end = std::min(from + kDash, length) / length;
    page.add(Line{line.left + width * start, line.top + height * start, line.left + width * end,
                  line.top + height * end, kBaseline, page.colors().muted});
  }
}

struct Tick {
  double value;
  std::string label;
};

/// Round numbers from 0 to `upper`, at most `most` steps apart.
std::vector<Tick> ticks_up_to(double upper, double most) {
  const Step step = round_step(upper / most);
  std::vector<Tick> ticks = {{0, "0"}};
  for (double k = 1; k * step.size <= upper * (1 + 1e-9); ++k)
    ticks.push_back({k * step.size, fixed(k * step.size, step.decimals)});
  return ticks;
}

/// One line chart: where numbers lie, and what is drawn there.
class Plot {
 public:
  Plot(Page& page, const Box& frame, const LayerChart& chart) : page_(page), frame_(frame), chart_(chart) {
    for (const LayerChart::Point& point : chart.points) {
      if (!std::isfinite(point.value)) continue;
      if (!any_ || point.value < least_.value) least_ = point;
      if (!any_ || point.value > most_.value) most_ = point;
      any_ = true;
    }
    const double top = std::max(most_.value, chart.uniform.value_or(0));
    top_ = top > 0 ? top : 1;
  }

  void draw_value_axis();
  void draw_layer_axis();
  void draw_uniform();
  void draw_line(Color color);
  void draw_values();

 private:
  static constexpr double kInset = 8;      // of the first and the last point from the frame's sides
  static constexpr double kHeadroom = 13;  // above the largest number, for a label

  [[nodiscard]] double unit() const {  // from one layer to the next
    const double steps = chart_.points.back().layer - chart_.points.front().layer;
    return (frame_.right - frame_.left - 2 * kInset) / std::max(steps, 1.0);
  }
  [[nodiscard]] double x(int layer) const {
    if (chart_.points.size() == 1) return (frame_.left + frame_.right) / 2;
    return frame_.left + kInset + unit() * (layer - chart_.points.front().layer);
  }
  [[nodiscard]] double y(double value) const {
    return frame_.bottom - (frame_.bottom - frame_.top - kHeadroom) * value / top_;
  }
  [[nodiscard]] std::string number(double value) const { return fixed(value, decimals_of(top_)); }
  [[nodiscard]] bool is_flat() const { return most_.value - least_.value <= 0.005 * most_.value; }
  [[nodiscard]] Text label_of_most() const;

  Page& page_;
  const Box frame_;
  const LayerChart& chart_;
  LayerChart::Point least_{}, most_{};  ///< of those that are finite,
  bool any_ = false;                    ///< if any is
  double top_ = 1;
};

void Plot::draw_value_axis() {
  page_.add(Line{frame_.left, frame_.top, frame_.left, frame_.bottom, kHair, page_.colors().rule});
  const double upper = top_ * (frame_.bottom - frame_.top) / (frame_.bottom - frame_.top - kHeadroom);
  constexpr double kMostSteps = 4;
  for (const auto& [value, label] : ticks_up_to(upper, kMostSteps)) {
    page_.add(Line{frame_.left - kTick, y(value), frame_.left, y(value), kHair, page_.colors().quiet});
    Text text = tick_label(page_, label);
    text.x = frame_.left - kTick - kToTheLabel;
    text.y = y(value);
    text.align = Text::Align::end;
    page_.add(text);
  }
}

void Plot::draw_layer_axis() {
  page_.add(Line{frame_.left, frame_.bottom, frame_.right, frame_.bottom, kHair, page_.colors().rule});
  const double apart = page_.width(std::to_string(chart_.points.back().layer), TypeSizes::kTick) + 4;
  int every = 1;
  for (const int step : {1, 2, 4, 5, 10, 20, 50, 100, 1000}) {
    every = step;
    if (step * unit() >= apart) break;
  }
  double last = frame_.right + apart;  // from right to left: the first layer gives way, not the last
  for (auto point = chart_.points.rbegin(); point != chart_.points.rend(); ++point) {
    const double at = x(point->layer);
    const bool is_first = point + 1 == chart_.points.rend();
    if ((point->layer % every != 0 && !is_first) || last - at < apart) continue;
    last = at;
    page_.add(Line{at, frame_.bottom, at, frame_.bottom + kTick, kHair, page_.colors().quiet});
    Text text = tick_label(page_, std::to_string(point->layer));
    text.x = at;
    text.y = frame_.bottom + kTick + kToTheLabel + text.size / 2;
    text.align = Text::Align::middle;
    page_.add(text);
  }
  page_.add(Text{.x = (frame_.left + frame_.right) / 2,
                 .y = frame_.bottom + kTick + kToTheLabel + TypeSizes::kTick + TypeSizes::kAxisTitle,
                 .text = "Layer",
                 .size = TypeSizes::kAxisTitle,
                 .color = page_.colors().quiet,
                 .align = Text::Align::middle});
}

Text Plot::label_of_most() const {
  const std::string value = number(most_.value);
  Text text = value_label(page_, chart_.fraction.empty() ? value : chart_.fraction + " = " + value);
  const double half = page_.width(text) / 2, side = text.size / 2;
  const double at = x(is_flat() ? chart_.points.back().layer : most_.layer);
  text.x = std::clamp(at, frame_.left + 2 + half, std::max(frame_.right - half, frame_.left + 2 + half));
  text.y = y(most_.value) - kPoint / 2 - 2 - side;
  if (!chart_.uniform) return text;
  const double line = y(*chart_.uniform);
  if (text.y - side < line + 1 && text.y + side > line - 1) text.y = line - 2 - side;
  return text;
}

void Plot::draw_uniform() {
  if (!chart_.uniform) return;
  const double at = y(*chart_.uniform);
  draw_dashes(page_, {frame_.left, at, frame_.right, at});
  Text text = value_label(page_, "uniform " + number(*chart_.uniform));
  text.color = page_.colors().muted;
  const double half = page_.width(text) / 2, side = text.size / 2;
  text.y = y(std::max(*chart_.uniform, most_.value)) - 2 - side;
  const Text most = label_of_most();
  const bool beside = std::abs(most.y - text.y) < text.size && most.x > (frame_.left + frame_.right) / 2;
  text.x = beside ? frame_.left + 4 + half : frame_.right - half;
  page_.add(text);
}

void Plot::draw_line(Color color) {
  for (std::size_t i = 1; i < chart_.points.size(); ++i) {
    const LayerChart::Point &from = chart_.points[i - 1], &to = chart_.points[i];
    if (!std::isfinite(from.value) || !std::isfinite(to.value)) continue;
    page_.add(Line{x(from.layer), y(from.value), x(to.layer), y(to.value), kStroke, color});
  }
  const double side = std::clamp(unit() * 0.6, kStroke, kPoint);
  for (const auto& [layer, value] : chart_.points) {
    // What has no height is marked on the axis.
    const bool finite = std::isfinite(value);
    page_.add(Rectangle{x(layer) - side / 2, y(finite ? value : 0) - side / 2, side, side,
                        finite ? color : kNotFinite});
  }
}

void Plot::draw_values() {
  if (!any_) return;
  page_.add(label_of_most());
  if (is_flat()) return;
  Text text = value_label(page_, number(least_.value));
  const double half = page_.width(text) / 2;
  text.x = std::clamp(x(least_.layer), frame_.left + 2 + half,
                      std::max(frame_.right - half, frame_.left + 2 + half));
  text.y = y(least_.value) + kPoint / 2 + 2 + text.size / 2;
  if (text.y + text.size / 2 < frame_.bottom - 1) page_.add(text);
}

/// Bars beside tokens: how long they are, and what is drawn.
class BarPlot {
 public:
  BarPlot(Page& page, const Panel& rows, double room, const TokenBars& bars);

  void draw_bars(Color color);
  void draw_uniform();
  void draw_numbers();
  void draw_axis();  ///< where numbers would be too small

 private:
  static constexpr double kToTheNumber = 3;

  [[nodiscard]] double x(double value) const {
    return rows_.x + (std::isfinite(value) ? points_of_one_ * std::min(value, longest_) : 0);
  }
  [[nodiscard]] bool is_cut(std::size_t i) const {
    return std::isfinite(bars_.values[i]) && bars_.values[i] > longest_;
  }
  void draw_cut(std::size_t row, double thickness);

  Page& page_;
  const Panel& rows_;
  const double room_;
  const TokenBars& bars_;
  double number_size_;
  bool numbered_;   ///< all of them, not only those that are cut
  double longest_;  ///< longer bars are cut
  double points_of_one_;
};

/// With 0 for what is not finite.
std::vector<double> finite(std::span<const double> values) {
  std::vector<double> numbers(values.begin(), values.end());
  std::replace_if(
      numbers.begin(), numbers.end(), [](double value) { return !std::isfinite(value); }, 0.0);
  return numbers;
}

/// The number at which bars end: the largest, or where a few tokens receive so much that the others' bars
/// could not be told apart, a little beyond those.
double longest_bar(const TokenBars& bars) {
  constexpr std::size_t kMostCut = 3, kTokensForOneCut = 8;
  constexpr double kDwarfed = 8, kBeyond = 1.3;
  std::vector<double> falling = finite(bars.values);
  std::sort(falling.rbegin(), falling.rend());
  const double uniform = *std::max_element(bars.uniform.begin(), bars.uniform.end());
  const double rest = std::max(falling[std::min(kMostCut, falling.size() / kTokensForOneCut)], uniform);
  return falling.front() > kDwarfed * rest ? kBeyond * rest : std::max(falling.front(), uniform);
}

BarPlot::BarPlot(Page& page, const Panel& rows, double room, const TokenBars& bars)
    : page_(page), rows_(rows), room_(room), bars_(bars), longest_(longest_bar(bars)) {
  const double fitting = rows.row_pitch / TypeSizes::kLine;
  numbered_ = fitting >= TypeSizes::kSmallestAnnotation;
  number_size_ = numbered_ ? std::min(TypeSizes::kTick, fitting) : kValue;
  const std::vector<double> values = finite(bars.values);
  const double largest = *std::max_element(values.begin(), values.end());
  const bool any = numbered_ || largest > longest_;
  const double for_number = any ? page.width(fixed(largest, 2), number_size_) + 2 * kToTheNumber : 0;
  points_of_one_ = (room - for_number) / longest_;
}

/// Two slanted gaps near the end of a bar that is cut; its number tells how long it would be.
void BarPlot::draw_cut(std::size_t row, double thickness) {
  constexpr double kFromEnd = 8, kApart = 3, kGap = 1.2;
  const double y = rows_.center_y(row), half = thickness / 2 + 0.3, slant = std::min(half / 2, 2.0);
  for (const double at : {x(longest_) - kFromEnd, x(longest_) - kFromEnd + kApart})
    page_.add(Line{at - slant, y + half, at + slant, y - half, kGap, page_.colors().page});
}

void BarPlot::draw_bars(Color color) {
  constexpr double kThickest = 12, kShareOfRow = 0.72, kLeastWithGaps = 2.4;
  const bool gaps = rows_.row_pitch >= kLeastWithGaps;
  const double thickness = gaps ? std::min(kThickest, rows_.row_pitch * kShareOfRow) : rows_.row_pitch;
  for (std::size_t i = 0; i < bars_.values.size(); ++i) {
    const double y = rows_.center_y(i) - thickness / 2;
    page_.add(Rectangle{rows_.x, y, x(bars_.values[i]) - rows_.x, thickness, color, !gaps});
    if (is_cut(i)) draw_cut(i, thickness);
  }
}

void BarPlot::draw_uniform() {
  const double last = x(bars_.uniform.back());
  if (bars_.same_for_all) {
    draw_dashes(page_, {last, rows_.y, last, rows_.box().bottom});
  } else {
    for (std::size_t i = 0; i < bars_.uniform.size(); ++i) {
      const double at = x(bars_.uniform[i]), y = rows_.y + rows_.row_pitch * static_cast<double>(i);
      page_.add(Line{at, y, at, y + rows_.row_pitch, kBaseline, page_.colors().ink});
    }
  }
  Text name =
      value_label(page_, bars_.same_for_all ? "uniform " + fixed(bars_.uniform.back(), 2) : "uniform");
  name.color = page_.colors().muted;
  const double half = page_.width(name) / 2;
  name.x = std::clamp(last, rows_.x + half, std::max(rows_.x + half, rows_.x + room_ - half));
  name.y = rows_.box().bottom + (numbered_ ? 0 : kTick + kToTheLabel + TypeSizes::kTick) + 3 + name.size / 2;
  page_.add(name);
}

void BarPlot::draw_numbers() {
  double bottom = rows_.y - TypeSizes::kLine * number_size_;  // of the number before
  for (std::size_t i = 0; i < bars_.values.size(); ++i) {
    if (!numbered_ && !is_cut(i)) continue;
    Text text = tick_label(page_, fixed(bars_.values[i], 2));
    text.size = number_size_;
    text.y = rows_.center_y(i);
    if (text.y - text.size / 2 < bottom) continue;
    text.x = x(bars_.values[i]) + kToTheNumber;
    // The uniform's line does not cross a number.
    const double line = x(bars_.uniform[i]);
    if (text.x < line + kToTheNumber && text.x + page_.width(text) > line - 1) text.x = line + kToTheNumber;
    bottom = page_.add(text).bottom;
  }
}

void BarPlot::draw_axis() {
  if (numbered_) return;
  const double bottom = rows_.box().bottom;
  page_.add(Line{rows_.x, bottom, x(longest_), bottom, kHair, page_.colors().rule});
  constexpr double kMostSteps = 4;
  for (const auto& [value, label] : ticks_up_to(longest_, kMostSteps)) {
    page_.add(Line{x(value), bottom, x(value), bottom + kTick, kHair, page_.colors().quiet});
    Text text = tick_label(page_, label);
    text.x = x(value);
    text.y = bottom + kTick + kToTheLabel + text.size / 2;
    text.align = Text::Align::middle;
    page_.add(text);
  }
}

}  // namespace

void draw_panel_title(Page& page, double x, double y, const std::string& title) {
  page.add(Text{.x = x,
                .y = y - 9,
                .text = title,
                .size = TypeSizes::kAxisTitle,
                .color = page.colors().ink,
                .bold = true});
}

void draw_layer_chart(Page& page, const Box& frame, const LayerChart& chart, Color color) {
  Plot plot(page, frame, chart);
  plot.draw_value_axis();
  plot.draw_layer_axis();
  plot.draw_uniform();
  plot.draw_line(color);
  plot.draw_values();
}

void draw_token_bars(Page& page, const Panel& rows, double room, const TokenBars& bars, Color color) {
  draw_query_labels(page, rows, bars.labels);
  BarPlot plot(page, rows, room, bars);
  plot.draw_bars(color);
  plot.draw_uniform();
  plot.draw_numbers();
  plot.draw_axis();
}

}  // namespace attnviz
