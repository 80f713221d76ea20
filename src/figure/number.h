/// Numbers as text, whatever the locale.
#pragma once

#include <charconv>
#include <cmath>
#include <string>

namespace attnviz {

/// "0.12" for 0.1234 and 2 decimals; "nan", whatever its sign bit.
[[nodiscard]] inline std::string fixed(double value, int decimals) {
  if (std::isnan(value)) return "nan";
  char text[400];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals).ptr;
  return {text, end};
}

/// With a minus sign in place of a hyphen.
[[nodiscard]] inline std::string minus_signed(const std::string& number) {
  return number.starts_with('-') ? "−" + number.substr(1) : number;
}

/// "+0.12", "−0.12" with a minus sign, "0.00".
[[nodiscard]] inline std::string signed_fixed(double value, int decimals) {
  if (std::isnan(value)) return "nan";
  const std::string digits = fixed(value < 0 ? -value : value, decimals);
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  return (zero ? "" : value < 0 ? "−" : "+") + digits;
}

/// The shortest text without an exponent that reads back as `value`.
[[nodiscard]] inline std::string shortest(double value) {
  char text[400];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr};
}

}  // namespace attnviz
