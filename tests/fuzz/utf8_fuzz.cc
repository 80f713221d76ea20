// Any bytes become valid UTF-8, with one U+FFFD for each maximal subpart, as another decoder has it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "attnviz/error.h"
#include "attnviz/text.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

/// The length that the first byte announces; 0 when no sequence starts with it.
std::size_t announced_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xC0) return 0;
  if (first < 0xE0) return 2;
  if (first < 0xF0) return 3;
  return first < 0xF8 ? 4 : 0;
}

/// Whether some continuation of `prefix` to `length` bytes is a scalar value in its shortest form.
/// Reckoned from the values it could have, not from Unicode's table of bytes.
bool can_become_scalar(std::string_view prefix, std::size_t length) {
  const auto first = static_cast<unsigned char>(prefix[0]);
  std::uint32_t lowest = length == 1 ? first : first & (0xFFu >> (length + 1));
  std::uint32_t highest = lowest;
  for (std::size_t i = 1; i < length; ++i) {
    const bool known = i < prefix.size();
    const std::uint32_t bits = known ? static_cast<unsigned char>(prefix[i]) & 0x3F : 0;
    lowest = lowest << 6 | (known ? bits : 0);
    highest = highest << 6 | (known ? bits : 0x3F);
  }
  constexpr std::uint32_t kFirstOfLength[] = {0, 0, 0x80, 0x800, 0x10000};
  return highest >= kFirstOfLength[length] && lowest <= 0x10FFFF && !(lowest >= 0xD800 && highest <= 0xDFFF);
}

/// The bytes from the front that are one character, or that are replaced by one U+FFFD.
std::size_t subpart_length(std::string_view bytes) {
  const std::size_t length = announced_length(static_cast<unsigned char>(bytes[0]));
  std::size_t taken = 0;
  while (taken < length && taken < bytes.size() && (taken == 0 || is_continuation(bytes[taken])) &&
         can_become_scalar(bytes.substr(0, taken + 1), length)) {
    ++taken;
  }
  return taken == 0 ? 1 : taken;
}

std::string replace_invalid(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const std::size_t taken = subpart_length(bytes);
    const std::size_t length = announced_length(static_cast<unsigned char>(bytes[0]));
    const bool whole = taken == length && can_become_scalar(bytes.substr(0, taken), length);
    text += whole ? bytes.substr(0, taken) : std::string_view("\xEF\xBF\xBD");
    bytes.remove_prefix(taken);
  }
  return text;
}

void require_round_trip(std::string_view valid) {
  std::string again;
  std::size_t code_points = 0;
  for (std::size_t offset = 0; offset < valid.size(); ++code_points) {
    attnviz::append_utf8(again, attnviz::next_code_point(valid, offset));
  }
  require(again == valid);
  require(attnviz::count_code_points(valid) == code_points);
}

bool is_refused(std::string_view bytes) {
  try {
    return attnviz::valid_utf8(bytes, attnviz::InvalidUtf8::fail, "input") != bytes;
  } catch (const attnviz::Error&) {
    return true;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string valid = attnviz::valid_utf8(bytes, attnviz::InvalidUtf8::replace, "input");
  require(valid == replace_invalid(bytes));
  require(attnviz::find_invalid_utf8(valid) == std::string_view::npos);
  require(attnviz::valid_utf8(valid, attnviz::InvalidUtf8::replace, "input") == valid);
  require((valid != bytes) == is_refused(bytes));
  require_round_trip(valid);
  const std::string shown = attnviz::visible(bytes);
  require(attnviz::find_invalid_utf8(shown) == std::string_view::npos && shown == attnviz::visible(valid));
  for (std::size_t offset = 0; offset < bytes.size();) (void)attnviz::next_code_point(bytes, offset);
  return 0;
}
