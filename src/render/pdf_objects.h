/// pdf_objects: the objects of a PDF (ISO 32000-1, 7.2 to 7.5), found by its cross-reference tables.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace attnviz {

/// The syntax of ISO 32000-1, 7.2 and 7.3, token by token.
class PdfTokens {
 public:
  explicit PdfTokens(std::string_view text) : rest_(text) {}

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

/// Digits alone.
[[nodiscard]] std::optional<std::uint64_t> pdf_integer(std::string_view token);

/// A dictionary's value; empty when it has none of this name, or `text` does not start with a dictionary.
[[nodiscard]] std::string_view pdf_value(std::string_view text, std::string_view name);

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

/// The bytes of a stream object, decompressed, at most `most`. `what` names it in errors: "its record".
[[nodiscard]] std::string stream_bytes(const Pdf& pdf, std::string_view stream, const std::string& what,
                                       std::size_t most);

}  // namespace attnviz
