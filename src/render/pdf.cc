#include <cairo-pdf.h>

#include <optional>
#include <string>

#include "attnviz/render.h"
#include "render/draw.h"
#include "render/record.h"

namespace attnviz {

void write_pdf(const Figure& figure, const Sink& sink) {
  const std::optional<std::string> date = stated_date();
  std::string document;
  const Sink collect = [&document](std::string_view piece) { document += piece; };
  CairoOutput output(figure.record.empty() ? sink : collect);
  const Surface surface(
      cairo_pdf_surface_create_for_stream(CairoOutput::write, &output, figure.width, figure.height));
  // From 1.5 on, newer versions of Cairo write cross-reference streams, to which no record can be added.
  cairo_pdf_surface_restrict_to_version(surface.get(), CAIRO_PDF_VERSION_1_4);
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_TITLE, figure.title.c_str());
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_SUBJECT, figure.description.c_str());
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_CREATOR, "attnviz " ATTNVIZ_VERSION);
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_CREATE_DATE,
                                 date ? (*date + "Z").c_str() : "");
  draw(figure, surface.get(), 1, Glyphs::shown);
  output.finish(surface.get(), "PDF");
  if (figure.record.empty()) return;
  const std::string update = pdf_record(document, figure.record);
  sink(document);
  sink(update);
}

}  // namespace attnviz
