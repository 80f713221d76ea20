#include <algorithm>
#include <array>
#include <utility>

#include "attnviz/text.h"
#include "text/not_utf8.h"
#include "text/row_input.h"

namespace attnviz {
namespace {

/// Each line is a text.
class TextLines : public RowReader::Format {
 public:
  TextLines(std::istream& in, const RowOptions& options, const std::string& what)
      : lines_(in, options, what) {}

  std::optional<Row> next() override {
    if (!lines_.next()) return std::nullopt;
    const RowOptions& options = lines_.options();
    if (lines_.too_long()) return too_long_row(lines_.number(), options.most_bytes);
    return checked_row(lines_.number(), {.text = lines_.line()}, options.invalid_utf8);
  }

 private:
  RowLines lines_;
};

std::string shown_limit(std::size_t bytes) {
  constexpr std::size_t kKibi = 1 << 10, kMebi = 1 << 20;
  if (bytes >= kMebi && bytes % kMebi == 0) return std::to_string(bytes / kMebi) + " MiB";
  if (bytes >= kKibi && bytes % kKibi == 0) return std::to_string(bytes / kKibi) + " KiB";
  return std::to_string(bytes) + " bytes";
}

std::unique_ptr<RowReader::Format> read_rows(std::istream& in, const RowOptions& options,
                                             const std::string& what) {
  switch (options.format) {
    case RowFormat::json_lines:
      return read_json_lines(in, options, what);
    case RowFormat::csv:
    case RowFormat::tsv:
      return read_table(in, options, what);
    default:
      return std::make_unique<TextLines>(in, options, what);
  }
}

}  // namespace

Row faulty_row(std::size_t line, std::string fault) {
  Row row;
  row.line = line;
  row.fault = std::move(fault);
  return row;
}

Row too_long_row(std::size_t line, std::size_t most_bytes) {
  return faulty_row(line, "longer than " + shown_limit(most_bytes));
}

Row checked_row(std::size_t line, const RowFields& fields, InvalidUtf8 policy) {
  Row row;
  row.line = line;
  const auto checked = [&](std::string_view bytes, const std::string& name,
                           bool may_be_empty) -> std::optional<std::string> {
    std::string fault = bytes.empty() && !may_be_empty ? name + "empty" : "";
    const std::size_t bad = find_invalid_utf8(bytes);
    if (bad != std::string_view::npos) {
      if (policy == InvalidUtf8::replace) return valid_utf8(bytes, policy, {});
      fault = name + not_utf8(bytes, bad);
    }
    if (fault.empty()) return std::string(bytes);
    if (row.fault.empty()) row.fault = std::move(fault);
    return std::nullopt;
  };
  row.text = checked(fields.text, "", false).value_or("");
  if (fields.pair) row.pair = checked(*fields.pair, "pair: ", false);
  if (fields.target) row.target = checked(*fields.target, "target: ", false);
  if (fields.id) row.id = checked(*fields.id, "id: ", true);
  return row;
}

std::optional<RowFormat> row_format(const std::filesystem::path& path) {
  constexpr std::array<std::pair<std::string_view, RowFormat>, 5> kExtensions = {{
      {".txt", RowFormat::lines},
      {".jsonl", RowFormat::json_lines},
      {".ndjson", RowFormat::json_lines},
      {".csv", RowFormat::csv},
      {".tsv", RowFormat::tsv},
  }};
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  for (const auto& [known, format] : kExtensions) {
    if (extension == known) return format;
  }
  return std::nullopt;
}

RowReader::RowReader(std::istream& in, const RowOptions& options, const std::string& what)
    : format_(read_rows(in, options, what)) {}
RowReader::RowReader(RowReader&&) noexcept = default;
RowReader& RowReader::operator=(RowReader&&) noexcept = default;
RowReader::~RowReader() = default;

std::optional<Row> RowReader::next() {
  std::optional<Row> row = format_->next();
  if (row) row->index = format_->rows++;
  return row;
}

}  // namespace attnviz
