/// The fields of CSV (RFC 4180), as Python's csv reads them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/row_input.h"

namespace attnviz {

/// Reads one row after another. Rows end with LF, CRLF or CR; a quote that does not begin a field stands for
/// itself; lines with nothing in them are no rows.
class CsvReader {
 public:
  CsvReader(std::istream& in, const RowOptions& options, std::string what)
      : input_(in, options, std::move(what)),
        delimiter_(options.format == RowFormat::tsv ? '\t' : ','),
        bytes_(options.most_bytes) {}

  /// Goes to the next row. False at the end of the stream. Throws Error: the stream can't be read.
  [[nodiscard]] bool next();

  [[nodiscard]] std::size_t line() const { return row_line_; }  ///< on which the row begins, from 1
  [[nodiscard]] bool too_long() const { return bytes_.too_long(); }
  /// "quote not closed", "text behind a closing quote in column 2", or empty.
  [[nodiscard]] const std::string& fault() const { return fault_; }

  /// Of a row that is not too long.
  [[nodiscard]] std::size_t fields() const { return ends_.size(); }
  [[nodiscard]] std::string_view field(std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
    return std::string_view(bytes_.bytes()).substr(begin, ends_[index] - begin);
  }

 private:
  [[nodiscard]] bool sees(char c) {
    const std::string_view rest = input_.rest();
    return !rest.empty() && rest.front() == c;
  }
  void read_field();
  void read_quoted();
  /// Whether there was anything.
  [[nodiscard]] bool read_unquoted();
  void take_line_end();

  RowInput input_;
  char delimiter_;
  std::size_t line_ = 1, row_line_ = 1;
  RowBytes bytes_;                 ///< of all fields, without quotes and delimiters
  std::vector<std::size_t> ends_;  ///< of each field in bytes_
  std::string fault_;
};

}  // namespace attnviz
