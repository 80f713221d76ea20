/// Reads JSON (RFC 8259) piece by piece, where a document tree would cost more than the reading: a
/// vocabulary has a hundred thousand strings, and opening it should take milliseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace attnviz::tokens {

/// What is wrong with the JSON, and at which byte.
class JsonError : public std::runtime_error {
 public:
  JsonError(const std::string& what, std::size_t offset)
      : std::runtime_error(what + " at byte " + std::to_string(offset)) {}
};

/// A forward reader. Escapes are decoded where they stand, so `text` is altered, and the views returned
/// stay valid as long as it lives. Every member throws JsonError.
class JsonReader {
 public:
  explicit JsonReader(std::string& text) : text_(text) {}

  /// The first character of the next value, '\0' at the end.
  [[nodiscard]] char peek();

  void enter_object() { expect('{'); }
  void enter_array() { expect('['); }

  /// The next key of the object entered; nullopt behind its last member, which also leaves it.
  [[nodiscard]] std::optional<std::string_view> next_key();
  /// Whether the array entered has another element; false also leaves it.
  [[nodiscard]] bool next_element();

  [[nodiscard]] std::string_view string();
  [[nodiscard]] std::uint32_t unsigned_number();
  /// Rounded as the reference's parser does (serde_json): digits as an integer, then times or by a power of
  /// ten, which may miss the nearest double by one.
  [[nodiscard]] double number();

  /// The next value as it is written; its brackets and quotes are matched, nothing more is checked.
  [[nodiscard]] std::string_view raw_value();

  /// Nothing but white space may follow.
  void expect_end();

  /// Of the next byte to read.
  [[nodiscard]] std::size_t offset() const { return offset_; }

 private:
  void skip_space();
  void expect(char wanted);
  [[nodiscard]] bool next_member(char close);
  std::size_t skip_string(std::size_t begin);
  std::string_view decode(std::size_t begin, std::size_t escape);
  char32_t escaped_code_point(std::size_t& offset);
  [[nodiscard]] bool has_digit() const;
  int exponent();
  std::uint32_t hexadecimal(std::size_t offset);

  std::string& text_;
  std::size_t offset_ = 0;
  bool first_ = false;  ///< no member of the innermost object or array has been read yet
};

}  // namespace attnviz::tokens
