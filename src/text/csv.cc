#include "text/csv.h"

#include <algorithm>

namespace attnviz {
namespace {

constexpr char kQuote = '"';

bool is_line_end(char c) { return c == '\n' || c == '\r'; }

}  // namespace

bool CsvReader::next() {
  while (sees('\n') || sees('\r')) take_line_end();
  if (input_.rest().empty()) return false;
  row_line_ = line_;
  bytes_.clear();
  ends_.clear();
  fault_.clear();
  read_field();
  while (sees(delimiter_)) {
    input_.take(1);
    bytes_.skip(1);
    read_field();
  }
  take_line_end();
  return true;
}

void CsvReader::read_field() {
  const bool quoted = sees(kQuote);
  if (quoted) read_quoted();
  if (read_unquoted() && quoted && fault_.empty() && !too_long()) {
    fault_ = "text behind a closing quote in column " + std::to_string(ends_.size() + 1);
  }
  // A row that is too long could have fields without end.
  if (!too_long()) ends_.push_back(bytes_.bytes().size());
}

void CsvReader::read_quoted() {
  input_.take(1);
  bytes_.skip(1);
  bool after_return = false;
  while (true) {
    const std::string_view rest = input_.rest();
    if (rest.empty()) {
      fault_ = "quote not closed";
      return;
    }
    const std::string_view piece = rest.substr(0, rest.find(kQuote));
    for (const char c : piece) {
      line_ += c == '\r' || (c == '\n' && !after_return);
      after_return = c == '\r';
    }
    bytes_.add(piece);
    input_.take(piece.size());
    if (!sees(kQuote)) continue;
    input_.take(1);
    bytes_.skip(1);
    after_return = false;
    // Two quotes are one of the text.
    if (!sees(kQuote)) return;
    bytes_.add("\"");
    input_.take(1);
  }
}

bool CsvReader::read_unquoted() {
  bool any = false;
  while (true) {
    const std::string_view rest = input_.rest();
    const auto end =
        std::find_if(rest.begin(), rest.end(), [this](char c) { return c == delimiter_ || is_line_end(c); });
    const auto count = static_cast<std::size_t>(end - rest.begin());
    bytes_.add(rest.substr(0, count));
    input_.take(count);
    any = any || count > 0;
    // No byte behind it in this block: the field may go on in the next one.
    if (count < rest.size() || rest.empty()) return any;
  }
}

void CsvReader::take_line_end() {
  if (sees('\r')) input_.take(1);
  if (sees('\n')) input_.take(1);
  ++line_;
}

}  // namespace attnviz
