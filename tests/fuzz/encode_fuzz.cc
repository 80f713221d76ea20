// Any text through small tokenizers: offsets stay in order and inside, and a byte-level tokenizer that
// knows every byte loses none.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "attnviz/text.h"
#include "tokens/byte_pair.h"
#include "tokens/pipeline.h"

namespace {

using attnviz::Encoding;
using attnviz::tokens::Pipeline;

void require(bool condition) {
  if (!condition) std::abort();
}

/// Merges of the bytes of "the  and" among all 256, so that words fall into pieces of several kinds.
Pipeline byte_level() {
  std::string vocabulary;
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::string character;
    attnviz::append_utf8(character, attnviz::tokens::byte_level_character(static_cast<unsigned char>(byte)));
    if (character == "\"" || character == "\\") character.insert(0, "\\");
    vocabulary.append("\"").append(character).append("\":").append(std::to_string(byte)).append(",");
  }
  const std::string json =
      R"({"added_tokens":[{"id":0,"content":"<s>","single_word":true,"lstrip":true,"rstrip":true,
    "normalized":false,"special":true}],"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,
    "trim_offsets":false},"model":{"type":"BPE","vocab":{)" +
      vocabulary + R"("th":256,"the":257,"an":258,"and":259,"ĠĠ":260,"Ġthe":261},
    "merges":["t h","th e","a n","an d","Ġ Ġ","Ġ the"]}})";
  return attnviz::tokens::read_tokenizer_json(json, "byte-level");
}

Pipeline word_piece() {
  return attnviz::tokens::read_tokenizer_json(
      R"({"added_tokens":[{"id":0,"content":"É","single_word":false,"lstrip":false,"rstrip":true,"normalized":true,
    "special":false}],"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,
    "strip_accents":null,"lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"WordPiece",
    "unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":20,"vocab":{"[UNK]":0,"a":1,
    "##a":2,"ab":3,"##b":4,"é":5,"e":6,"##e":7,"日":8,"ß":9,".":10}}})",
      "wordpiece");
}

void require_ordered(const Encoding& encoding, std::size_t code_points) {
  std::uint32_t previous = 0;
  for (const auto& [begin, end] : encoding.offsets) {
    require(previous <= begin && begin < end && end <= code_points);
    previous = begin;
  }
}

/// The offsets of neighbours touch, or overlap in a character that both have bytes of.
void require_complete(const Encoding& encoding, std::size_t code_points) {
  std::uint32_t done = 0;
  for (const auto& [begin, end] : encoding.offsets) {
    require(begin == done || begin + 1 == done);
    done = end;
  }
  require(done == code_points);
}

void require_cut(const Pipeline& pipeline, std::string_view text, const Encoding& whole) {
  const Encoding cut = pipeline.encode(text, std::nullopt, {.max_tokens = 3});
  require(cut.size() == std::min<std::size_t>(3, whole.size()));
  for (std::size_t i = 0; i < cut.size(); ++i) {
    require(cut.ids[i] == whole.ids[i] && cut.offsets[i] == whole.offsets[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Pipeline kByteLevel = byte_level(), kWordPiece = word_piece();
  const std::string text = attnviz::valid_utf8({reinterpret_cast<const char*>(data), size},
                                               attnviz::InvalidUtf8::replace, "input");
  const std::size_t code_points = attnviz::count_code_points(text);
  const Encoding bytes = kByteLevel.encode(text, std::nullopt, {});
  require_ordered(bytes, code_points);
  require_complete(bytes, code_points);
  require_cut(kByteLevel, text, bytes);
  const Encoding pieces = kWordPiece.encode(text, std::nullopt, {});
  require_ordered(pieces, code_points);
  require_cut(kWordPiece, text, pieces);
  return 0;
}
