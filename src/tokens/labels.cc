#include <array>
#include <charconv>

#include "tokens/byte_pair.h"
#include "tokens/pipeline.h"

namespace attnviz::tokens {
namespace {

constexpr std::string_view kSpaceMark = "␣";

/// The byte that GPT-2 writes as a character, or nothing.
std::optional<unsigned char> byte_of(char32_t character) {
  static const std::array<std::optional<unsigned char>, 0x144> kBytes = [] {
    std::array<std::optional<unsigned char>, 0x144> bytes;
    for (unsigned byte = 0; byte < 256; ++byte) {
      bytes[byte_level_character(static_cast<unsigned char>(byte))] = static_cast<unsigned char>(byte);
    }
    return bytes;
  }();
  return character < kBytes.size() ? kBytes[character] : std::nullopt;
}

/// The bytes that a byte-level token stands for; itself when it is not written in GPT-2's characters.
std::string bytes_of(std::string_view token) {
  std::string bytes;
  for (std::size_t offset = 0; offset < token.size();) {
    const std::optional<unsigned char> byte = byte_of(next_code_point(token, offset));
    if (!byte) return std::string(token);
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

/// Visible text, with the bytes that are no whole character as ‹E4›.
std::string visible_bytes(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  while (true) {
    const std::size_t bad = find_invalid_utf8(bytes);
    text += visible(bytes.substr(0, bad));
    if (bad == std::string_view::npos) return text;
    const auto byte = static_cast<unsigned char>(bytes[bad]);
    text += "‹";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
    text += "›";
    bytes.remove_prefix(bad + 1);
  }
}

/// A leading space becomes the mark; in a token of nothing but spaces the others are seen too.
TokenLabel spaced_label(std::string_view bytes) {
  TokenLabel label;
  if (bytes.starts_with(' ')) {
    label.mark = kSpaceMark;
    bytes.remove_prefix(1);
  }
  if (bytes.find_first_not_of(' ') != std::string_view::npos) {
    label.text = visible_bytes(bytes);
  } else {
    for (std::size_t i = 0; i < bytes.size(); ++i) label.text += kSpaceMark;
  }
  return label;
}

/// The byte of "<0xE4>", byte fallback's token.
std::optional<char> fallback_byte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
  unsigned byte = 0;
  const auto [end, failure] = std::from_chars(token.data() + 3, token.data() + 5, byte, 16);
  if (failure != std::errc() || end != token.data() + 5) return std::nullopt;
  return static_cast<char>(byte);
}

/// The text of a piece as sentencepiece writes it, with "▁" for spaces.
std::string text_of_piece(std::string_view piece) {
  constexpr std::string_view kSpace = "▁";
  std::string text(piece);
  for (std::size_t at = text.find(kSpace); at != std::string::npos; at = text.find(kSpace, at)) {
    text.replace(at, kSpace.size(), " ");
  }
  return text;
}

}  // namespace

TokenLabel Pipeline::label(std::string_view token, std::int64_t id, bool special) const {
  const AddedToken* known = added->by_id(id);
  if (special || (known && known->special)) return {"", visible(known ? known->content : token), true};
  if (known) return spaced_label(known->content);
  if (pre_tokenizer.byte_level) return spaced_label(bytes_of(token));
  const std::string_view prefix = model->continuation_prefix();
  if (!prefix.empty() && token.size() > prefix.size() && token.starts_with(prefix)) {
    return {visible(prefix), visible(token.substr(prefix.size()))};
  }
  if (!prefix.empty()) return spaced_label(token);
  // An unknown token is called what the text spells, which may look like a byte's.
  const bool is_piece = model->vocabulary().find(token) != Vocabulary::kAbsent;
  const std::optional<char> byte = is_piece ? fallback_byte(token) : std::nullopt;
  return spaced_label(byte ? std::string(1, *byte) : text_of_piece(token));
}

}  // namespace attnviz::tokens
