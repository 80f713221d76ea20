#include "render/pdf_objects.h"

#include <algorithm>
#include <charconv>

#include "attnviz/error.h"
#include "render/zlib.h"

namespace attnviz {
namespace {

constexpr std::string_view kSpace{"\0\t\n\f\r ", 6};

}  // namespace

std::optional<std::uint64_t> pdf_integer(std::string_view token) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (fault != std::errc() || end != token.data() + token.size()) return std::nullopt;
  return value;
}

void PdfTokens::skip_space() {
  for (;;) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size()));
    if (!rest_.starts_with('%')) return;
    rest_.remove_prefix(std::min(rest_.find_first_of("\r\n"), rest_.size()));
  }
}

/// Of the string at the start, with its parentheses.
std::size_t PdfTokens::string_length() const {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < rest_.size(); ++i) {
    if (rest_[i] == '\\') {
      ++i;
    } else if (rest_[i] == '(') {
      ++depth;
    } else if (rest_[i] == ')' && --depth == 0) {
      return i + 1;
    }
  }
  return rest_.size();
}

std::string_view PdfTokens::next() {
  constexpr std::string_view kEnds{"\0\t\n\f\r ()<>[]{}/%", 16};
  skip_space();
  if (rest_.empty()) return {};
  std::size_t length = 1;
  if (rest_.starts_with("<<") || rest_.starts_with(">>")) {
    length = 2;
  } else if (rest_[0] == '<') {
    length = std::min(rest_.find('>'), rest_.size() - 1) + 1;
  } else if (rest_[0] == '(') {
    length = string_length();
  } else if (rest_[0] == '/' || kEnds.find(rest_[0]) == std::string_view::npos) {
    length = std::min(rest_.find_first_of(kEnds, 1), rest_.size());
  }
  const std::string_view token = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return token;
}

std::string_view PdfTokens::object() {
  skip_space();
  const std::string_view from = rest_;
  std::size_t depth = 0;
  std::string_view token;
  do {
    token = next();
    if (token == "<<" || token == "[") ++depth;
    if ((token == ">>" || token == "]") && depth > 0) --depth;
  } while (depth > 0 && !token.empty());
  PdfTokens ahead = *this;
  if (pdf_integer(token) && pdf_integer(ahead.next()) && ahead.next() == "R") *this = ahead;
  return from.substr(0, from.size() - rest_.size());
}

std::string_view pdf_value(std::string_view text, std::string_view name) {
  PdfTokens tokens(text);
  if (tokens.next() != "<<") return {};
  for (;;) {
    const std::string_view key = tokens.next();
    if (key.empty() || key == ">>") return {};
    const std::string_view value = tokens.object();
    if (key == name) return value;
  }
}

Pdf::Pdf(std::string_view file) : file_(file) {
  const std::size_t end = file.find_last_not_of(kSpace) + 1;
  const std::size_t start = file.rfind("startxref");
  if (!file.substr(0, end).ends_with("%%EOF") || start == std::string_view::npos) {
    throw Error("it is cut: its end, %%EOF, is missing");
  }
  const std::optional<std::uint64_t> newest = pdf_integer(PdfTokens(file.substr(start + 9)).next());
  if (!newest || *newest >= start) throw Error("it is broken: it does not say where its objects are");
  table_ = *newest;
  // Each update's table names the one before it, which begins earlier: so tables are read once.
  for (std::uint64_t offset = table_;;) {
    const std::string_view trailer = read_table(offset);
    if (offset == table_) trailer_ = trailer;
    const std::optional<std::uint64_t> before = pdf_integer(pdf_value(trailer, "/Prev"));
    if (!before || *before >= offset) return;
    offset = *before;
  }
}

std::string_view Pdf::read_table(std::uint64_t offset) {
  constexpr std::size_t kLongestTrailer = 4096;  // that a chain of unfinished ones is not read over and over
  PdfTokens tokens(file_.substr(offset));
  const std::string_view first_token = tokens.next();
  if (pdf_integer(first_token)) return {};
  if (first_token != "xref") throw Error("it is broken: there is no table of objects where it says");
  for (;;) {
    const std::string_view token = tokens.next();
    if (token == "trailer") return tokens.rest().substr(0, kLongestTrailer);
    const std::optional<std::uint64_t> first = pdf_integer(token), count = pdf_integer(tokens.next());
    if (!first || !count) throw Error("it is broken: its table of objects ends early");
    for (std::uint64_t i = 0; i < *count; ++i) {
      const std::optional<std::uint64_t> at = pdf_integer(tokens.next()),
                                         generation = pdf_integer(tokens.next());
      const std::string_view kind = tokens.next();
      if (!at || !generation || kind.empty()) throw Error("it is broken: its table of objects ends early");
      offsets_.try_emplace(*first + i, kind == "n" ? *at : 0);
    }
  }
}

std::string_view Pdf::resolved(std::string_view value) const {
  PdfTokens reference(value);
  const std::optional<std::uint64_t> id = pdf_integer(reference.next());
  if (!id || !pdf_integer(reference.next()) || reference.next() != "R") return value;
  const auto found = offsets_.find(*id);
  if (found == offsets_.end() || found->second == 0) return {};
  if (found->second < file_.size()) {
    PdfTokens object(file_.substr(found->second));
    if (pdf_integer(object.next()) == id && pdf_integer(object.next()) && object.next() == "obj")
      return object.rest();
  }
  throw Error("it is broken: object " + std::to_string(*id) + " is not where its table says");
}

std::string stream_bytes(const Pdf& pdf, std::string_view stream, const std::string& what, std::size_t most) {
  const std::optional<std::uint64_t> length =
      pdf_integer(PdfTokens(pdf.resolved(pdf_value(stream, "/Length"))).next());
  const std::string_view filter = PdfTokens(pdf_value(stream, "/Filter")).next();
  PdfTokens behind(stream);
  (void)behind.object();
  if (!length || behind.next() != "stream") throw Error("it is broken: " + what + " is no stream");
  std::string_view bytes = behind.rest();
  bytes.remove_prefix(bytes.starts_with("\r\n") ? 2 : bytes.starts_with('\n') ? 1 : 0);
  if (*length > bytes.size() || PdfTokens(bytes.substr(*length)).next() != "endstream") {
    throw Error("it is cut or broken: " + what + " does not end where it says");
  }
  bytes = bytes.substr(0, *length);
  if (!filter.empty() && filter != "/FlateDecode") throw Error(what + " is compressed in an unknown way");
  if (filter.empty()) return std::string(bytes);
  try {
    return inflated(bytes, most);
  } catch (const Error& error) {
    throw Error(what + ": " + error.what());
  }
}

}  // namespace attnviz
