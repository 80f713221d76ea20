/// A stream of rows, block by block, and what all its formats share.
#pragma once

#include <istream>
#include <string>
#include <string_view>

#include "attnviz/text.h"

namespace attnviz {

/// The bytes of a stream, of which one block is held. A byte order mark at its beginning is passed over.
class RowInput {
 public:
  /// Throws Error naming `what`: the stream can't be read.
  RowInput(std::istream& in, const RowOptions& options, std::string what);

  /// The bytes that are read and not taken; none only at the end. Throws Error.
  [[nodiscard]] std::string_view rest() {
    if (taken_ == filled_) fill();
    return {block_.data() + taken_, filled_ - taken_};
  }
  void take(std::size_t count) { taken_ += count; }

  [[nodiscard]] const RowOptions& options() const { return options_; }
  [[nodiscard]] const std::string& what() const { return what_; }

 private:
  void fill();

  std::istream& in_;
  RowOptions options_;
  std::string what_;
  std::string block_;
  std::size_t taken_ = 0, filled_ = 0;
};

/// The bytes of one row, as far as a row may be long.
class RowBytes {
 public:
  explicit RowBytes(std::size_t most) : most_(most) {}

  void clear() {
    bytes_.clear();
    length_ = 0;
  }
  void add(std::string_view piece) {
    length_ += piece.size();
    // One more than may be: it can turn out to be the CR of a line end.
    if (bytes_.size() <= most_) bytes_ += piece.substr(0, most_ + 1 - bytes_.size());
  }
  /// Bytes that count for the row's length and are not kept.
  void skip(std::size_t count) { length_ += count; }
  void drop_return() {
    if (bytes_.size() != length_ || !bytes_.ends_with('\r')) return;
    bytes_.pop_back();
    --length_;
  }

  [[nodiscard]] bool too_long() const { return length_ > most_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::size_t most_, length_ = 0;
  std::string bytes_;
};

/// The lines of a stream, without their ends.
class RowLines {
 public:
  RowLines(std::istream& in, const RowOptions& options, std::string what);

  /// Goes to the next line. False at the end of the stream: there is no line behind the last line end.
  [[nodiscard]] bool next();

  [[nodiscard]] std::size_t number() const { return number_; }  ///< from 1
  [[nodiscard]] bool too_long() const { return line_.too_long(); }
  [[nodiscard]] std::string_view line() const { return line_.bytes(); }
  [[nodiscard]] const RowOptions& options() const { return input_.options(); }

 private:
  RowInput input_;
  RowBytes line_;
  std::size_t number_ = 0;
};

class RowReader::Format {
 public:
  virtual ~Format() = default;
  /// The next row but for its index.
  [[nodiscard]] virtual std::optional<Row> next() = 0;

  std::size_t rows = 0;  ///< that were read
};

[[nodiscard]] std::unique_ptr<RowReader::Format> read_json_lines(std::istream& in, const RowOptions& options,
                                                                 const std::string& what);
[[nodiscard]] std::unique_ptr<RowReader::Format> read_table(std::istream& in, const RowOptions& options,
                                                            const std::string& what);

/// A row's texts as bytes.
struct RowFields {
  std::string_view text;
  std::optional<std::string_view> pair = {}, target = {}, id = {};
};

/// The row with its texts checked: none may be other than UTF-8, and only an id may be empty.
[[nodiscard]] Row checked_row(std::size_t line, const RowFields& fields, InvalidUtf8 policy);

/// A row of which nothing can be used.
[[nodiscard]] Row faulty_row(std::size_t line, std::string fault);
[[nodiscard]] Row too_long_row(std::size_t line, std::size_t most_bytes);

}  // namespace attnviz
