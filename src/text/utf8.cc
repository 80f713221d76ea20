#include <algorithm>
#include <cstdio>

#include "attnviz/error.h"
#include "attnviz/text.h"
#include "text/not_utf8.h"

namespace attnviz {
namespace {

/// What starts at a byte: a well-formed sequence, or the maximal subpart of one that is not.
struct Sequence {
  std::size_t length = 1;
  bool valid = false;
};

/// Unicode 15, table 3-7: how many bytes follow a first byte, and the range of the second.
struct FirstByte {
  std::size_t trailing = 0;
  unsigned char second_low = 0x80, second_high = 0xBF;
};

FirstByte first_byte(unsigned char byte) {
  if (byte < 0xC2 || byte > 0xF4) return {};
  if (byte < 0xE0) return {1};
  if (byte == 0xE0) return {2, 0xA0};
  if (byte == 0xED) return {2, 0x80, 0x9F};
  if (byte < 0xF0) return {2};
  if (byte == 0xF0) return {3, 0x90};
  if (byte == 0xF4) return {3, 0x80, 0x8F};
  return {3};
}

Sequence sequence_at(std::string_view bytes, std::size_t offset) {
  const auto byte = static_cast<unsigned char>(bytes[offset]);
  if (byte < 0x80) return {1, true};
  const FirstByte first = first_byte(byte);
  if (first.trailing == 0) return {1, false};
  for (std::size_t i = 1; i <= first.trailing; ++i) {
    if (offset + i == bytes.size()) return {i, false};
    const auto next = static_cast<unsigned char>(bytes[offset + i]);
    const unsigned char low = i == 1 ? first.second_low : 0x80;
    const unsigned char high = i == 1 ? first.second_high : 0xBF;
    if (next < low || next > high) return {i, false};
  }
  return {first.trailing + 1, true};
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view bytes) {
  for (std::size_t offset = 0; offset < bytes.size();) {
    const Sequence sequence = sequence_at(bytes, offset);
    if (!sequence.valid) return offset;
    offset += sequence.length;
  }
  return std::string_view::npos;
}

std::string not_utf8(std::string_view bytes, std::size_t offset) {
  char hexadecimal[8];
  std::snprintf(hexadecimal, sizeof hexadecimal, "0x%02X", static_cast<unsigned char>(bytes[offset]));
  return "not UTF-8 at byte " + std::to_string(offset) + " (" + hexadecimal + ")";
}

std::string valid_utf8(std::string_view bytes, InvalidUtf8 policy, std::string_view what) {
  const std::size_t bad = find_invalid_utf8(bytes);
  if (bad == std::string_view::npos) return std::string(bytes);
  if (policy == InvalidUtf8::fail) {
    throw Error(std::string(what) + ": " + not_utf8(bytes, bad),
                "convert it to UTF-8, or use --invalid-utf8 replace");
  }
  std::string text(bytes.substr(0, bad));
  for (std::size_t offset = bad; offset < bytes.size();) {
    const Sequence sequence = sequence_at(bytes, offset);
    text += sequence.valid ? bytes.substr(offset, sequence.length) : std::string_view("\uFFFD");
    offset += sequence.length;
  }
  return text;
}

char32_t next_code_point(std::string_view utf8, std::size_t& offset) {
  const auto at = [&](std::size_t i) -> char32_t {
    return offset + i < utf8.size() ? static_cast<char32_t>(static_cast<unsigned char>(utf8[offset + i])) : 0;
  };
  const char32_t first = at(0);
  char32_t code_point = first;
  std::size_t length = 1;
  if (first >= 0xF0) {
    code_point = (first & 0x07) << 18 | (at(1) & 0x3F) << 12 | (at(2) & 0x3F) << 6 | (at(3) & 0x3F);
    length = 4;
  } else if (first >= 0xE0) {
    code_point = (first & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F);
    length = 3;
  } else if (first >= 0x80) {
    code_point = (first & 0x1F) << 6 | (at(1) & 0x3F);
    length = 2;
  }
  offset = std::min(offset + length, utf8.size());
  return code_point;
}

void append_utf8(std::string& utf8, char32_t code_point) {
  const auto put = [&](char32_t byte) { utf8 += static_cast<char>(byte); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

std::size_t count_code_points(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

}  // namespace attnviz
