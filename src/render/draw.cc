#include "render/draw.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "attnviz/error.h"
#include "render/stamp.h"

namespace attnviz {
namespace {

class Pen {
 public:
  Pen(cairo_t* cairo, double scale, Glyphs glyphs) : cairo_(cairo), scale_(scale), glyphs_(glyphs) {}

  /// The whole surface: its last pixels may reach a little past the page.
  void paint(Color color) {
    set_color(color);
    cairo_paint(cairo_);
  }

  void operator()(const Rectangle& r) {
    set_color(r.fill);
    cairo_set_antialias(cairo_, r.crisp ? CAIRO_ANTIALIAS_NONE : CAIRO_ANTIALIAS_DEFAULT);
    cairo_rectangle(cairo_, r.x, r.y, r.width, r.height);
    cairo_fill(cairo_);
    cairo_set_antialias(cairo_, CAIRO_ANTIALIAS_DEFAULT);
  }

  void operator()(const Line& line) {
    set_color(line.color);
    cairo_set_line_width(cairo_, line.width);
    cairo_move_to(cairo_, line.x1, line.y1);
    cairo_line_to(cairo_, line.x2, line.y2);
    cairo_stroke(cairo_);
  }

  void operator()(const Text& text);
  void operator()(const Image& image);

 private:
  /// Onto an image.
  void stamp(const Text& text, const TextPlace& at, const ShapedLine::Run& run, Color color);

  void set_color(Color color) {
    cairo_set_source_rgb(cairo_, color.red / 255.0, color.green / 255.0, color.blue / 255.0);
  }

  cairo_t* cairo_;
  double scale_;
  Glyphs glyphs_;
};

void Pen::operator()(const Text& text) {
  ShapedLine& line = Typesetter::of_this_thread().shape(text.text, text.bold, text.mark_bytes);
  const TextPlace at = place_of(text, line);
  for (const ShapedLine::Run& run : line.runs()) {
    const Color color = run.offset < text.mark_bytes ? text.mark_color : text.color;
    if (glyphs_ == Glyphs::filled && run.outline && text.angle == 0) {
      stamp(text, at, run, color);
      continue;
    }
    set_color(color);
    cairo_save(cairo_);
    cairo_translate(cairo_, text.x, text.y);
    cairo_rotate(cairo_, text.angle * std::numbers::pi / 180);
    cairo_translate(cairo_, at.x, at.y);
    cairo_scale(cairo_, at.scale, at.scale);
    cairo_translate(cairo_, run.x, 0);
    if (glyphs_ == Glyphs::filled && run.outline) {
      cairo_append_path(cairo_, run.outline.get());
      cairo_fill(cairo_);
    } else {
      cairo_move_to(cairo_, 0, 0);
      pango_cairo_show_glyph_item(cairo_, line.text(), run.item);
    }
    cairo_new_path(cairo_);
    cairo_restore(cairo_);
  }
}

void Pen::stamp(const Text& text, const TextPlace& at, const ShapedLine::Run& run, Color color) {
  const auto steps = [&](double points) {
    return std::llround(points * scale_ * static_cast<double>(StampKey::kStepsAPixel));
  };
  const std::int64_t x = steps(text.x + at.x + run.x * at.scale), y = steps(text.y + at.y);
  const auto within = [](std::int64_t place) { return place & (StampKey::kStepsAPixel - 1); };
  const auto pixel = [](std::int64_t place) { return static_cast<int>(place >> StampKey::kStepBits); };
  const Stamp& stamp = Stamps::of_this_thread().of({.text = text.text,
                                                    .bold = text.bold,
                                                    .split = text.mark_bytes,
                                                    .offset = run.offset,
                                                    .scale = at.scale * scale_,
                                                    .x = within(x),
                                                    .y = within(y)},
                                                   *run.outline);
  press(stamp, color, pixel(x), pixel(y), cairo_get_target(cairo_));
}

void Pen::operator()(const Image& image) {
  const std::size_t repeat = glyphs_ == Glyphs::filled ? 1 : sharp_repeat(image);
  const auto width = static_cast<int>(image.columns * repeat);
  Pixels pixels = repeated_pixels(image, repeat);
  const auto height = static_cast<int>(pixels.size()) / width;
  const Surface surface(cairo_image_surface_create_for_data(reinterpret_cast<unsigned char*>(pixels.begin()),
                                                            CAIRO_FORMAT_RGB24, width, height, width * 4));
  check_cairo(cairo_surface_status(surface.get()), "image");
  cairo_save(cairo_);
  cairo_translate(cairo_, image.x, image.y);
  cairo_scale(cairo_, image.width / width, image.height / height);
  cairo_set_source_surface(cairo_, surface.get(), 0, 0);
  cairo_pattern_set_filter(cairo_get_source(cairo_), CAIRO_FILTER_NEAREST);
  cairo_rectangle(cairo_, 0, 0, width, height);
  cairo_fill(cairo_);
  cairo_restore(cairo_);
  // A vector surface reads the pixels only when its page is done: it keeps a copy of its own.
  cairo_surface_finish(surface.get());
}

}  // namespace

TextPlace place_of(const Text& text, const ShapedLine& line) {
  const double share = text.align == Text::Align::start ? 0 : text.align == Text::Align::end ? 1 : 0.5;
  const double height = text.middle == Text::Middle::x_height ? Typesetter::kXHeight : Typesetter::kCapHeight;
  return {-share * line.width(text.size), text.size * height / 2, text.size / ShapedLine::kUnit};
}

std::size_t sharp_repeat(const Image& image) {
  constexpr std::size_t kSharp = 1024;
  return (kSharp + image.columns - 1) / image.columns;
}

Pixels repeated_pixels(const Image& image, std::size_t repeat) {
  Pixels pixels(image.pixels.size() * repeat * repeat);
  std::uint32_t* pixel = pixels.begin();
  for (std::size_t row = 0; row < image.pixels.size(); row += image.columns) {
    for (std::size_t line = 0; line < repeat; ++line) {
      for (std::size_t column = 0; column < image.columns; ++column) {
        const Color color = image.pixels[row + column];
        pixel = std::fill_n(pixel, repeat,
                            static_cast<std::uint32_t>(color.red << 16 | color.green << 8 | color.blue));
      }
    }
  }
  return pixels;
}

void check_cairo(cairo_status_t status, std::string_view what) {
  if (status != CAIRO_STATUS_SUCCESS) throw Error(std::string(what) + ": " + cairo_status_to_string(status));
}

void draw(const Figure& figure, cairo_surface_t* surface, double scale, Glyphs glyphs) {
  check_cairo(cairo_surface_status(surface), "figure");
  const Drawing drawing(cairo_create(surface));
  cairo_scale(drawing.get(), scale, scale);
  Pen pen(drawing.get(), scale, glyphs);
  pen.paint(figure.background);
  for (const Item& item : figure.items) std::visit(pen, item);
  check_cairo(cairo_status(drawing.get()), "figure");
}

cairo_status_t CairoOutput::write(void* self, const unsigned char* bytes, unsigned length) {
  auto& output = *static_cast<CairoOutput*>(self);
  if (output.failure_) return CAIRO_STATUS_WRITE_ERROR;
  try {
    output.sink_({reinterpret_cast<const char*>(bytes), length});
    return CAIRO_STATUS_SUCCESS;
  } catch (...) {
    output.failure_ = std::current_exception();
    return CAIRO_STATUS_WRITE_ERROR;
  }
}

void CairoOutput::finish(cairo_surface_t* surface, std::string_view what) {
  cairo_surface_finish(surface);
  if (failure_) std::rethrow_exception(failure_);
  check_cairo(cairo_surface_status(surface), what);
}

}  // namespace attnviz
