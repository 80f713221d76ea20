#include "render/record.h"

#include <libdeflate.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/file.h"
#include "attnviz/render.h"
#include "attnviz/text.h"
#include "render/zlib.h"

namespace attnviz {
namespace {

constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";
constexpr std::string_view kPdfSignature = "%PDF-";
constexpr std::string_view kKeyword{"attnviz\0", 8};
constexpr std::string_view kNoLanguage{"\0\0", 2};  // nor a translated keyword

constexpr std::string_view kElement = "<attnviz:record", kElementEnd = "</attnviz:record>";
constexpr std::string_view kCharacter = "<attnviz:c code=\"", kCharacterEnd = "\"/>";

std::uint32_t u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

std::vector<std::string_view> pieces(std::string_view record) {
  std::vector<std::string_view> found;
  while (!record.empty()) {
    std::size_t size = std::min(record.size(), kLargestPiece);
    while (size < record.size() && size > kLargestPiece - 4 && (record[size] & 0xC0) == 0x80) --size;
    found.push_back(record.substr(0, size));
    record.remove_prefix(size);
  }
  return found;
}

/// Of a record that is to be written.
void check_size(std::size_t size, std::size_t packed) {
  const std::size_t most = largest_record(packed);
  if (size <= most) return;
  throw Error("record: " + std::to_string(size) + " bytes, which pack to " + std::to_string(packed) +
                  ", expected at most " + std::to_string(most),
              "write the figure without its record: --no-embed");
}

/// The text of an iTXt chunk's data behind its keyword.
std::string chunk_text(std::string_view data) {
  if (data.size() < 2) throw Error("its record is cut");
  const bool compressed = data[0] == 1;
  if ((data[0] != 0 && !compressed) || data[1] != 0)
    throw Error("its record is compressed in an unknown way");
  data.remove_prefix(2);
  for (int field = 0; field < 2; ++field) {
    const std::size_t end = data.find('\0');
    if (end == std::string_view::npos) throw Error("its record is cut");
    data.remove_prefix(end + 1);
  }
  if (!compressed) return std::string(data);
  try {
    return inflated(data, kLargestPiece);
  } catch (const Error& error) {
    throw Error(std::string("its record: ") + error.what());
  }
}

/// What stands for the code point at the start of `text`, or empty when it stands for itself. XML 1.0 has no
/// place for most control characters, U+FFFE and U+FFFF, not even escaped, and reads CR as LF.
std::string escaped(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first == '&') return "&amp;";
  if (first == '<') return "&lt;";
  if (first == '>') return "&gt;";
  if (first == '\r') return "&#13;";
  const bool nameless = text.starts_with("\uFFFE") || text.starts_with("\uFFFF");
  if (!nameless && (first >= 0x20 || first == '\t' || first == '\n')) return {};
  std::size_t offset = 0;
  return std::string(kCharacter) + std::to_string(next_code_point(text, offset)) + std::string(kCharacterEnd);
}

void append_escaped(std::string& xml, std::string_view text) {
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string escape = escaped(text.substr(i));
    if (escape.empty()) continue;
    xml.append(text.substr(plain, i - plain)).append(escape);
    plain = i;
    (void)next_code_point(text, plain);
    i = plain - 1;
  }
  xml.append(text.substr(plain));
}

/// The code point that digits say, as UTF-8.
std::string character(std::string_view digits) {
  const int base = digits.starts_with('x') ? 16 : 10;
  if (base == 16) digits.remove_prefix(1);
  std::uint32_t code = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), code, base);
  if (fault != std::errc() || end != digits.data() + digits.size() || code > 0x10FFFF ||
      (code >= 0xD800 && code < 0xE000)) {
    throw Error("its record names a character that does not exist");
  }
  std::string utf8;
  append_utf8(utf8, code);
  return utf8;
}

/// What the mark-up at the start of `text` stands for; it is taken from `text`.
std::string unescaped(std::string_view& text) {
  constexpr std::size_t kLongest = 40;  // of what is read here
  const std::string_view near = text.substr(0, kLongest);
  const bool element = near.starts_with('<');
  const std::size_t end = near.find(element ? '>' : ';');
  if (end == std::string_view::npos) throw Error("its record has mark-up that attnviz does not write");
  const std::string_view markup = text.substr(0, end + 1);
  text.remove_prefix(end + 1);
  for (const auto& [entity, plain] : {std::pair("&amp;", "&"), std::pair("&lt;", "<"), std::pair("&gt;", ">"),
                                      std::pair("&quot;", "\""), std::pair("&apos;", "'")}) {
    if (markup == entity) return plain;
  }
  if (markup.starts_with("&#")) return character(markup.substr(2, markup.size() - 3));
  if (markup.starts_with(kCharacter) && markup.ends_with(kCharacterEnd) &&
      markup.size() > kCharacter.size() + kCharacterEnd.size()) {
    return character(
        markup.substr(kCharacter.size(), markup.size() - kCharacter.size() - kCharacterEnd.size()));
  }
  throw Error("its record has mark-up that attnviz does not write");
}

void append_unescaped(std::string& text, std::string_view xml) {
  while (!xml.empty()) {
    const std::size_t plain = std::min(xml.find_first_of("&<"), xml.size());
    text += xml.substr(0, plain);
    xml.remove_prefix(plain);
    if (!xml.empty()) text += unescaped(xml);
  }
}

/// Without the mark of its encoding and white space.
std::string_view document_in(std::string_view file) {
  if (file.starts_with("\xEF\xBB\xBF")) file.remove_prefix(3);
  return file.substr(std::min(file.find_first_not_of(" \t\r\n"), file.size()));
}

bool is_page(std::string_view document) {
  constexpr std::string_view kDoctype = "<!doctype html";
  return std::equal(
      kDoctype.begin(), kDoctype.end(), document.begin(),
      document.begin() + static_cast<std::ptrdiff_t>(std::min(kDoctype.size(), document.size())),
      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
}

std::optional<std::string> read_any_record(std::string_view file) {
  if (file.starts_with(kPngSignature)) return read_png_record(file);
  if (file.starts_with(kPdfSignature)) return read_pdf_record(file);
  const std::string_view document = document_in(file);
  if (is_page(document)) return read_page_record(document);
  const bool xml = document.starts_with("<?xml") || document.starts_with("<!");
  if (document.starts_with("<svg") || (xml && document.find("<svg") != std::string_view::npos)) {
    return read_svg_record(document);
  }
  throw Error("not a PNG, SVG, PDF or page", "name a figure that attnviz wrote");
}

}  // namespace

std::size_t largest_record(std::size_t packed_bytes) {
  constexpr std::size_t kInAnyCase = std::size_t{1} << 28, kLargest = std::size_t{1} << 30, kTimes = 16;
  return std::clamp(std::min(packed_bytes, kLargest) * kTimes, kInAnyCase, kLargest);
}

std::string packed_record(std::string_view record) {
  constexpr int kCompression = 6;
  std::string packed(deflated(record, kCompression).view());
  check_size(record.size(), packed.size());
  return packed;
}

std::vector<std::string> png_record(std::string_view record) {
  std::vector<std::string> chunks;
  std::size_t size = 0;
  for (const std::string_view piece : pieces(record)) {
    const std::string packed = packed_record(piece);
    const bool shorter = packed.size() < piece.size();
    std::string& data = chunks.emplace_back(kKeyword);
    data += shorter ? '\1' : '\0';
    data += '\0';  // the only method: zlib
    data.append(kNoLanguage).append(shorter ? std::string_view(packed) : piece);
    size += data.size();
  }
  check_size(record.size(), size);
  return chunks;
}

std::optional<std::string> read_png_record(std::string_view file) {
  constexpr std::size_t kFrame = 12;  // a chunk's length, type and CRC
  std::optional<std::string> record;
  for (std::string_view rest = file.substr(kPngSignature.size());;) {
    const std::size_t length = u32(rest);
    if (rest.size() < kFrame || rest.size() - kFrame < length) {
      throw Error("it is cut: a chunk ends beyond the file");
    }
    const std::string_view type = rest.substr(4, 4), data = rest.substr(8, length);
    // The picture's own data is its viewer's to check.
    if (type != "IDAT" && libdeflate_crc32(0, type.data(), 4 + length) != u32(rest.substr(8 + length))) {
      throw Error("it is broken: the checksum of a chunk is not that of its bytes");
    }
    if (type == "IEND") return record;
    if (type == "iTXt" && data.starts_with(kKeyword)) {
      if (!record) record.emplace();
      *record += chunk_text(data.substr(kKeyword.size()));
      if (record->size() > largest_record(file.size())) throw Error("its record is larger than one can be");
    }
    rest.remove_prefix(kFrame + length);
  }
}

std::string svg_record(std::string_view record) {
  std::string element = "<metadata xmlns:attnviz=\"urn:attnviz:record\">";
  for (const std::string_view piece : pieces(record)) {
    element.append(kElement).append(">");
    append_escaped(element, piece);
    element.append(kElementEnd);
  }
  return element.append("</metadata>\n");
}

std::optional<std::string> read_svg_record(std::string_view file) {
  if (file.rfind("</svg>") == std::string_view::npos && file.rfind(":svg>") == std::string_view::npos) {
    throw Error("it is cut: its end, </svg>, is missing");
  }
  std::optional<std::string> record;
  for (std::size_t at = 0; (at = file.find(kElement, at)) != std::string_view::npos;) {
    const std::size_t start = file.find('>', at), end = file.find(kElementEnd, at);
    if (end == std::string_view::npos || start >= end) throw Error("it is cut: its record has no end");
    if (!record) record.emplace();
    append_unescaped(*record, file.substr(start + 1, end - start - 1));
    at = end;
  }
  return record;
}

std::optional<std::string> read_page_record(std::string_view file) {
  constexpr std::string_view kScript = "<script type=\"application/json\" id=\"attnviz\">",
                             kEnd = "</script>";
  const std::size_t start = file.find(kScript);
  if (start == std::string_view::npos) return std::nullopt;
  file.remove_prefix(start + kScript.size());
  const std::size_t end = file.find(kEnd);
  if (end == std::string_view::npos) throw Error("it is cut: its record has no end");
  return std::string(file.substr(0, end));
}

std::optional<std::string> record_in(std::span<const std::byte> file, const std::string& name) {
  try {
    return read_any_record({reinterpret_cast<const char*>(file.data()), file.size()});
  } catch (const Error& error) {
    throw Error(name + ": " + error.what(),
                error.hint().empty() ? "copy the file again, or draw the figure anew" : error.hint());
  }
}

std::optional<std::string> read_record(const std::filesystem::path& path) {
  const std::string file = read_file(path);
  return record_in(std::as_bytes(std::span(file)), path.string());
}

}  // namespace attnviz
