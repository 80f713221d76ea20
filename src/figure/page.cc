#include "figure/page.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace attnviz {
namespace {

constexpr double kMargin = 9.6;  // an eighth of an inch and a little, on the grid

/// Whether a text may not be cut before `c`: it belongs to the character before it.
bool continues_character(char32_t c) {
  struct Range {
    char32_t first, last;
  };
  constexpr std::array kContinuing = {
      Range{0x0300, 0x036F},   Range{0x0483, 0x0489}, Range{0x0591, 0x05BD}, Range{0x05BF, 0x05C7},
      Range{0x0610, 0x061A},   Range{0x064B, 0x065F}, Range{0x0670, 0x0670}, Range{0x06D6, 0x06ED},
      Range{0x0900, 0x0903},   Range{0x093A, 0x093C}, Range{0x093E, 0x094F}, Range{0x0951, 0x0957},
      Range{0x0962, 0x0963},   Range{0x0981, 0x0983}, Range{0x09BC, 0x09CD}, Range{0x0A01, 0x0A03},
      Range{0x0A3C, 0x0A51},   Range{0x0B82, 0x0B82}, Range{0x0BBE, 0x0BCD}, Range{0x0C3E, 0x0C56},
      Range{0x0E31, 0x0E31},   Range{0x0E34, 0x0E3A}, Range{0x0E47, 0x0E4E}, Range{0x1AB0, 0x1AFF},
      Range{0x1DC0, 0x1DFF},   Range{0x200C, 0x200D}, Range{0x20D0, 0x20F0}, Range{0x302A, 0x302F},
      Range{0x3099, 0x309A},   Range{0xFE00, 0xFE0F}, Range{0xFE20, 0xFE2F}, Range{0x1F3FB, 0x1F3FF},
      Range{0xE0100, 0xE01EF},
  };
  return std::any_of(kContinuing.begin(), kContinuing.end(),
                     [c](const Range& range) { return range.first <= c && c <= range.last; });
}

/// The first `most` byte offsets at which `text` may be cut, 0 first.
std::vector<std::size_t> cuts(std::string_view text, std::size_t most) {
  std::vector<std::size_t> offsets;
  bool joined = false;
  for (std::size_t offset = 0; offset < text.size() && offsets.size() < most;) {
    const std::size_t start = offset;
    const char32_t c = next_code_point(text, offset);
    if (!joined && !continues_character(c)) offsets.push_back(start);
    joined = c == 0x200D;
  }
  return offsets;
}

struct Move {
  double x, y;

  void operator()(Line& line) const {
    line.x1 += x;
    line.x2 += x;
    line.y1 += y;
    line.y2 += y;
  }
  void operator()(auto& item) const {
    item.x += x;
    item.y += y;
  }
};

double to_grid(double length) { return std::ceil(length / kGrid - 1e-9) * kGrid; }

}  // namespace

const Palette& palette(Theme theme) {
  static constexpr Palette kLight{{255, 255, 255},    {0x1f, 0x23, 0x28}, {0x4a, 0x50, 0x57},
                                  {0x75, 0x7b, 0x83}, {0xa3, 0xa8, 0xae}, {0xb4, 0xb9, 0xbf}};
  static constexpr Palette kDark{{0x10, 0x14, 0x1a}, {0xec, 0xee, 0xf1}, {0xb9, 0xbf, 0xc7},
                                 {0x8d, 0x95, 0x9f}, {0x6a, 0x72, 0x7c}, {0x4b, 0x53, 0x5d}};
  return theme == Theme::dark ? kDark : kLight;
}

Box Box::joined(const Box& other) const {
  return {std::min(left, other.left), std::min(top, other.top), std::max(right, other.right),
          std::max(bottom, other.bottom)};
}

template <class Drawn>
Box Page::keep(const Drawn& item, const Box& box) {
  bounds_ = items_.empty() ? box : bounds_.joined(box);
  items_.emplace_back(item);
  return box;
}

Box Page::add(const Rectangle& r) { return keep(r, {r.x, r.y, r.x + r.width, r.y + r.height}); }

Box Page::add(const Image& image) {
  return keep(image, {image.x, image.y, image.x + image.width, image.y + image.height});
}

Box Page::add(const Line& line) {
  const double half = line.width / 2;
  return keep(line, {std::min(line.x1, line.x2) - half, std::min(line.y1, line.y2) - half,
                     std::max(line.x1, line.x2) + half, std::max(line.y1, line.y2) + half});
}

Box Page::add(const Text& text) { return keep(text, box(text)); }

Box Page::box(const Text& text) const {
  const double length = width(text);
  const double start = text.align == Text::Align::start ? 0
                       : text.align == Text::Align::end ? -length
                                                        : -length / 2;
  const double half = text.size / 2;
  const double angle = text.angle * std::numbers::pi / 180, cosine = std::cos(angle), sine = std::sin(angle);
  Box box{text.x, text.y, text.x, text.y};
  bool first = true;
  for (const double along : {start, start + length}) {
    for (const double across : {-half, half}) {
      const double x = text.x + along * cosine - across * sine, y = text.y + along * sine + across * cosine;
      box = first ? Box{x, y, x, y} : box.joined({x, y, x, y});
      first = false;
    }
  }
  return box;
}

std::string Page::shortened(const std::string& text, double room, double size, bool bold) const {
  // Of a very long text only a beginning is measured that can't fit: characters are wider than this.
  const double narrowest = size / 6;
  const auto most = static_cast<std::size_t>(std::max(room, 0.0) / narrowest) + 2;
  const std::vector<std::size_t> offsets = cuts(text, most);
  if (offsets.size() < most && width(text, size, bold) <= room) return text;
  const auto begin_and_ellipsis = [&](std::size_t end) {
    while (end > 0 && text[end - 1] == ' ') --end;
    return text.substr(0, end) + "…";
  };
  const auto fits = [&](std::size_t offset) { return width(begin_and_ellipsis(offset), size, bold) <= room; };
  // The last cut that fits, but never less than one character.
  const auto first = offsets.begin() + std::min<std::ptrdiff_t>(1, std::ssize(offsets) - 1);
  const auto beyond = std::partition_point(first, offsets.end(), fits);
  return begin_and_ellipsis(*(beyond == first ? first : beyond - 1));
}

std::vector<std::string> Page::wrapped(const std::string& text, double room, double size) const {
  std::vector<std::string> lines;
  std::string line;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    const std::string word = shortened(text.substr(start, end - start), room, size);
    const std::string longer = line.empty() ? word : line + " " + word;
    if (line.empty() || width(longer, size) <= room) {
      line = longer;
    } else {
      lines.push_back(line);
      line = word;
    }
    start = end + 1;
  }
  lines.push_back(line);
  return lines;
}

Figure Page::finish(std::string title, std::string description) && {
  const Move move{to_grid(kMargin - bounds_.left), to_grid(kMargin - bounds_.top)};
  for (Item& item : items_) std::visit(move, item);
  return {.width = to_grid(bounds_.right + move.x + kMargin),
          .height = to_grid(bounds_.bottom + move.y + kMargin),
          .background = palette_.page,
          .items = std::move(items_),
          .title = std::move(title),
          .description = std::move(description)};
}

}  // namespace attnviz
