#include "render/pdf_font.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "attnviz/text.h"

namespace attnviz {
namespace {

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

/// UTF-16, as a ToUnicode table has it.
std::string utf8_of(std::string_view utf16) {
  std::string text;
  for (std::size_t i = 0; i + 1 < utf16.size(); i += 2) {
    std::uint32_t code = big_endian(utf16.substr(i, 2));
    if (code >= 0xD800 && code < 0xDC00 && i + 3 < utf16.size()) {
      code = 0x10000 + ((code - 0xD800) << 10) + (big_endian(utf16.substr(i + 2, 2)) - 0xDC00);
      i += 2;
    }
    append_utf8(text, code < 0x110000 && (code < 0xD800 || code >= 0xE000) ? code : 0xFFFD);
  }
  return text;
}

}  // namespace

std::string unpacked(const Pdf& pdf, std::string_view stream, const std::string& what, PdfBudget& budget) {
  budget.take(PdfBudget::kPart);
  std::string bytes = stream_bytes(pdf, stream, what, budget.left());
  budget.take(bytes.size());
  return bytes;
}

std::string pdf_string(std::string_view token) {
  std::string bytes;
  if (token.starts_with('<')) {
    std::string digits;
    for (const char c : token) {
      if (std::isxdigit(static_cast<unsigned char>(c))) digits += c;
    }
    if (digits.size() % 2) digits += '0';
    for (std::size_t i = 0; i < digits.size(); i += 2) {
      unsigned byte = 0;
      std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
      bytes += static_cast<char>(byte);
    }
    return bytes;
  }
  if (!token.starts_with('(')) return bytes;
  token = token.substr(1, token.size() - std::min<std::size_t>(2, token.size()));
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '\\' || i + 1 == token.size()) {
      bytes += token[i];
      continue;
    }
    const char escaped = token[++i];
    constexpr std::string_view kLetters = "nrtbf", kMeanings = "\n\r\t\b\f";
    if (const std::size_t letter = kLetters.find(escaped); letter != std::string_view::npos) {
      bytes += kMeanings[letter];
    } else if (escaped >= '0' && escaped <= '7') {
      std::size_t end = i;
      while (end < token.size() && end < i + 3 && token[end] >= '0' && token[end] <= '7') ++end;
      unsigned code = 0;
      std::from_chars(token.data() + i, token.data() + end, code, 8);
      bytes += static_cast<char>(code);
      i = end - 1;
    } else if (escaped != '\n') {
      bytes += escaped;
    }
  }
  return bytes;
}

PdfFont::PdfFont(const Pdf& pdf, std::string_view font, PdfBudget& budget) {
  if (pdf_value(font, "/Subtype") == "/Type0") bytes_ = 2;
  const std::string_view table = pdf.resolved(pdf_value(font, "/ToUnicode"));
  if (table.empty()) return;
  const std::string map = unpacked(pdf, table, "a font's table of characters", budget);
  PdfTokens tokens(map);
  for (std::string_view token = tokens.next(); !token.empty(); token = tokens.next()) {
    if (token == "beginbfchar") read_characters(tokens, budget);
    if (token == "beginbfrange") read_ranges(tokens, budget);
  }
}

std::string PdfFont::text_of(std::string_view codes, PdfBudget& budget) const {
  std::string text;
  for (std::size_t i = 0; i + bytes_ <= codes.size(); i += bytes_) {
    const std::uint32_t code = big_endian(codes.substr(i, bytes_));
    const auto found = characters_.find(code);
    if (found != characters_.end()) {
      budget.take(found->second.size());
      text += found->second;
    } else {
      append_utf8(text, bytes_ == 1 && code < 0x80 ? static_cast<char32_t>(code) : 0xFFFD);
    }
  }
  return text;
}

void PdfFont::read_characters(PdfTokens& tokens, PdfBudget& budget) {
  for (std::string_view code = tokens.next(); code.starts_with('<'); code = tokens.next()) {
    budget.take(PdfBudget::kCharacter);
    characters_[big_endian(pdf_string(code))] = utf8_of(pdf_string(tokens.next()));
  }
}

void PdfFont::read_ranges(PdfTokens& tokens, PdfBudget& budget) {
  for (std::string_view first = tokens.next(); first.starts_with('<'); first = tokens.next()) {
    const std::uint32_t from = big_endian(pdf_string(first)), to = big_endian(pdf_string(tokens.next()));
    const std::string start = pdf_string(tokens.object());
    for (std::uint32_t code = from; code <= to && code - from < 0x10000 && start.size() == 2; ++code) {
      budget.take(PdfBudget::kCharacter);
      const std::uint32_t character = big_endian(start) + code - from;
      characters_[code] =
          utf8_of(std::string{static_cast<char>(character >> 8), static_cast<char>(character)});
    }
  }
}

}  // namespace attnviz
