#include "catalog/pickle_bytes.h"

#include <algorithm>
#include <array>

#include "attnviz/error.h"

namespace attnviz {
namespace {

constexpr std::size_t kLongestString = 1 << 16;

}  // namespace

std::string_view PickleInput::take(std::size_t count) {
  if (count > rest_.size()) throw Error("ends too early");
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

double PickleInput::real() {
  std::array<char, sizeof(double)> bytes{};
  const std::string_view big_endian = take(bytes.size());
  std::reverse_copy(big_endian.begin(), big_endian.end(), bytes.begin());
  double value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

std::string_view PickleInput::string(std::size_t size) {
  if (size > kLongestString) throw Error("holds a string of " + std::to_string(size) + " bytes");
  const std::string_view taken = take(size);
  const auto is_foreign = [](char byte) { return static_cast<unsigned char>(byte) > 0x7F; };
  if (std::any_of(taken.begin(), taken.end(), is_foreign)) throw Error("holds a string that is not ASCII");
  return taken;
}

std::string_view PickleInput::global() {
  const std::size_t first = rest_.find('\n');
  const std::size_t second = first == std::string_view::npos ? first : rest_.find('\n', first + 1);
  if (second == std::string_view::npos) throw Error("ends too early");
  return take(second + 1).substr(0, second);
}

void PickleOutput::number(std::uint32_t value) {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    bytes_ += static_cast<char>(static_cast<unsigned char>(value >> (8 * i) & 0xFF));
  }
}

void PickleOutput::integer(std::int64_t value) {
  add("\x8a\x08");
  const auto bits = static_cast<std::uint64_t>(value);
  number(static_cast<std::uint32_t>(bits));
  number(static_cast<std::uint32_t>(bits >> 32));
}

void PickleOutput::real(double value) {
  std::array<char, sizeof value> bytes{};
  std::memcpy(bytes.data(), &value, sizeof value);
  std::reverse(bytes.begin(), bytes.end());
  add("G");
  add({bytes.data(), bytes.size()});
}

void PickleOutput::string(std::string_view text) {
  add("X");
  number(static_cast<std::uint32_t>(text.size()));
  add(text);
}

}  // namespace attnviz
