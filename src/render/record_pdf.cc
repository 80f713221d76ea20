#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "attnviz/error.h"
#include "render/pdf_objects.h"
#include "render/record.h"

namespace attnviz {
namespace {

constexpr std::string_view kFileName = "(attnviz.json)";

/// The embedded file that a file specification names.
std::string embedded_file(const Pdf& pdf, std::string_view specification, std::size_t most) {
  const std::string_view stream =
      pdf.resolved(pdf_value(pdf.resolved(pdf_value(pdf.resolved(specification), "/EF")), "/F"));
  std::string record = stream_bytes(pdf, stream, "its record", most);
  const std::optional<std::uint64_t> size = pdf_integer(pdf_value(pdf_value(stream, "/Params"), "/Size"));
  if (size && *size != record.size()) throw Error("it is broken: its record is not as long as it says");
  return record;
}

/// Objects appended to a PDF, and the table and trailer that make them known.
class Update {
 public:
  explicit Update(std::string_view file) : start_(file.size()) {}

  void add(std::uint64_t id, std::string_view body) {
    char entry[32];
    std::snprintf(entry, sizeof entry, "%010zu 00000 n \n", start_ + bytes_.size());
    const std::string name = std::to_string(id);
    table_.append(name).append(" 1\n").append(entry);
    bytes_.append(name).append(" 0 obj\n").append(body).append("\nendobj\n");
  }

  [[nodiscard]] std::string finished(std::string_view trailer) const {
    return bytes_ + "xref\n" + table_ + "trailer\n" + std::string(trailer) + "\nstartxref\n" +
           std::to_string(start_ + bytes_.size()) + "\n%%EOF\n";
  }

 private:
  std::size_t start_;
  std::string bytes_, table_;
};

std::string reference(std::uint64_t id) { return std::to_string(id) + " 0 R"; }

}  // namespace

std::string pdf_record(std::string_view pdf, std::string_view record) {
  const Pdf objects(pdf);
  const std::string_view trailer = objects.trailer(), root = pdf_value(trailer, "/Root");
  const std::string_view catalog = PdfTokens(objects.resolved(root)).object();
  const std::optional<std::uint64_t> root_id = pdf_integer(PdfTokens(root).next()),
                                     size = pdf_integer(pdf_value(trailer, "/Size"));
  if (!root_id || !size || !catalog.ends_with(">>") || !pdf_value(catalog, "/Names").empty() ||
      !pdf_value(catalog, "/AF").empty()) {
    throw Error("PDF: this version of Cairo writes a form that no record can be added to",
                "write the figure as .png or .svg, or without its record");
  }
  const std::string packed = packed_record(record), file = reference(*size + 1);
  Update update(pdf);
  update.add(*root_id, std::string(catalog.substr(0, catalog.size() - 2)) +
                           "   /Names << /EmbeddedFiles << /Names [ " + std::string(kFileName) + " " + file +
                           " ] >> >>\n   /AF [ " + file + " ]\n>>");
  update.add(*size, "<< /Type /EmbeddedFile\n   /Subtype /application#2Fjson\n   /Params << /Size " +
                        std::to_string(record.size()) + " >>\n   /Filter /FlateDecode\n   /Length " +
                        std::to_string(packed.size()) + "\n>>\nstream\n" + packed + "\nendstream");
  update.add(*size + 1, "<< /Type /Filespec\n   /F " + std::string(kFileName) + "\n   /UF " +
                            std::string(kFileName) + "\n   /AFRelationship /Data\n   /EF << /F " +
                            reference(*size) + " /UF " + reference(*size) + " >>\n>>");
  std::string ends =
      "<< /Size " + std::to_string(*size + 2) + "\n   /Prev " + std::to_string(objects.table());
  for (const char* kept : {"/Root", "/Info", "/ID"}) {
    const std::string_view value = pdf_value(trailer, kept);
    if (!value.empty()) ends.append("\n   ").append(kept).append(" ").append(value);
  }
  return update.finished(ends.append("\n>>"));
}

std::optional<std::string> read_pdf_record(std::string_view file) {
  const Pdf pdf(file);
  const auto entry = [&pdf](std::string_view dictionary, std::string_view name) {
    return pdf.resolved(pdf_value(dictionary, name));
  };
  const std::string_view names = entry(entry(entry(pdf.trailer(), "/Root"), "/Names"), "/EmbeddedFiles");
  PdfTokens files(entry(names, "/Names"));
  if (files.next() != "[") return std::nullopt;
  for (;;) {
    const std::string_view name = files.next();
    if (name.empty() || name == "]") return std::nullopt;
    const std::string_view specification = files.object();
    if (name == kFileName) return embedded_file(pdf, specification, largest_record(file.size()));
  }
}

}  // namespace attnviz
