/// values: what follows a flag, read without a locale and refused with its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attnviz/error.h"

namespace attnviz::cli {

/// A flag and the value that was given for it.
struct Given {
  std::string flag;   ///< "--layer"
  std::string value;  ///< "6"
};

/// A value as a message names it: printable, quoted when empty, cut when long.
[[nodiscard]] std::string shown_value(const std::string& value);

/// Throws Error "<flag> <value>: expected <expected>".
[[noreturn]] void refuse(const Given& given, const std::string& expected, const std::string& hint = {});

/// Decimal digits, with a minus sign or without. Throws Error: expected `expected`.
[[nodiscard]] int read_integer(const Given& given, const std::string& expected = "a whole number");

/// In [low, high]. Throws Error naming the range.
[[nodiscard]] int read_integer(const Given& given, int low, int high);

/// A decimal number, finite and with a point whatever the locale. Throws Error.
[[nodiscard]] double read_number(const Given& given);

/// Bytes: a number with K, M, G or T (powers of 1024; "2G", "1.5GiB", "800MB"), or without.
[[nodiscard]] std::size_t read_size(const Given& given);

/// The index of the value among the words. Throws Error that lists them and suggests the nearest.
[[nodiscard]] std::size_t read_word(const Given& given, std::span<const std::string> words);

template <class T>
using Choices = std::vector<std::pair<std::string, T>>;

/// The value that the word stands for.
template <class T>
T read_choice(const Given& given, const Choices<T>& choices) {
  std::vector<std::string> words;
  words.reserve(choices.size());
  for (const auto& [word, ignored] : choices) words.push_back(word);
  return choices[read_word(given, words)].second;
}

/// The word that stands for a value.
template <class T>
std::string word_of(T value, const Choices<T>& choices) {
  for (const auto& [word, other] : choices) {
    if (other == value) return word;
  }
  return {};
}

/// Whole numbers as a user lists them: "0,3", "1-4,8". Empty: all.
struct NumberRanges {
  std::vector<std::pair<int, int>> ranges;  ///< first and last, both included

  /// Every number in the order asked for, each once.
  [[nodiscard]] std::vector<int> numbers() const;
};

[[nodiscard]] NumberRanges read_ranges(const Given& given);

/// A number with two digits behind the point at most and its unit: "1.5 GiB".
[[nodiscard]] std::string show_bytes(std::size_t bytes);

/// With a point whatever the locale.
[[nodiscard]] std::string show_fixed(double value, int digits);

/// In the shortest form that says `digits` significant digits ("2.4e-07", "0.5").
[[nodiscard]] std::string show_general(double value, int digits);

}  // namespace attnviz::cli
