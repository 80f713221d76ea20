/// The page a layout writes on: items, the theme's colours, and what the items' texts cover.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "attnviz/figure.h"

namespace attnviz {

/// A hundred-and-fiftieth of an inch: cells are a whole number of these wide, so that their edges fall
/// between pixels at 150, 300 and 600 dpi.
inline constexpr double kGrid = 0.48;

/// A theme's colours.
struct Palette {
  Color page;
  Color ink;    ///< titles and labels
  Color quiet;  ///< axis titles, ticks
  Color muted;  ///< the sentence, notes, special tokens
  Color faint;  ///< marks
  Color rule;   ///< hair lines
};

[[nodiscard]] const Palette& palette(Theme theme);

/// The smallest upright rectangle around something.
struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;

  [[nodiscard]] Box joined(const Box& other) const;
};

/// Font sizes in points.
struct TypeSizes {
  static constexpr double kTitle = 11, kSubtitle = 8.5, kAxisTitle = 8.5, kTick = 7.5, kNote = 7;
  static constexpr double kLabel = 9, kThinnedLabel = 6.5, kSmallestLabel = 6, kSmallestAnnotation = 5;
  /// A line of text with the air it needs to stand apart from the next, in font sizes.
  static constexpr double kLine = 1.15;
};

class Page {
 public:
  Page(Theme theme, const MeasureText& measure) : palette_(palette(theme)), measure_(measure) {}

  [[nodiscard]] const Palette& colors() const { return palette_; }
  [[nodiscard]] double width(const Text& text) const { return measure_(text.text, text.size, text.bold); }
  [[nodiscard]] double width(std::string_view text, double size, bool bold = false) const {
    return measure_(text, size, bold);
  }

  /// What `text` covers: its width, and half its size above and below the middle of its x-height.
  [[nodiscard]] Box box(const Text& text) const;

  /// Around everything added so far.
  [[nodiscard]] const Box& bounds() const { return bounds_; }

  /// Each returns what the item covers.
  Box add(const Rectangle& rectangle);
  Box add(const Line& line);
  Box add(const Image& image);
  Box add(const Text& text);

  /// `text`, or its beginning and an ellipsis, at most `room` points wide. Never splits a character from
  /// its combining marks, joiners and variation selectors.
  [[nodiscard]] std::string shortened(const std::string& text, double room, double size,
                                      bool bold = false) const;

  /// `text` broken at spaces into lines at most `room` points wide; a longer word is shortened.
  [[nodiscard]] std::vector<std::string> wrapped(const std::string& text, double room, double size) const;

  /// The page as a figure, with a margin around what was added; positions stay on the grid.
  [[nodiscard]] Figure finish(std::string title, std::string description) &&;

 private:
  template <class Drawn>
  Box keep(const Drawn& item, const Box& box);

  const Palette& palette_;
  const MeasureText& measure_;
  std::vector<Item> items_;
  Box bounds_;
};

}  // namespace attnviz
