/// The one draw loop: a figure onto a Cairo surface.
#pragma once

#include <cairo.h>

#include <exception>
#include <string_view>

#include "attnviz/figure.h"
#include "attnviz/file.h"
#include "render/png.h"
#include "render/typesetter.h"

namespace attnviz {

using Surface = Owned<cairo_surface_t, cairo_surface_destroy>;
using Drawing = Owned<cairo_t, cairo_destroy>;

/// How a surface wants its text: as glyphs of an embedded font (PDF), or as filled outlines (PNG), which
/// alone keep their exact place between pixels in every version of Cairo.
enum class Glyphs { shown, filled };

/// Draws `figure`, `scale` device units a point. Throws Error when Cairo reports one.
void draw(const Figure& figure, cairo_surface_t* surface, double scale, Glyphs glyphs);

/// Where a text's line starts on its baseline, seen from its anchor, and what kUnit is scaled by.
struct TextPlace {
  double x, y, scale;
};
[[nodiscard]] TextPlace place_of(const Text& text, const ShapedLine& line);

/// How often to repeat an image's pixels each way, at least 1024 across, so that viewers which smooth what
/// they enlarge, though told not to, blur only the edges between cells.
[[nodiscard]] std::size_t sharp_repeat(const Image& image);
[[nodiscard]] Pixels repeated_pixels(const Image& image, std::size_t repeat);

/// Throws Error with Cairo's words unless `status` is success.
void check_cairo(cairo_status_t status, std::string_view what);

/// Carries what Cairo writes to a sink, and the sink's exception past Cairo's C code.
class CairoOutput {
 public:
  explicit CairoOutput(const Sink& sink) : sink_(sink) {}

  /// For cairo_*_surface_create_for_stream; its closure is the CairoOutput.
  static cairo_status_t write(void* self, const unsigned char* bytes, unsigned length);

  /// Finishes the surface; throws what the sink threw, or Error with Cairo's words.
  void finish(cairo_surface_t* surface, std::string_view what);

 private:
  const Sink& sink_;
  std::exception_ptr failure_;
};

}  // namespace attnviz
