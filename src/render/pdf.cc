#include <cairo-pdf.h>

#include "attnviz/render.h"
#include "render/draw.h"

namespace attnviz {

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
