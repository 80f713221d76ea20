#include <cairo-pdf.h>
#include <cairo-svg.h>

#include <cstdlib>
#include <ctime>
#include <string>

#include "attnviz/error.h"
#include "attnviz/render.h"
#include "draw.h"

namespace attnviz {
namespace {

/// Text inside an XML 1.0 element; characters that XML has no place for become U+FFFD.
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
    } else if ((c < 0x20 && c != '\t' && c != '\n') || c == 0xFFFE || c == 0xFFFF) {
      escaped += "\uFFFD";
    } else {
      escaped += text.substr(start, offset - start);
    }
  }
  return escaped;
}

}  // namespace

MeasureText text_measure() {
  return [](std::string_view text, double size, bool bold) {
    return Typesetter::of_this_thread().shape(text, bold).width(size);
  };
}

void write_svg(const Figure& figure, const Sink& sink) {
  std::string svg;
  const Sink collect = [&svg](std::string_view piece) { svg += piece; };
  CairoOutput output(collect);
  const Surface surface(
      cairo_svg_surface_create_for_stream(CairoOutput::write, &output, figure.width, figure.height));
  draw(figure, surface.get(), 1, Glyphs::shown);
  output.finish(surface.get(), "SVG");
  sink(svg);
}

void write_pdf(const Figure& figure, const Sink& sink) {
  CairoOutput output(sink);
  const Surface surface(
      cairo_pdf_surface_create_for_stream(CairoOutput::write, &output, figure.width, figure.height));
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_TITLE, figure.title.c_str());
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_SUBJECT, figure.description.c_str());
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_CREATOR, "attnviz " ATTNVIZ_VERSION);
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_CREATE_DATE, "");
  draw(figure, surface.get(), 1, Glyphs::shown);
  output.finish(surface.get(), "PDF");
}

}  // namespace attnviz
