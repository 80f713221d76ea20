#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <map>

#include "attnviz/error.h"
#include "render/record.h"

namespace attnviz {
namespace {

constexpr std::string_view kFileName = "(attnviz.json)";

/// The syntax of ISO 32000-1, 7.2 and 7.3, token by token.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : rest_(text) {}

  /// "<<", ">>", a bracket, a string or name with its marks, or a word; empty at the end.
  std::string_view next();

  /// A whole object: a token, a dictionary, an array or a reference ("7 0 R").
  std::string_view object();

  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  void skip_space();
  [[nodiscard]] std::size_t string_length() const;

  std::string_view rest_;
};

constexpr std::string_view kSpace{"\0\t\n\f\r ", 6};

std::optional<std::uint64_t> number(std::string_view token) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (fault != std::errc() || end != token.data() + token.size()) return std::nullopt;
  return value;
}

void Tokens::skip_space() {
  for (;;) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size()));
    if (!rest_.starts_with('%')) return;
    rest_.remove_prefix(std::min(rest_.find_first_of("\r\n"), rest_.size()));
  }
}

/// Of the string at the start, with its parentheses.
std::size_t Tokens::string_length() const {
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

std::string_view Tokens::next() {
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

std::string_view Tokens::object() {
  skip_space();
  const std::string_view from = rest_;
  std::size_t depth = 0;
  std::string_view token;
  do {
    token = next();
    if (token == "<<" || token == "[") ++depth;
    if ((token == ">>" || token == "]") && depth > 0) --depth;
  } while (depth > 0 && !token.empty());
  Tokens ahead = *this;
  if (number(token) && number(ahead.next()) && ahead.next() == "R") *this = ahead;
  return from.substr(0, from.size() - rest_.size());
}

/// A dictionary's value; empty when it has none of this name, or `text` does not start with a dictionary.
std::string_view value_of(std::string_view text, std::string_view name) {
  Tokens tokens(text);
  if (tokens.next() != "<<") return {};
  for (;;) {
    const std::string_view key = tokens.next();
    if (key.empty() || key == ">>") return {};
    const std::string_view value = tokens.object();
    if (key == name) return value;
  }
}

/// Where a PDF's objects are.
class Pdf {
 public:
  explicit Pdf(std::string_view file);

  /// Of the newest section; empty when its cross-references are a stream, not a table.
  [[nodiscard]] std::string_view trailer() const { return trailer_; }
  [[nodiscard]] std::uint64_t table() const { return table_; }

  /// What a reference names, up to the file's end; a value that is none is itself.
  [[nodiscard]] std::string_view resolved(std::string_view value) const;

 private:
  /// Returns the trailer of the table at `offset`.
  std::string_view read_table(std::uint64_t offset);

  std::string_view file_, trailer_;
  std::uint64_t table_ = 0;
  std::map<std::uint64_t, std::uint64_t> offsets_;  ///< of the objects; 0: of no use any more
};

Pdf::Pdf(std::string_view file) : file_(file) {
  const std::size_t end = file.find_last_not_of(kSpace) + 1;
  const std::size_t start = file.rfind("startxref");
  if (!file.substr(0, end).ends_with("%%EOF") || start == std::string_view::npos) {
    throw Error("it is cut: its end, %%EOF, is missing");
  }
  const std::optional<std::uint64_t> newest = number(Tokens(file.substr(start + 9)).next());
  if (!newest || *newest >= start) throw Error("it is broken: it does not say where its objects are");
  table_ = *newest;
  // Each update's table names the one before it, which begins earlier: so tables are read once.
  for (std::uint64_t offset = table_;;) {
    const std::string_view trailer = read_table(offset);
    if (offset == table_) trailer_ = trailer;
    const std::optional<std::uint64_t> before = number(value_of(trailer, "/Prev"));
    if (!before || *before >= offset) return;
    offset = *before;
  }
}

std::string_view Pdf::read_table(std::uint64_t offset) {
  constexpr std::size_t kLongestTrailer = 4096;  // that a chain of unfinished ones is not read over and over
  Tokens tokens(file_.substr(offset));
  const std::string_view first_token = tokens.next();
  if (number(first_token)) return {};
  if (first_token != "xref") throw Error("it is broken: there is no table of objects where it says");
  for (;;) {
    const std::string_view token = tokens.next();
    if (token == "trailer") return tokens.rest().substr(0, kLongestTrailer);
    const std::optional<std::uint64_t> first = number(token), count = number(tokens.next());
    if (!first || !count) throw Error("it is broken: its table of objects ends early");
    for (std::uint64_t i = 0; i < *count; ++i) {
      const std::optional<std::uint64_t> at = number(tokens.next()), generation = number(tokens.next());
      const std::string_view kind = tokens.next();
      if (!at || !generation || kind.empty()) throw Error("it is broken: its table of objects ends early");
      offsets_.try_emplace(*first + i, kind == "n" ? *at : 0);
    }
  }
}

std::string_view Pdf::resolved(std::string_view value) const {
  Tokens reference(value);
  const std::optional<std::uint64_t> id = number(reference.next());
  if (!id || !number(reference.next()) || reference.next() != "R") return value;
  const auto found = offsets_.find(*id);
  if (found == offsets_.end() || found->second == 0) return {};
  if (found->second < file_.size()) {
    Tokens object(file_.substr(found->second));
    if (number(object.next()) == id && number(object.next()) && object.next() == "obj") return object.rest();
  }
  throw Error("it is broken: object " + std::to_string(*id) + " is not where its table says");
}

/// The embedded file that a file specification names.
std::string embedded_file(const Pdf& pdf, std::string_view specification) {
  const std::string_view stream =
      pdf.resolved(value_of(pdf.resolved(value_of(pdf.resolved(specification), "/EF")), "/F"));
  const std::optional<std::uint64_t> length =
      number(Tokens(pdf.resolved(value_of(stream, "/Length"))).next());
  const std::string_view filter = Tokens(value_of(stream, "/Filter")).next();
  Tokens behind(stream);
  (void)behind.object();
  if (!length || behind.next() != "stream") throw Error("it is broken: its record is no stream");
  std::string_view bytes = behind.rest();
  bytes.remove_prefix(bytes.starts_with("\r\n") ? 2 : bytes.starts_with('\n') ? 1 : 0);
  if (*length > bytes.size() || Tokens(bytes.substr(*length)).next() != "endstream") {
    throw Error("it is cut or broken: its record does not end where it says");
  }
  bytes = bytes.substr(0, *length);
  if (!filter.empty() && filter != "/FlateDecode") throw Error("its record is compressed in an unknown way");
  std::string record = filter.empty() ? std::string(bytes) : unpacked_record(bytes);
  const std::optional<std::uint64_t> size = number(value_of(value_of(stream, "/Params"), "/Size"));
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
  const std::string_view trailer = objects.trailer(), root = value_of(trailer, "/Root");
  const std::string_view catalog = Tokens(objects.resolved(root)).object();
  const std::optional<std::uint64_t> root_id = number(Tokens(root).next()),
                                     size = number(value_of(trailer, "/Size"));
  if (!root_id || !size || !catalog.ends_with(">>") || !value_of(catalog, "/Names").empty() ||
      !value_of(catalog, "/AF").empty()) {
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
    const std::string_view value = value_of(trailer, kept);
    if (!value.empty()) ends.append("\n   ").append(kept).append(" ").append(value);
  }
  return update.finished(ends.append("\n>>"));
}

std::optional<std::string> read_pdf_record(std::string_view file) {
  const Pdf pdf(file);
  const auto entry = [&pdf](std::string_view dictionary, std::string_view name) {
    return pdf.resolved(value_of(dictionary, name));
  };
  const std::string_view names = entry(entry(entry(pdf.trailer(), "/Root"), "/Names"), "/EmbeddedFiles");
  Tokens files(entry(names, "/Names"));
  if (files.next() != "[") return std::nullopt;
  for (;;) {
    const std::string_view name = files.next();
    if (name.empty() || name == "]") return std::nullopt;
    const std::string_view specification = files.object();
    if (name == kFileName) return embedded_file(pdf, specification);
  }
}

}  // namespace attnviz
