/// Numbers as text that reads back as the same number, in any locale.
#pragma once

#include <array>
#include <charconv>
#include <string>

namespace attnviz {

/// Room for the longest float or 64-bit integer in its shortest form.
inline constexpr std::size_t kNumberCharacters = 32;

template <class Number>
void append_number(std::string& text, Number number) {
  std::array<char, kNumberCharacters> digits{};
  text.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

template <class Number>
std::string number_text(Number number) {
  std::string text;
  append_number(text, number);
  return text;
}

/// "1, 2, 3"
template <class Numbers>
std::string joined(const Numbers& numbers) {
  std::string text;
  for (const auto& number : numbers) {
    if (!text.empty()) text += ", ";
    append_number(text, number);
  }
  return text;
}

}  // namespace attnviz
