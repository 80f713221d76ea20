#include <algorithm>
#include <cmath>
#include <numbers>

#include "figure/panel.h"

namespace attnviz {
namespace {

constexpr double kLongest = 84;  // points; longer tokens end in an ellipsis
constexpr double kFromMap = 5;   // between the map's edge and a label
constexpr double kTick = 2.6;
constexpr double kPerpendicular = std::numbers::sqrt2 / 2;  // of the distance between lines turned by 45°

/// Both axes share the font size that the narrower one allows.
Thinning key_thinning(const Panel& panel) { return thinned(panel.column_pitch, kPerpendicular); }

Text axis_title(const Page& page, const char* title) {
  return {.text = title,
          .size = TypeSizes::kAxisTitle,
          .color = page.colors().quiet,
          .align = Text::Align::middle};
}

}  // namespace

Thinning thinned(double pitch, double share_of_pitch) {
  const double fitting = pitch * share_of_pitch / TypeSizes::kLine;
  if (fitting >= TypeSizes::kSmallestLabel) return {1, std::min(fitting, TypeSizes::kLabel)};
  return {static_cast<std::size_t>(std::ceil(TypeSizes::kThinnedLabel / fitting)), TypeSizes::kThinnedLabel};
}

Text label_text(const Page& page, const TokenLabel& label, double size, bool bold) {
  const Palette& colors = page.colors();
  Text text;
  text.text = page.shortened(label.whole(), kLongest * size / TypeSizes::kLabel, size, bold);
  text.bold = bold;
  text.size = size;
  text.color = label.special ? colors.muted : colors.ink;
  // An ellipsis may have taken the mark's place.
  text.mark_bytes = text.text.starts_with(label.mark) ? label.mark.size() : 0;
  text.mark_color = colors.faint;
  text.align = Text::Align::end;
  return text;
}

Box draw_key_labels(Page& page, const Panel& panel, std::span<const TokenLabel> keys) {
  const auto [every, size] = key_thinning(panel);
  const double edge = panel.y + panel.height();
  Box covered{panel.x, edge, panel.x + panel.width(), edge};
  for (std::size_t column = 0; column < keys.size(); column += every) {
    const double x = panel.center_x(column);
    if (every > 1) page.add(Line{x, edge + 1, x, edge + 1 + kTick, 0.4, page.colors().rule});
    Text text = label_text(page, keys[column], size);
    text.angle = -45;
    // Turned text ends in a corner: move it so that the corner's middle is under the cell's.
    text.x = x + size * 0.12;
    text.y = edge + kFromMap + size * 0.22 + (every > 1 ? kTick / 2 : 0);
    covered = covered.joined(page.add(text));
  }
  return covered;
}

Box draw_query_labels(Page& page, const Panel& panel, std::span<const TokenLabel> queries, LabelSide side) {
  const double size = key_thinning(panel).size;
  const auto every = static_cast<std::size_t>(std::ceil(size * TypeSizes::kLine / panel.row_pitch - 1e-9));
  const bool left = side == LabelSide::left;
  const double edge = left ? panel.x : panel.box().right, outwards = left ? -1 : 1;
  Box covered{edge, panel.y, edge, panel.y + panel.height()};
  for (std::size_t row = 0; row < queries.size(); row += every) {
    Text text = label_text(page, queries[row], size);
    text.y = panel.center_y(row);
    const double near = edge + outwards, far = edge + outwards * (1 + kTick);
    if (every > 1)
      page.add(Line{std::min(near, far), text.y, std::max(near, far), text.y, 0.4, page.colors().rule});
    text.x = edge + outwards * (kFromMap + (every > 1 ? kTick / 2 : 0));
    text.align = left ? Text::Align::end : Text::Align::start;
    covered = covered.joined(page.add(text));
  }
  return covered;
}

std::vector<TokenLabel> with_positions(std::span<const TokenLabel> labels, std::size_t by) {
  std::vector<TokenLabel> positioned(labels.begin(), labels.end());
  for (std::size_t i = 0; by > 1 && i < positioned.size(); ++i)
    positioned[i].mark.insert(0, std::to_string(i * by) + " ");
  return positioned;
}

const char* query_title(bool cross) { return cross ? "Target (attending from)" : "Queries (attending from)"; }

const char* key_title(bool cross) { return cross ? "Source (attending to)" : "Keys (attending to)"; }

void draw_key_title(Page& page, const TitledMaps& maps, const Box& labels, double top) {
  Text title = axis_title(page, key_title(maps.cross));
  title.x = (maps.box.left + maps.box.right) / 2;
  title.y = std::max(labels.bottom, top) + title.size;
  page.add(title);
}

void draw_query_title(Page& page, const TitledMaps& maps, const Box& query_labels, const Box& key_labels) {
  Text title = axis_title(page, query_title(maps.cross));
  title.angle = -90;
  title.y = (maps.box.top + maps.box.bottom) / 2;
  const bool overhangs = page.width(title) > maps.box.bottom - maps.box.top;
  title.x = std::min(query_labels.left, overhangs ? key_labels.left : query_labels.left) - title.size;
  page.add(title);
}

}  // namespace attnviz
