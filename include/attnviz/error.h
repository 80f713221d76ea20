/// error: the one exception type, and how a fault is worded.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace attnviz {

/// What went wrong, in the form "<thing>: <what is wrong>[, expected ..., got ...]", and what to do
/// about it. Thrown where the fault is known; caught only at the command's door and per item of a
/// batch. A library's own exceptions are translated to it in the room that confines the library.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, std::string hint = {})
      : std::runtime_error(message), hint_(std::move(hint)) {}

  /// One line that says what to do; empty where there is nothing to say.
  [[nodiscard]] const std::string& hint() const { return hint_; }

 private:
  std::string hint_;
};

/// The candidate nearest to `word` (Damerau-Levenshtein distance at most a third of its length, at
/// least 1), or empty: for hints such as "did you mean --layer?".
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace attnviz
