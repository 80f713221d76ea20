#include "tokens/json_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "attnviz/text.h"

namespace attnviz::tokens {
namespace {

constexpr int kLargestPower = 308;
constexpr std::size_t kDeepest = 100;

/// 1e0, 1e1, ... as the nearest doubles, which products would not be.
double power_of_ten(int exponent) {
  static const std::array<double, kLargestPower + 1> kPowers = [] {
    std::array<double, kLargestPower + 1> powers{};
    for (int i = 0; i <= kLargestPower; ++i) {
      const std::string text = "1e" + std::to_string(i);
      std::from_chars(text.data(), text.data() + text.size(), powers[static_cast<std::size_t>(i)]);
    }
    return powers;
  }();
  return kPowers[static_cast<std::size_t>(exponent)];
}

}  // namespace

void JsonReader::skip_space() {
  while (offset_ < text_.size()) {
    const char c = text_[offset_];
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return;
    ++offset_;
  }
}

char JsonReader::peek() {
  skip_space();
  return offset_ < text_.size() ? text_[offset_] : '\0';
}

void JsonReader::expect(char wanted) {
  if (peek() != wanted) throw JsonError(std::string("expected '") + wanted + "'", offset_);
  ++offset_;
  first_ = true;
}

bool JsonReader::next_member(char close) {
  const char c = peek();
  if (c == close) {
    ++offset_;
    first_ = false;
    return false;
  }
  if (!first_) {
    if (c != ',') throw JsonError(std::string("expected ',' or '") + close + "'", offset_);
    ++offset_;
  }
  first_ = false;
  return true;
}

std::optional<std::string_view> JsonReader::next_key() {
  if (!next_member('}')) return std::nullopt;
  const std::string_view key = string();
  if (peek() != ':') throw JsonError("expected ':'", offset_);
  ++offset_;
  return key;
}

bool JsonReader::next_element() { return next_member(']'); }

std::string_view JsonReader::string() {
  if (peek() != '"') throw JsonError("expected a string", offset_);
  const std::size_t begin = ++offset_;
  unsigned char high = 0;
  for (; offset_ < text_.size(); ++offset_) {
    const auto c = static_cast<unsigned char>(text_[offset_]);
    if (c == '"' || c == '\\' || c < 0x20) break;
    high |= c;
  }
  if (offset_ == text_.size()) throw JsonError("a string without end", begin - 1);
  if (text_[offset_] == '\\') return decode(begin, offset_);
  if (text_[offset_] != '"') throw JsonError("a control character in a string", offset_);
  const auto value = std::string_view(text_).substr(begin, offset_ - begin);
  ++offset_;
  if (high & 0x80) {
    const std::size_t bad = find_invalid_utf8(value);
    if (bad != std::string_view::npos) throw JsonError("not UTF-8", begin + bad);
  }
  return value;
}

std::string_view JsonReader::decode(std::size_t begin, std::size_t escape) {
  const std::size_t end = skip_string(escape);
  std::string decoded(text_, begin, escape - begin);
  for (std::size_t i = escape; i < end;) {
    const char c = text_[i];
    if (static_cast<unsigned char>(c) < 0x20) throw JsonError("a control character in a string", i);
    if (c == '\\') {
      append_utf8(decoded, escaped_code_point(++i));
    } else {
      decoded += c;
      ++i;
    }
  }
  const std::size_t bad = find_invalid_utf8(decoded);
  if (bad != std::string_view::npos) throw JsonError("not UTF-8 in the string", begin);
  // An escape is never shorter than what it stands for.
  text_.replace(begin, decoded.size(), decoded);
  offset_ = end + 1;
  return std::string_view(text_).substr(begin, decoded.size());
}

std::uint32_t JsonReader::hexadecimal(std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = offset; i < offset + 4; ++i) {
    const char c = i < text_.size() ? text_[i] : '\0';
    const char lower = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      value = value << 4 | static_cast<std::uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      value = value << 4 | static_cast<std::uint32_t>(lower - 'a' + 10);
    } else {
      throw JsonError("an escape \\u without four hexadecimal digits", offset);
    }
  }
  return value;
}

char32_t JsonReader::escaped_code_point(std::size_t& offset) {
  static constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
  const char name = text_[offset];
  if (name != 'u') {
    const std::size_t index = kNames.find(name);
    if (index == std::string_view::npos) throw JsonError("an unknown escape", offset);
    ++offset;
    return static_cast<unsigned char>(kValues[index]);
  }
  const std::uint32_t first = hexadecimal(offset + 1);
  if (first < 0xD800 || first > 0xDFFF) {
    offset += 5;
    return first;
  }
  const bool pair = first < 0xDC00 && text_.compare(offset + 5, 2, "\\u") == 0;
  const std::uint32_t second = pair ? hexadecimal(offset + 7) : 0;
  if (second < 0xDC00 || second > 0xDFFF) throw JsonError("half of a surrogate pair", offset);
  offset += 11;
  return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

std::uint32_t JsonReader::unsigned_number() {
  skip_space();
  const std::size_t begin = offset_;
  std::uint64_t value = 0;
  for (; offset_ < text_.size() && text_[offset_] >= '0' && text_[offset_] <= '9'; ++offset_) {
    value = value * 10 + static_cast<std::uint64_t>(text_[offset_] - '0');
    if (value > UINT32_MAX) throw JsonError("a number above 4294967295", begin);
  }
  const bool leading_zero = offset_ - begin > 1 && text_[begin] == '0';
  const char next = offset_ < text_.size() ? text_[offset_] : ',';
  if (offset_ == begin || leading_zero || next == '.' || next == 'e' || next == 'E') {
    throw JsonError("expected a whole number", begin);
  }
  return static_cast<std::uint32_t>(value);
}

bool JsonReader::has_digit() const {
  return offset_ < text_.size() && text_[offset_] >= '0' && text_[offset_] <= '9';
}

int JsonReader::exponent() {
  const bool negative = offset_ < text_.size() && text_[offset_] == '-';
  if (offset_ < text_.size() && (negative || text_[offset_] == '+')) ++offset_;
  if (!has_digit()) throw JsonError("expected an exponent", offset_);
  int value = 0;
  for (; has_digit(); ++offset_) value = std::min(value * 10 + (text_[offset_] - '0'), 1'000'000);
  return negative ? -value : value;
}

double JsonReader::number() {
  skip_space();
  const std::size_t begin = offset_;
  const bool negative = begin < text_.size() && text_[begin] == '-';
  if (negative) ++offset_;
  const std::size_t first = offset_;
  std::uint64_t digits = 0;
  const auto append_digit = [&] {
    const auto digit = static_cast<std::uint64_t>(text_[offset_] - '0');
    if (digits > (UINT64_MAX - digit) / 10) return false;
    digits = digits * 10 + digit;
    return true;
  };
  for (; has_digit(); ++offset_) {
    if (!append_digit()) throw JsonError("a number with more than 19 digits before its point", begin);
  }
  if (offset_ == first || (text_[first] == '0' && offset_ - first > 1)) {
    throw JsonError("expected a number", begin);
  }
  int power = 0;
  if (offset_ < text_.size() && text_[offset_] == '.') {
    ++offset_;
    if (!has_digit()) throw JsonError("expected a digit", offset_);
    for (; has_digit() && append_digit(); ++offset_) --power;
    while (has_digit()) ++offset_;
  }
  if (offset_ < text_.size() && (text_[offset_] | 0x20) == 'e') {
    ++offset_;
    power += exponent();
  }
  auto value = static_cast<double>(digits);
  for (; power < -kLargestPower && value != 0; power += kLargestPower) value /= power_of_ten(kLargestPower);
  if (power > kLargestPower && value != 0) throw JsonError("a number out of range", begin);
  if (value != 0) value = power < 0 ? value / power_of_ten(-power) : value * power_of_ten(power);
  if (std::isinf(value)) throw JsonError("a number out of range", begin);
  return negative ? -value : value;
}

std::size_t JsonReader::skip_string(std::size_t begin) {
  for (std::size_t i = begin; i < text_.size(); ++i) {
    if (text_[i] == '"') return i;
    if (text_[i] == '\\') ++i;
  }
  throw JsonError("a string without end", begin);
}

std::string_view JsonReader::raw_value() {
  const char start = peek();
  const std::size_t begin = offset_;
  std::size_t depth = 0;
  while (offset_ < text_.size()) {
    const char c = text_[offset_];
    if (c == '"') {
      offset_ = skip_string(offset_ + 1);
    } else if (c == '{' || c == '[') {
      // Whoever walks through a tree of values calls itself for each level.
      if (++depth > kDeepest) throw JsonError("values nested too deep", offset_);
    } else if (c == '}' || c == ']' || c == ',') {
      if (depth == 0) break;
      if (c != ',') --depth;
    }
    ++offset_;
    if (depth == 0 && (start == '{' || start == '[' || start == '"')) break;
  }
  if (depth > 0) throw JsonError("a bracket without its partner", begin);
  first_ = false;
  return std::string_view(text_).substr(begin, offset_ - begin);
}

void JsonReader::expect_end() {
  if (peek() != '\0' || offset_ != text_.size()) throw JsonError("text behind the end", offset_);
}

}  // namespace attnviz::tokens
