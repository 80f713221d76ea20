// Any bytes are rows or an Error: of valid UTF-8, in order, no longer than they may be, and the same whatever
// the size of the blocks read. The first two bytes choose the options.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/text.h"

namespace {

using attnviz::InvalidUtf8;
using attnviz::Row;
using attnviz::RowFormat;
using attnviz::RowOptions;

void require(bool condition) {
  if (!condition) std::abort();
}

RowOptions options_of(std::uint8_t choice, std::uint8_t limit) {
  constexpr RowFormat kFormats[] = {RowFormat::lines, RowFormat::json_lines, RowFormat::csv, RowFormat::tsv};
  RowOptions options{.format = kFormats[choice & 3], .header = (choice & 4) != 0};
  if (choice & 8) options.invalid_utf8 = InvalidUtf8::replace;
  const bool counted = options.format != RowFormat::json_lines && !options.header;
  if (choice & 16) options.text_column = counted ? "2" : "t";
  if (choice & 32) options.pair_column = counted ? "1" : "p";
  if (choice & 64) options.id_column = counted ? "3" : "id";
  options.most_bytes = limit < 128 ? limit : 1 << 20;
  return options;
}

struct Result {
  std::vector<Row> rows;
  std::string error;
};

Result read(std::string_view bytes, RowOptions options, std::size_t block_bytes) {
  options.block_bytes = block_bytes;
  std::istringstream in{std::string(bytes)};
  Result result;
  try {
    attnviz::RowReader reader(in, options, "fuzz");
    while (auto row = reader.next()) result.rows.push_back(std::move(*row));
  } catch (const attnviz::Error& error) {
    result.error = error.what();
  }
  return result;
}

void require_text(const std::string& text, const RowOptions& options) {
  require(attnviz::find_invalid_utf8(text) == std::string::npos);
  // U+FFFD is three bytes, and stands for one at least.
  require(text.size() <= options.most_bytes * (options.invalid_utf8 == InvalidUtf8::replace ? 3 : 1));
}

void require_in_order(const Result& result, const RowOptions& options) {
  std::size_t index = 0, line = 1;
  for (const Row& row : result.rows) {
    require(row.index == index++);
    require(row.line >= line);
    line = row.line;
    require(!row.text.empty() || !row.fault.empty());
    require_text(row.text, options);
    if (row.pair) require_text(*row.pair, options);
    if (row.id) require_text(*row.id, options);
    if (!row.fault.empty()) continue;
    require(row.pair.has_value() == (options.format != RowFormat::lines && options.pair_column.has_value()));
    require(row.id.has_value() == (options.format != RowFormat::lines && options.id_column.has_value()));
  }
}

void require_same(const Result& a, const Result& b) {
  require(a.error == b.error && a.rows.size() == b.rows.size());
  for (std::size_t i = 0; i < a.rows.size(); ++i) {
    const Row &x = a.rows[i], &y = b.rows[i];
    require(x.line == y.line && x.text == y.text && x.pair == y.pair && x.id == y.id && x.fault == y.fault);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  const RowOptions options = options_of(data[0], data[1]);
  const Result whole = read(bytes, options, 1 << 18);
  require_in_order(whole, options);
  for (const std::size_t block_bytes : {3, 4, 7, 64}) require_same(whole, read(bytes, options, block_bytes));
  return 0;
}
