// Any bytes as a .model of sentencepiece: an Error, or parts that hold together; and its character map maps
// any text to one with as many origins as bytes.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/text.h"
#include "tokens/character_map.h"
#include "tokens/sentencepiece_file.h"

namespace {

constexpr std::string_view kText = "e\u0301\uFF21\u0301 \r\n\uFB01\u2122\x1E 가\u1100\u1161 क्ष \U0001F600";

void require(bool condition) {
  if (!condition) std::abort();
}

void require_mapped(const attnviz::tokens::CharacterMap& map) {
  std::vector<std::uint32_t> origin;
  for (std::uint32_t i = 0; i < kText.size(); ++i) origin.push_back(i);
  attnviz::tokens::Growth growth(kText.size(), "map");
  const attnviz::tokens::AlignedText mapped = map({kText, origin.data(), &growth});
  const std::vector<std::uint32_t>& mapped_origin = mapped.origin();
  require(mapped_origin.size() == mapped.text().size());
  require(attnviz::find_invalid_utf8(mapped.text()) == std::string_view::npos);
  for (std::size_t i = 1; i < mapped_origin.size(); ++i) require(mapped_origin[i - 1] <= mapped_origin[i]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::string_view map = bytes;
  try {
    const attnviz::tokens::SentencePieceFile file = attnviz::tokens::read_sentencepiece_file(bytes);
    for (const auto& piece : file.pieces) {
      require(attnviz::find_invalid_utf8(piece.text) == std::string_view::npos);
      require(piece.text.empty() || (piece.text.data() >= bytes.data() && piece.text.data() < bytes.end()));
    }
    map = file.character_map;
  } catch (const attnviz::Error&) {
  }
  try {
    require_mapped(attnviz::tokens::CharacterMap(map));
  } catch (const attnviz::Error&) {
  }
  return 0;
}
