/// Lines of text, shaped by Pango with the bundled fonts.
#pragma once

#include <pango/pangocairo.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace attnviz {

/// Owns what a C library handed out.
template <class Object, auto release>
struct Release {
  void operator()(Object* object) const { release(object); }
};
template <class Object, auto release>
using Owned = std::unique_ptr<Object, Release<Object, release>>;

/// A path at size ShapedLine::kUnit; nothing where there is nothing to fill (spaces, fonts of bitmaps).
using Outline = Owned<cairo_path_t, cairo_path_destroy>;

/// Of one glyph of a run, about its own origin.
[[nodiscard]] Outline outline_of(const PangoGlyphItem& item, int glyph);

/// A line of text, shaped once at the size kUnit: without hinting its shape is the same at every other.
class ShapedLine {
 public:
  /// Glyphs of one font and direction, with the offset of their first byte in the text.
  struct Run {
    PangoGlyphItem* item;
    std::size_t offset;
    double x;  ///< from the line's start, at size kUnit
    Outline outline;
  };
  static constexpr double kUnit = 64;

  ShapedLine(PangoContext* context, std::string_view text, bool bold, std::size_t split);

  [[nodiscard]] double width(double size) const { return width_ * size / kUnit; }
  [[nodiscard]] const std::vector<Run>& runs();  ///< traced on the first call
  [[nodiscard]] const char* text() const { return pango_layout_get_text(layout_.get()); }

 private:
  Owned<PangoLayout, g_object_unref> layout_;
  double width_ = 0;
  std::vector<Run> runs_;
};

/// Shapes text with the bundled fonts alone, so that pictures agree between machines; a text with a character
/// that they lack, with the system's fonts as well, which are looked at only then.
class Typesetter {
 public:
  ~Typesetter();

  /// Each thread has its own: Pango's font maps are not shared between threads.
  static Typesetter& of_this_thread();

  /// The first `split` bytes become runs of their own. The line is good until the next call.
  [[nodiscard]] ShapedLine& shape(std::string_view text, bool bold, std::size_t split = 0);

  /// Heights above the baseline as shares of the font's size (Noto Sans).
  static constexpr double kXHeight = 0.536, kCapHeight = 0.714;

 private:
  Typesetter();
  struct State;
  std::unique_ptr<State> state_;
};

/// Where the bundled fonts are: fonts/ beside the program, or ../share/attnviz/fonts. Throws Error.
[[nodiscard]] std::filesystem::path fonts_directory();

}  // namespace attnviz
