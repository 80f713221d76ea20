#include "check/picture_texts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "attnviz/text.h"
#include "check/names.h"
#include "check/text_area.h"

namespace attnviz {
namespace {

/// How far pixels are from a text's, as a share of its ink: 0 when they are the same; a font 1 % larger gives
/// less than 0.2, another digit among three about 0.3, another word 0.8.
constexpr double kSame = 0.03, kLegible = 0.4;

Color color_of(std::uint32_t pixel) {
  return {static_cast<std::uint8_t>(pixel >> 16), static_cast<std::uint8_t>(pixel >> 8),
          static_cast<std::uint8_t>(pixel)};
}

double distance(Color a, Color b) {
  return std::abs(a.red - b.red) + std::abs(a.green - b.green) + std::abs(a.blue - b.blue);
}

/// A text as it should look, and the pixels around it.
class Drawn {
 public:
  Drawn(const Text& text, Color ground, double scale, const MeasureText& measure)
      : ground_(ground), left_(0), top_(0) {
    const Area area = area_of(text, measure, 1);
    left_ = static_cast<int>(std::floor(area.left * scale));
    top_ = static_cast<int>(std::floor(area.top * scale));
    const int columns = static_cast<int>(std::ceil(area.right * scale)) - left_,
              rows = static_cast<int>(std::ceil(area.bottom * scale)) - top_;
    Text moved = text;
    moved.x -= left_ / scale;
    moved.y -= top_ / scale;
    raster_ =
        rasterized({.width = columns / scale, .height = rows / scale, .background = ground, .items = {moved}},
                   scale * 72);
    mark_inside(moved, scale, measure);
  }

  /// See kSame; `shift` is where the text may be instead.
  [[nodiscard]] double difference(const Raster& stored, const PixelShift& shift, double enough) const {
    double sum = 0;
    for (std::size_t i = 0; i < raster_.pixels.size() && sum < enough * ink_; ++i) {
      if (!inside_[i]) continue;
      const int x = left_ + static_cast<int>(i % raster_.columns) + shift.x,
                y = top_ + static_cast<int>(i / raster_.columns) + shift.y;
      const bool on_page =
          x >= 0 && y >= 0 && x < static_cast<int>(stored.columns) && y < static_cast<int>(stored.rows());
      const Color seen =
          on_page
              ? color_of(
                    stored.pixels[static_cast<std::size_t>(y) * stored.columns + static_cast<std::size_t>(x)])
              : ground_;
      sum += distance(seen, color_of(raster_.pixels[i]));
    }
    return ink_ > 0 ? sum / ink_ : 0;
  }

 private:
  /// Of the upright box only what the text itself covers: beside a slanted label stands the next.
  void mark_inside(const Text& text, double scale, const MeasureText& measure) {
    const double length = measure(text.text, text.size, text.bold);
    const double start = text.align == Text::Align::start ? 0
                         : text.align == Text::Align::end ? -length
                                                          : -length / 2;
    const double angle = text.angle * std::numbers::pi / 180, half = 0.55 * text.size;
    inside_.resize(raster_.pixels.size());
    for (std::size_t i = 0; i < inside_.size(); ++i) {
      const double x = (static_cast<double>(i % raster_.columns) + 0.5) / scale - text.x,
                   y = (static_cast<double>(i / raster_.columns) + 0.5) / scale - text.y;
      const double along = x * std::cos(angle) + y * std::sin(angle),
                   across = y * std::cos(angle) - x * std::sin(angle);
      inside_[i] = along > start - 0.5 && along < start + length + 0.5 && std::abs(across) < half;
      if (inside_[i]) ink_ += distance(color_of(raster_.pixels[i]), ground_);
    }
  }

  Color ground_;
  int left_, top_;
  Raster raster_;
  std::vector<bool> inside_;
  double ink_ = 0;
};

/// Looks for texts among a picture's pixels.
class Reader {
 public:
  Reader(const Raster& stored, double scale, std::vector<PixelShift> shifts)
      : stored_(stored), scale_(scale), shifts_(std::move(shifts)), measure_(text_measure()) {}

  struct Fit {
    double difference = std::numeric_limits<double>::infinity();
    double font_scale = 1;
    PixelShift shift{};
    double x = 0, y = 0;  ///< parts of a pixel
  };

  /// Where the text fits best: where a block has moved to, a little beside that, a little larger, and where
  /// nothing else helps a few points away.
  [[nodiscard]] Fit best(const Text& text, Color ground) const {
    Fit best;
    for (const double font_scale : {1.0, 1.01, 0.99, 1.02, 0.98, 1.03, 0.97}) {
      try_fit(text, ground, {.font_scale = font_scale}, kNear, best);
      if (best.difference < kSame) return best;
    }
    refine(text, ground, best);
    if (best.difference < kLegible) return best;
    for (const double font_scale : {1.0, 1.01, 0.99, 1.02, 0.98})
      try_fit(text, ground, {.font_scale = font_scale}, static_cast<int>(std::ceil(kFar * scale_)), best);
    refine(text, ground, best);
    return best;
  }

  /// Of another text in the same place.
  [[nodiscard]] double difference(const Text& text, Color ground, const Fit& where) const {
    const Drawn drawn(moved(text, where), ground, scale_, measure_);
    double least = std::numeric_limits<double>::infinity();
    for (int y = -1; y <= 1; ++y) {
      for (int x = -1; x <= 1; ++x)
        least = std::min(least, drawn.difference(stored_, {where.shift.x + x, where.shift.y + y}, least));
    }
    return least;
  }

 private:
  static constexpr int kNear = 2;    // pixels
  static constexpr double kFar = 4;  // points

  [[nodiscard]] Text moved(Text text, const Fit& fit) const {
    text.size *= fit.font_scale;
    text.x += fit.x / scale_;
    text.y += fit.y / scale_;
    return text;
  }

  /// Keeps in `best` what fits better, up to `reach` pixels from where the blocks have moved to.
  void try_fit(const Text& text, Color ground, Fit fit, int reach, Fit& best) const {
    const Drawn drawn(moved(text, fit), ground, scale_, measure_);
    for (const PixelShift& block : shifts_) {
      for (int i = 0; i < (2 * reach + 1) * (2 * reach + 1); ++i) {
        // The block's own place first: mostly it is the right one.
        const int place = i == 0 ? 2 * reach * (reach + 1) : i <= 2 * reach * (reach + 1) ? i - 1 : i;
        fit.shift = {block.x + place % (2 * reach + 1) - reach, block.y + place / (2 * reach + 1) - reach};
        fit.difference = drawn.difference(stored_, fit.shift, best.difference);
        if (fit.difference < best.difference) best = fit;
        if (best.difference < kSame) return;
      }
    }
  }

  /// Blocks need not move by whole pixels.
  void refine(const Text& text, Color ground, Fit& best) const {
    const Fit whole = best;
    for (const double y : {0.0, -1.0 / 3, 1.0 / 3}) {
      for (const double x : {0.0, -1.0 / 3, 1.0 / 3}) {
        Fit fit = whole;
        fit.x = x;
        fit.y = y;
        const Drawn drawn(moved(text, fit), ground, scale_, measure_);
        fit.difference = drawn.difference(stored_, fit.shift, best.difference);
        if (fit.difference < best.difference) best = fit;
      }
    }
  }

  const Raster& stored_;
  double scale_;
  std::vector<PixelShift> shifts_;
  MeasureText measure_;
};

/// The text with another digit in one place, or the other sign.
std::vector<Text> misreadings(const Text& text) {
  std::vector<Text> others;
  for (std::size_t i = 0; i < text.text.size(); ++i) {
    if (text.text[i] < '0' || text.text[i] > '9') continue;
    for (char digit = '0'; digit <= '9'; ++digit) {
      if (digit == text.text[i]) continue;
      others.push_back(text);
      others.back().text[i] = digit;
    }
  }
  constexpr std::string_view kMinus = "−";
  if (text.text.starts_with('+')) {
    others.push_back(text);
    others.back().text.replace(0, 1, kMinus);
  } else if (text.text.starts_with(kMinus)) {
    others.push_back(text);
    others.back().text.replace(0, kMinus.size(), "+");
  }
  return others;
}

/// Numbers, and words in the bundled fonts' letters that are not so long that larger fonts pull them apart.
bool is_read(const Text& text) {
  constexpr std::size_t kLongest = 24;
  if (text.text.size() > kLongest || text.text.find_first_not_of(' ') == std::string::npos) return false;
  for (std::size_t offset = 0; offset < text.text.size();) {
    const char32_t c = next_code_point(text.text, offset);
    if (c >= 0x180 && c != 0x2212 && c != 0x2264 && c != 0x2265 && c != 0x2423) return false;
  }
  return true;
}

/// What a text stands on: its cell, a head's tile, or the page.
Color ground_of(const ExpectedPicture& expected, const Text& text) {
  Color ground = expected.figure.background;
  if (text.align != Text::Align::middle || text.angle != 0) return ground;
  const std::size_t count = expected.cells > 0 ? expected.cells : expected.shapes.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Shape& cell = expected.shapes[i];
    const bool inside =
        text.x >= cell.x && text.x < cell.x + cell.width && text.y >= cell.y && text.y < cell.y + cell.height;
    if (inside) ground = cell.fill;
  }
  return ground;
}

/// Whether a line of a zoom lies over it.
bool is_crossed(const Text& text, const std::vector<Line>& lines, const MeasureText& measure) {
  const Area area = area_of(text, measure, 1);
  return std::any_of(lines.begin(), lines.end(), [&](const Line& line) {
    const double length = std::hypot(line.x2 - line.x1, line.y2 - line.y1);
    for (double at = 0; at <= length; at += 0.5) {
      const double share = at / length;
      if (area.holds(line.x1 + share * (line.x2 - line.x1), line.y1 + share * (line.y2 - line.y1)))
        return true;
    }
    return false;
  });
}

}  // namespace

std::vector<std::string> texts_not_shown(const ExpectedPicture& expected, const Raster& stored, double scale,
                                         std::span<const PixelShift> shifts) {
  constexpr double kSmallest = 6;  // pixels of a font's size, below which nobody reads it
  std::vector<PixelShift> each;
  for (const PixelShift& shift : shifts) {
    if (std::find(each.begin(), each.end(), shift) == each.end()) each.push_back(shift);
  }
  const Reader reader(stored, scale, each);
  const MeasureText measure = text_measure();
  std::vector<std::string> found;
  for (const Text& text : expected.texts) {
    if (!is_read(text) || text.size * scale < kSmallest) continue;
    if (is_crossed(text, expected.zoom_lines, measure)) continue;
    const Color ground = ground_of(expected, text);
    const Reader::Fit fit = reader.best(text, ground);
    if (fit.difference < kSame) continue;
    double least = fit.difference;
    std::string instead;
    for (const Text& other : misreadings(text)) {
      const double difference = reader.difference(other, ground, fit);
      constexpr double kClearly = 0.8;
      if (difference >= least * (instead.empty() ? kClearly : 1)) continue;
      least = difference;
      instead = other.text;
    }
    if (!instead.empty() && least < kLegible) {
      found.push_back("the picture shows " + cited(instead) + " where its record has " + cited(text.text));
    } else if (fit.difference > kLegible) {
      found.push_back("the picture does not show " + cited(text.text));
    }
  }
  return found;
}

}  // namespace attnviz
