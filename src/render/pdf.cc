#include <cairo-pdf.h>

#include <charconv>
#include <cstdlib>
#include <ctime>
#include <string>

#include "attnviz/error.h"
#include "attnviz/render.h"
#include "attnviz/text.h"
#include "render/draw.h"
#include "render/record.h"

namespace attnviz {
namespace {

/// What SOURCE_DATE_EPOCH says (https://reproducible-builds.org/specs/source-date-epoch/), for Cairo; empty
/// where it is not set. Throws Error: no count of seconds.
std::string creation_date() {
  const char* const variable = std::getenv("SOURCE_DATE_EPOCH");
  if (!variable) return "";
  constexpr std::time_t kEndOfYear9999 = 253402300799;
  const std::string_view text = variable;
  std::time_t seconds = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (fault != std::errc() || end != text.data() + text.size() || seconds < 0 || seconds > kEndOfYear9999) {
    throw Error("SOURCE_DATE_EPOCH: expected whole seconds since 1970, got " +
                    (text.empty() ? "nothing" : visible(text)),
                "unset it, and a PDF says no date");
  }
  std::tm date{};
  gmtime_r(&seconds, &date);
  char iso[sizeof "9999-12-31T23:59:59Z"];
  return {iso, std::strftime(iso, sizeof iso, "%Y-%m-%dT%H:%M:%SZ", &date)};
}

}  // namespace

void write_pdf(const Figure& figure, const Sink& sink) {
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
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_CREATE_DATE, creation_date().c_str());
  draw(figure, surface.get(), 1, Glyphs::shown);
  output.finish(surface.get(), "PDF");
  if (figure.record.empty()) return;
  const std::string update = pdf_record(document, figure.record);
  sink(document);
  sink(update);
}

}  // namespace attnviz
