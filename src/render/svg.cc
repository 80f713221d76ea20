#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "attnviz/render.h"
#include "render/draw.h"
#include "render/record.h"

namespace attnviz {
namespace {

/// Text for an XML 1.0 element or attribute; characters that XML has no place for become U+FFFD.
std::string xml_text(std::string_view text) {
  std::string escaped;
  for (std::size_t offset = 0; offset < text.size();) {
    const std::size_t start = offset;
    const char32_t c = next_code_point(text, offset);
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else if ((c < 0x20 && c != '\t' && c != '\n') || c == 0xFFFE || c == 0xFFFF) {
      escaped += "\uFFFD";
    } else {
      escaped += text.substr(start, offset - start);
    }
  }
  return escaped;
}

/// To a hundredth (or as `decimals` say), as short as can be.
std::string number(double value, int decimals = 2) {
  char text[64];
  char* end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals).ptr;
  while (end[-1] == '0') --end;
  if (end[-1] == '.') --end;
  const std::string_view written(text, static_cast<std::size_t>(end - text));
  return written == "-0" ? "0" : std::string(written);
}

std::string hex(Color color) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "#";
  for (const std::uint8_t channel : {color.red, color.green, color.blue}) {
    text += kDigits[channel >> 4];
    text += kDigits[channel & 15];
  }
  return text;
}

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

std::string attribute(std::string_view name, const std::string& value) {
  std::string text = " ";
  return text.append(name).append("=\"").append(value).append("\"");
}

std::string place(double x, double y) { return attribute("x", number(x)) + attribute("y", number(y)); }

std::string extent(double width, double height) {
  return attribute("width", number(width)) + attribute("height", number(height));
}

/// A path's data in SVG's terms.
std::string path_data(const cairo_path_t& path) {
  std::string data;
  for (int i = 0; i < path.num_data; i += path.data[i].header.length) {
    const cairo_path_data_t* part = &path.data[i];
    // What follows a closed contour is Cairo's return to its start.
    const bool last_move =
        part->header.type == CAIRO_PATH_MOVE_TO && i + part->header.length >= path.num_data;
    if (last_move) break;
    data += "MLCZ"[part->header.type];
    for (int k = 1; k < part->header.length; ++k) {
      if (k > 1) data += ' ';
      data += number(part[k].point.x) + " " + number(part[k].point.y);
    }
  }
  return data;
}

/// Writes items as elements; a glyph's outline is written once and used by reference, so that text looks
/// the same on every machine. (Cairo's own SVG is two to three times as large, rounds outlines to a 64th of
/// a point, numbers its elements through the process, and differs between versions.)
class SvgPen {
 public:
  void operator()(const Rectangle& r) {
    body_ += "<rect" + place(r.x, r.y) + extent(r.width, r.height) + attribute("fill", hex(r.fill)) +
             (r.crisp ? " shape-rendering=\"crispEdges\"" : "") + "/>\n";
  }

  void operator()(const Line& line) {
    body_ += "<line" + attribute("x1", number(line.x1)) + attribute("y1", number(line.y1)) +
             attribute("x2", number(line.x2)) + attribute("y2", number(line.y2)) +
             attribute("stroke", hex(line.color)) + attribute("stroke-width", number(line.width)) + "/>\n";
  }

  void operator()(const Image& image) {
    std::string png;
    const std::size_t repeat = sharp_repeat(image);
    encode_png(repeated_pixels(image, repeat), image.columns * repeat, {},
               [&png](std::string_view piece) { png += piece; });
    body_ += "<image" + place(image.x, image.y) + extent(image.width, image.height) +
             " preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" "
             "xlink:href=\"data:image/png;base64," +
             base64(png) + "\"/>\n";
  }

  void operator()(const Text& text);

  [[nodiscard]] const std::string& outlines() const { return outlines_; }
  [[nodiscard]] const std::string& body() const { return body_; }

 private:
  void use_glyphs(const ShapedLine::Run& run);
  void embed_bitmap(const ShapedLine& line, const ShapedLine::Run& run);

  std::map<std::pair<const PangoFont*, PangoGlyph>, std::size_t> glyphs_;
  std::string outlines_, body_;
};

void SvgPen::operator()(const Text& text) {
  ShapedLine& line = Typesetter::of_this_thread().shape(text.text, text.bold, text.mark_bytes);
  const TextPlace at = place_of(text, line);
  body_ += "<g" + attribute("aria-label", xml_text(text.text)) + attribute("fill", hex(text.color)) +
           " transform=\"translate(" + number(text.x) + " " + number(text.y) + ")" +
           (text.angle == 0 ? "" : "rotate(" + number(text.angle) + ")") + "translate(" + number(at.x) + " " +
           number(at.y) + ")scale(" + number(at.scale, 5) + ")\">";
  for (const ShapedLine::Run& run : line.runs()) {
    const bool marked = run.offset < text.mark_bytes;
    if (marked) body_ += "<g" + attribute("fill", hex(text.mark_color)) + ">";
    if (run.outline) {
      use_glyphs(run);
    } else {
      embed_bitmap(line, run);
    }
    if (marked) body_ += "</g>";
  }
  body_ += "</g>\n";
}

void SvgPen::use_glyphs(const ShapedLine::Run& run) {
  const PangoGlyphString& glyphs = *run.item->glyphs;
  double x = run.x;
  for (int i = 0; i < glyphs.num_glyphs; ++i) {
    const PangoGlyphInfo& glyph = glyphs.glyphs[i];
    const PangoFont* font = run.item->item->analysis.font;
    const auto [known, fresh] = glyphs_.try_emplace({font, glyph.glyph}, glyphs_.size());
    const std::string id = std::string("g").append(std::to_string(known->second));
    if (fresh) {
      const Outline outline = outline_of(*run.item, i);
      outlines_ +=
          "<path" + attribute("id", id) + attribute("d", outline ? path_data(*outline) : "") + "/>\n";
    }
    const std::string reference = std::string("#").append(id);
    body_ += "<use" + attribute("xlink:href", reference) +
             attribute("x", number(x + static_cast<double>(glyph.geometry.x_offset) / PANGO_SCALE));
    if (glyph.geometry.y_offset != 0) {
      body_ += attribute("y", number(static_cast<double>(glyph.geometry.y_offset) / PANGO_SCALE));
    }
    body_ += "/>";
    x += static_cast<double>(glyph.geometry.width) / PANGO_SCALE;
  }
}

void SvgPen::embed_bitmap(const ShapedLine& line, const ShapedLine::Run& run) {
  PangoRectangle ink;
  pango_glyph_string_extents(run.item->glyphs, run.item->item->analysis.font, &ink, nullptr);
  pango_extents_to_pixels(&ink, nullptr);
  if (ink.width <= 0 || ink.height <= 0) return;
  const Surface surface(cairo_image_surface_create(CAIRO_FORMAT_ARGB32, ink.width, ink.height));
  const Owned<cairo_t, cairo_destroy> drawing(cairo_create(surface.get()));
  cairo_move_to(drawing.get(), -ink.x, -ink.y);
  pango_cairo_show_glyph_item(drawing.get(), line.text(), run.item);
  std::string png;
  const Sink collect = [&png](std::string_view piece) { png += piece; };
  CairoOutput output(collect);
  cairo_surface_write_to_png_stream(surface.get(), CairoOutput::write, &output);
  output.finish(surface.get(), "SVG");
  body_ += "<image" + place(run.x + ink.x, ink.y) + extent(ink.width, ink.height) +
           " xlink:href=\"data:image/png;base64," + base64(png) + "\"/>";
}

}  // namespace

void write_svg(const Figure& figure, const Sink& sink) {
  SvgPen pen;
  pen(Rectangle{0, 0, figure.width, figure.height, figure.background});
  for (const Item& item : figure.items) std::visit(pen, item);
  const std::string width = number(figure.width), height = number(figure.height);
  sink(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" "
      "version=\"1.1\" "
      "role=\"img\"" +
      attribute("width", width + "pt") + attribute("height", height + "pt") +
      attribute("viewBox", "0 0 " + width + " " + height) + ">\n<title>" + xml_text(figure.title) +
      "</title>\n<desc>" + xml_text(figure.description) + "</desc>\n");
  if (!figure.record.empty()) sink(svg_record(figure.record));
  sink("<defs>\n" + pen.outlines() + "</defs>\n");
  sink(pen.body());
  sink("</svg>\n");
}

}  // namespace attnviz
