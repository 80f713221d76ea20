/// text: what the user wrote, as valid UTF-8, alone or as the rows of a file, and how a piece of text is
/// shown.
#pragma once

#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace attnviz {

/// What to do with bytes that are not UTF-8 (Unicode 15, table 3-7: no surrogates, no overlong
/// forms, nothing past U+10FFFF).
enum class InvalidUtf8 {
  fail,     ///< throw an Error that names the offset of the first bad byte
  replace,  ///< one U+FFFD for each maximal subpart of an ill-formed sequence (Unicode 15, 3.9)
};

/// `bytes` as valid UTF-8. `what` names the text in an error: "<what>: not UTF-8 at byte 17 (0xE4)".
[[nodiscard]] std::string valid_utf8(std::string_view bytes, InvalidUtf8 policy, std::string_view what);

/// The offset of the first byte that does not belong to valid UTF-8, or npos.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view bytes);

/// Decodes the code point at `offset` of valid UTF-8 and moves `offset` behind it. Of anything else it reads
/// nothing behind the end, and gives some code point.
[[nodiscard]] char32_t next_code_point(std::string_view utf8, std::size_t& offset);

void append_utf8(std::string& utf8, char32_t code_point);

/// The number of code points in valid UTF-8.
[[nodiscard]] std::size_t count_code_points(std::string_view utf8);

/// Text that can be printed on a terminal or in a figure: control characters, line ends, and the
/// bidirectional and invisible formatting characters become visible (U+0009 as ␉, U+001B as ␛,
/// U+202E as ‹U+202E›); everything else stays. Joiners inside a word (U+200C, U+200D) stay. What is not
/// UTF-8, as names of files may be, becomes U+FFFD.
[[nodiscard]] std::string visible(std::string_view utf8);

/// JSON that can stand inside a page's script element: no character of it can end the element or begin a
/// comment. < > and & occur in strings only, where their escapes mean the same.
[[nodiscard]] std::string inside_a_script(std::string_view json);

/// How a file holds texts. Each may begin with a byte order mark.
enum class RowFormat {
  lines,       ///< one text a line, which ends with LF or CRLF
  json_lines,  ///< one JSON object a line; lines of white space are no rows
  csv,         ///< RFC 4180, read as Python's csv reads it; empty lines are no rows
  tsv,         ///< the same with tabs for commas
};

/// By the extension, in any case: .txt .jsonl .ndjson .csv .tsv.
[[nodiscard]] std::optional<RowFormat> row_format(const std::filesystem::path& path);

/// What one row of a file gives.
struct Row {
  std::size_t index = 0;  ///< among the file's rows, from 0; a header is none
  std::size_t line = 1;   ///< of the file, on which the row begins, from 1
  std::string text;       ///< valid UTF-8; empty where the fault left none to be read
  std::optional<std::string> pair = {}, target = {},
                             id = {};  ///< where their columns were asked for and could be read
  std::string fault;  ///< why the row can't be used ("empty", "not UTF-8 at byte 17 (0xE4)"), or empty
};

struct RowOptions {
  RowFormat format = RowFormat::lines;
  /// A field of JSON lines ("text"), a column's name in the header ("text", or the only one), or its number
  /// from 1 where there is no header (1). In parentheses the text's default; the others have none.
  std::optional<std::string> text_column = {}, pair_column = {}, target_column = {}, id_column = {};
  bool header = true;                            ///< of csv and tsv: the first row names the columns
  InvalidUtf8 invalid_utf8 = InvalidUtf8::fail;  ///< fail: the row has a fault
  std::size_t most_bytes = 1 << 20;              ///< of a row; a longer one is passed over and has a fault
  std::size_t block_bytes = 1 << 18;             ///< read from the stream at once
};

/// Reads rows one by one from a stream of any length. It holds one row and one block; what is wrong with a
/// row is told in that row, and reading goes on.
class RowReader {
 public:
  /// `what` names the stream in errors. Throws Error: the stream can't be read, no header, no such column.
  RowReader(std::istream& in, const RowOptions& options, const std::string& what);
  RowReader(RowReader&&) noexcept;
  RowReader& operator=(RowReader&&) noexcept;
  ~RowReader();

  /// Nothing at the end. Throws Error: the stream can't be read, and without a header: no such column.
  [[nodiscard]] std::optional<Row> next();

  /// How one format is read.
  class Format;

 private:
  std::unique_ptr<Format> format_;
};

/// A token as a reader would write it: `mark` (the ## of a continuation, the space mark ␣ for a
/// leading space, or nothing) is drawn lighter than `text`; a byte that is no whole character is
/// shown as ‹E4›. Both are visible() text.
struct TokenLabel {
  std::string mark;
  std::string text;
  bool special = false;  ///< [CLS], <s>, <|endoftext|>, …: drawn in grey

  [[nodiscard]] std::string whole() const { return mark + text; }
  friend bool operator==(const TokenLabel&, const TokenLabel&) = default;
};

/// Neighbouring tokens that a reader sees as one word; or one token that stands for itself.
struct TokenGroup {
  std::size_t first = 0, count = 1;
  friend bool operator==(const TokenGroup&, const TokenGroup&) = default;
};

}  // namespace attnviz
