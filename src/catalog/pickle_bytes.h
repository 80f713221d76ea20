/// A pickle's numbers, strings and names, read and written one behind the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace attnviz {

/// Throws Error where bytes are missing.
class PickleInput {
 public:
  explicit PickleInput(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  std::string_view take(std::size_t count);
  template <class Number>
  Number number() {
    Number number{};
    std::memcpy(&number, take(sizeof number).data(), sizeof number);
    return number;
  }
  double real();
  /// Of ASCII.
  std::string_view string(std::size_t size);
  /// Two lines: "module\nname".
  std::string_view global();

 private:
  std::string_view rest_;
};

class PickleOutput {
 public:
  void add(std::string_view bytes) { bytes_ += bytes; }
  void number(std::uint32_t value);  ///< without an instruction in front
  void integer(std::int64_t value);
  void real(double value);
  void string(std::string_view text);

  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

}  // namespace attnviz
