#include "cli/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "attnviz/text.h"

namespace attnviz::cli {
namespace {

/// The whole of `text` as a number, without spaces, a plus sign or anything behind it.
template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::string formatted(double value, std::chars_format format, int precision) {
  if (std::isnan(value)) return "nan";  // whatever its sign bit
  std::array<char, 400> buffer;  // the longest fixed double has 309 digits before its point
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format, precision);
  return {buffer.data(), result.ptr};
}

/// The power of 1024 that a size's unit stands for, or -1.
int unit_power(std::string unit) {
  for (char& letter : unit) letter = letter >= 'a' && letter <= 'z' ? char(letter - 'a' + 'A') : letter;
  if (unit.ends_with("IB")) {
    unit.resize(unit.size() - 2);
    if (unit.empty()) return -1;
  } else if (unit.ends_with("B")) {
    unit.pop_back();
  }
  if (unit.empty()) return 0;
  const std::size_t power = std::string_view("KMGT").find(unit);
  return unit.size() > 1 || power == std::string_view::npos ? -1 : static_cast<int>(power) + 1;
}

std::pair<int, int> read_range(const Given& given, std::string_view part) {
  int first = 0, last = 0;
  const std::size_t dash = part.find('-', part.starts_with('-') ? 1 : 0);
  const bool fine = parse(part.substr(0, dash), first) &&
                    parse(dash == std::string_view::npos ? part : part.substr(dash + 1), last);
  if (!fine) refuse(given, "whole numbers such as 1,4,8 or 1-4, or all");
  if (last < first) refuse(given, "ranges that go up, such as 1-4");
  return {first, last};
}

}  // namespace

std::string shown_value(const std::string& value) {
  constexpr std::size_t kLongest = 60;  // bytes: enough to recognise it by
  if (value.empty()) return "''";
  std::string shown = visible(valid_utf8(value, InvalidUtf8::replace, ""));
  if (shown.size() <= kLongest) return shown;
  std::size_t end = kLongest;
  while ((shown[end] & 0xC0) == 0x80) --end;
  return shown.substr(0, end) + "…";
}

void refuse(const Given& given, const std::string& expected, const std::string& hint) {
  throw Error(given.flag + " " + shown_value(given.value) + ": expected " + expected, hint);
}

int read_integer(const Given& given, const std::string& expected) {
  int number = 0;
  if (!parse(given.value, number)) refuse(given, expected);
  return number;
}

int read_integer(const Given& given, int low, int high) {
  const std::string range = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  const int number = read_integer(given, range);
  if (number < low || number > high) refuse(given, range);
  return number;
}

double read_number(const Given& given) {
  double number = 0;
  if (!parse(given.value, number) || !std::isfinite(number)) refuse(given, "a number such as 0.25");
  return number;
}

std::size_t read_size(const Given& given) {
  constexpr double kLargest = 1e18;  // an exabyte, below which every product fits
  const std::size_t unit = std::min(given.value.find_first_not_of("0123456789."), given.value.size());
  const int power = unit_power(given.value.substr(unit));
  double number = 0;
  if (!parse(std::string_view(given.value).substr(0, unit), number) || power < 0 ||
      number * std::pow(1024.0, power) > kLargest || number * std::pow(1024.0, power) < 1) {
    refuse(given, "a size such as 800M or 2G");
  }
  return static_cast<std::size_t>(number * std::pow(1024.0, power));
}

std::size_t read_word(const Given& given, std::span<const std::string> words) {
  const auto found = std::find(words.begin(), words.end(), given.value);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::string expected;
  for (std::size_t i = 0; i < words.size(); ++i) {
    expected += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  }
  const std::string near = nearest(given.value, words);
  refuse(given, expected, near.empty() ? "" : "did you mean " + near + "?");
}

std::vector<int> NumberRanges::numbers() const {
  std::vector<int> numbers;
  std::set<int> seen;
  for (const auto& [first, last] : ranges) {
    for (int number = first; number <= last; ++number) {
      if (seen.insert(number).second) numbers.push_back(number);
    }
  }
  return numbers;
}

NumberRanges read_ranges(const Given& given) {
  NumberRanges found;
  if (given.value == "all") return found;
  std::string_view rest = given.value;
  while (true) {
    const std::size_t comma = rest.find(',');
    found.ranges.push_back(read_range(given, rest.substr(0, comma)));
    if (comma == std::string_view::npos) return found;
    rest.remove_prefix(comma + 1);
  }
}

std::string show_bytes(std::size_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return show_fixed(value, unit == 0 ? 0 : 1) + " " + kUnits[unit];
}

std::string show_fixed(double value, int digits) {
  return formatted(value, std::chars_format::fixed, digits);
}

std::string show_general(double value, int digits) {
  return formatted(value, std::chars_format::general, digits);
}

}  // namespace attnviz::cli
