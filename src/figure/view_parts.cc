#include <algorithm>
#include <array>
#include <cmath>

#include "figure/heading.h"
#include "figure/ink.h"
#include "figure/panel.h"
#include "figure/view.h"

namespace attnviz {
namespace {

// The first six, black and yellow: Okabe and Ito's for all kinds of colour vision, "Color Universal Design"
// (2002; Wong 2011, doi:10.1038/nmeth.1618). The others: Tol's "muted" scheme (SRON/EPS/TN/09-002). Both are
// published for use in figures. In this order any two of the first twelve can be told apart with protanopia,
// deuteranopia and tritanopia too, as Machado et al. (2009) simulate them.
constexpr std::array<Color, 16> kHeadColors = {{{0x00, 0x72, 0xB2},
                                                {0xE6, 0x9F, 0x00},
                                                {0x00, 0x9E, 0x73},
                                                {0xCC, 0x79, 0xA7},
                                                {0xD5, 0x5E, 0x00},
                                                {0x56, 0xB4, 0xE9},
                                                {0x33, 0x22, 0x88},
                                                {0x88, 0x22, 0x55},
                                                {0x11, 0x77, 0x33},
                                                {0x99, 0x99, 0x33},
                                                {0x00, 0x00, 0x00},
                                                {0xF0, 0xE4, 0x42},
                                                {0xAA, 0x44, 0x99},
                                                {0xCC, 0x66, 0x77},
                                                {0x44, 0xAA, 0x99},
                                                {0xDD, 0xCC, 0x77}}};

constexpr double kTick = 2.6, kBracketAway = 5;

/// Beside the tokens of one sentence, away from them at `x`.
void draw_bracket(Page& page, const TokenColumn& column, double x, View::Range part) {
  const bool left = column.align == Text::Align::end;
  const double half = column.rows.pitch * 0.36;
  const double top = column.rows.center(part.begin) - half, bottom = column.rows.center(part.end - 1) + half;
  page.add(Line{x, top, x, bottom, 0.6, page.colors().rule});
  page.add(Text{.x = left ? x - kBracketAway : x + kBracketAway,
                .y = (top + bottom) / 2,
                .text = part.begin < *column.rows.second_from ? "A" : "B",
                .size = TypeSizes::kAxisTitle,
                .color = page.colors().quiet,
                .align = column.align,
                .middle = Text::Middle::cap_height});
}

}  // namespace

Color mixed(Color from, Color to, double share) {
  const auto channel = [&](std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>(std::lround(a + (b - a) * share));
  };
  return {channel(from.red, to.red), channel(from.green, to.green), channel(from.blue, to.blue)};
}

Color head_color(int head, Color page) {
  // More would move orange and yellow nearer to each other than some readers can tell apart.
  constexpr double kStandsOut = 1.6;
  const Color own = kHeadColors[static_cast<std::size_t>(head) % kHeadColors.size()];
  const Color away = luminance(page) > 0.5 ? Color{0, 0, 0} : Color{255, 255, 255};
  if (own == Color{0, 0, 0}) return away;
  for (double share = 0; share < 1; share += 0.04) {
    const Color color = mixed(own, away, share);
    if (contrast(color, page) >= kStandsOut) return color;
  }
  return away;
}

double row_pitch(std::size_t tokens) {
  struct Knot {
    double tokens, height;  // of all rows in points
  };
  // Rows of a size to 20 tokens; labels as small as they may be at about 90; beyond, a page's height.
  constexpr Knot kKnots[] = {{1, 14.4}, {20, 288}, {40, 460}, {92, 645}, {128, 660}, {512, 737.28}};
  const auto count = static_cast<double>(std::max<std::size_t>(tokens, 1));
  double height = kKnots[std::size(kKnots) - 1].height;
  for (std::size_t i = 1; i < std::size(kKnots); ++i) {
    const Knot &from = kKnots[i - 1], &to = kKnots[i];
    if (count > to.tokens) continue;
    height = from.height + (to.height - from.height) * (count - from.tokens) / (to.tokens - from.tokens);
    break;
  }
  return kGrid * std::max(1.0, std::round(height / count / kGrid));
}

bool TokenRows::has_gap() const {
  return second_from && range.begin < *second_from && *second_from < range.end;
}

double TokenRows::center(std::size_t token) const {
  const double gap = has_gap() && token >= *second_from ? std::clamp(pitch * 0.6, 2.0, 9.0) : 0;
  return pitch * (static_cast<double>(token - range.begin) + 0.5) + gap;
}

void draw_tokens(Page& page, const TokenColumn& column) {
  const auto& [tokens, rows, x, align, emphasized] = column;
  const auto [every, size] = thinned(rows.pitch);
  const double outwards = align == Text::Align::end ? -1 : 1;
  double edge = x;  // the farthest end of a label
  for (std::size_t token = rows.range.begin; token < rows.range.end; ++token) {
    const bool chosen = token == emphasized;
    const double y = rows.center(token);
    if (!chosen && (token - rows.range.begin) % every != 0) continue;
    if (!chosen && emphasized && std::abs(y - rows.center(*emphasized)) < size * TypeSizes::kLine - 1e-6)
      continue;
    Text text = label_text(page, tokens[token], size, chosen);
    if (every > 1)
      page.add(Line{x, y, x + outwards * kTick, y, 0.4, chosen ? page.colors().ink : page.colors().rule});
    text.x = x + outwards * (every > 1 ? kTick * 1.5 : 0);
    text.y = y;
    text.align = align;
    const Box covered = page.add(text);
    edge = outwards < 0 ? std::min(edge, covered.left) : std::max(edge, covered.right);
  }
  if (!rows.second_from) return;
  const std::size_t second = std::clamp(*rows.second_from, rows.range.begin, rows.range.end);
  for (const View::Range part : {View::Range{rows.range.begin, second}, View::Range{second, rows.range.end}})
    if (part.begin < part.end) draw_bracket(page, column, edge + outwards * kBracketAway, part);
}

void draw_line_bar(Page& page, const LineBar& line_bar, double height) {
  constexpr double kToTheBar = 14.4;
  const Color weakest = page.colors().page;
  const ColorBar bar{.scales = {&line_bar.scale, 1}, .name = line_bar.name, .color = [&](double place) {
                       return mixed(weakest, line_bar.strongest, place);
                     }};
  draw_color_bar(page, bar, page.bounds().right + kToTheBar, 0, height);
}

Figure finished(Page page, const View& view, const SightLines& sight, const Look& look) {
  constexpr double kLeastForTheSentence = 230;
  const std::string title = look.title ? visible(*look.title) : title_of(view);
  const double left = page.bounds().left;
  const double right = std::max(page.bounds().right, left + kLeastForTheSentence);
  draw_heading(page, left, page.bounds().top, right, title, visible(view.subtitle));
  draw_notes(page, left, right, notes_of(view, sight));
  return std::move(page).finish(title, description(view, sight, scale_of(sight, look)));
}

}  // namespace attnviz
