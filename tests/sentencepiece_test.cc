// A .model file of sentencepiece and the character map inside it. What the map makes of a text is what
// Hugging Face's tokenizers 0.23.3 make of it, offsets included.
#include <gtest/gtest.h>

#include "attnviz/error.h"
#include "attnviz/tokens.h"
#include "support/support.h"
#include "tokens/character_map.h"
#include "tokens/sentencepiece_file.h"

namespace attnviz::test {
namespace {

using tokens::AlignedText;
using tokens::CharacterMap;
using tokens::read_sentencepiece_file;
using tokens::SentencePieceFile;

/// As sentencepiece compiles these rules: ff of one character to two, U+001E to nothing, fullwidth A and e
/// with an acute to one character, the trade mark to TM, tab and CR LF to a space, Mc to Mac.
constexpr const char* kMap =
    "AAQAAAAgAAAJDQAAAQAAgAoFAAAAAACADTAAAGMFAAAFAACAzAACAIENAAAPAACAhJQCAKIFAAAJAACArHgCAAwAAICAfQAAoQ0A"
    "AAMAAIASAAAAFQAAABQAAAAeSQAAFgAAABkAAAAYAAAAGwAAABoAAAAdAAAAHAAAALy4AgAeAAAAIQAAACAAAAAjAAAAIgAAACUA"
    "AAAkAAAAJwAAACYAAAApAAAAKAAAACsAAAAqAAAALQAAACwAAAAvAAAALgAAADEAAAAwAAAAMwAAADIAAAA1AAAANAAAADcAAAA2"
    "AAAAOQAAADgAAAA7AAAAOgAAAD0AAAA8AAAAPwAAAD4AAABBAAAAQAAAAEMAAABCAAAARQAAAE2AAABHAAAARgAAAEkAAABIAAAA"
    "SwAAAEoAAABNAAAATAAAAE8AAABOAAAAUQAAAFAAAABTAAAAUgAAAFUAAABUAAAAVwAAAFYAAABZAAAAWAAAAFsAAABaAAAAXQAA"
    "AFwAAABfAAAAXgAAAGEAAABgAAAAYwAAAGIAAABlAAAAZAAAAGcAAABmAAAAaQAAAGgAAABrAAAAagAAAG0AAABlpAIAbwAAAG4A"
    "AABxAAAAcAAAAHMAAAByAAAAdQAAAHQAAAB3AAAAdgAAAHkAAAB4AAAAewAAAHoAAAB9AAAAfAAAAH8AAAB+AAAAgQAAAIAAAACD"
    "AAAAggAAAIUAAACEAAAAhwAAAIYAAACJAAAAiAAAAIsAAACKAAAAjQAAAIwAAACPAAAAjgAAAJEAAACQAAAAkwAAAJIAAACVAAAA"
    "lAAAAJcAAACWAAAAmQAAAJgAAACbAAAAmgAAAJ0AAACcAAAAnwAAAJ4AAAChAAAAoAAAAKMAAACiAAAApQAAAKQAAACnAAAApgAA"
    "AKkAAACoAAAAqwAAAKoAAACtAAAArAAAAK8AAACuAAAAsQAAALAAAACzAAAAsgAAALUAAAC0AAAAtwAAALYAAAC5AAAAuAAAALsA"
    "AAC6AAAAvQAAALwAAAC/AAAAvgAAAMEAAADAAAAAwwAAAMIAAADFAAAAxAAAAMcAAADGAAAAyQAAAMgAAADLAAAAygAAAM0AAADM"
    "AAAAzwAAAM4AAADRAAAA0AAAANMAAADSAAAA1QAAANQAAADXAAAA1gAAANkAAADYAAAA2wAAANoAAADdAAAA3AAAAN8AAADeAAAA"
    "4QAAAOAAAADjAAAA4gAAAOUAAADkAAAA5wAAAO8UAQDpAAAA6AAAAOKUAQDqAAAA7QAAAOwAAADvAAAA7gAAAPEAAADwAAAA8wAA"
    "APIAAAD1AAAA9AAAAPcAAAD2AAAA+QAAAPgAAAD7AAAA+gAAAP0AAAD8AAAA/wAAAP4AAAAAIABBAE1hYwBUTQBmZgDDqQA=";

std::string map_bytes() { return tokens::decode_base64(kMap).value(); }

/// "ff[1]" for each character and its origin.
std::string mapped(const CharacterMap& map, const std::string& text) {
  std::vector<std::uint32_t> origin;
  for (std::size_t offset = 0; offset < text.size();) {
    (void)next_code_point(text, offset);
    origin.resize(offset, origin.empty() ? 0 : origin.back() + 1);
  }
  tokens::Growth growth(text.size(), "test");
  const AlignedText result = map({text, origin.data(), &growth});
  std::string described;
  for (std::size_t offset = 0; offset < result.text().size();) {
    const std::size_t begin = offset;
    (void)next_code_point(result.text(), offset);
    described += result.text().substr(begin, offset - begin) + std::to_string(result.origin()[begin]);
  }
  return described;
}

TEST(CharacterMap, ReplacesClustersAndCharactersAsTheReferenceDoes) {
  const CharacterMap map(map_bytes());
  for (const auto& [text, expected] : std::vector<std::array<std::string, 2>>{
           {"", ""},
           {"aﬀb", "a0f1f1b2"},
           {"a\x1E"
            "b",
            "a0b2"},
           // Nothing stands before it that could take its place, so what follows does.
           {"\x1E"
            "ab",
            "a0b1"},
           {"\uFF21", "A0"},
           // A short cluster becomes what its shortest known prefix does; the accent is lost.
           {"\uFF21\u0301", "A0"},
           {"\uFF21\u0301\u0301", "A0\u03011\u03012"},
           {"e\u0301", "é0"},
           {"e\u0301\u0300x", "é0x3"},
           {"\u2122\x1Eg", "T0M1g2"},
           {"\r\n\t", " 0 2"},
           // No cluster is as long as this rule.
           {"Mcx", "M0c1x2"},
       }) {
    EXPECT_EQ(mapped(map, text), expected);
  }
}

TEST(CharacterMap, RefusesDamage) {
  const std::string bytes = map_bytes();
  const auto damaged = [&](std::size_t place, const char* with) {
    return std::string(bytes).replace(place, 1, with);
  };
  for (const auto& [damage, error] : std::vector<std::array<std::string, 2>>{
           {"", "character map: 0 bytes, expected at least 4"},
           {bytes.substr(0, 100), "character map: a trie of 1024 bytes, expected a multiple of 4, up to 96"},
           {damaged(0, "\x02"), "character map: a trie of 1026 bytes, expected a multiple of 4, up to 1042"},
           {bytes + "\xFF", "character map: replacements are not UTF-8 at byte 1046"},
       }) {
    EXPECT_EQ(error_of([&] { (void)CharacterMap(damage); }), error);
  }
  const CharacterMap leads_nowhere(damaged(7, "\x7F"));
  EXPECT_EQ(error_of([&] { (void)mapped(leads_nowhere, "a"); }),
            "character map: its trie leads outside itself");
}

TEST(Base64, DecodesWhatIsWhole) {
  for (const auto& [text, expected] : std::vector<std::pair<const char*, std::optional<std::string>>>{
           {"", ""},
           {"YQ==", "a"},
           {"YWI=", "ab"},
           {"+/+/", "\xFB\xFF\xBF"},
           {"YR==", std::nullopt},
           {"YQ=", std::nullopt},
           {"Y===", std::nullopt},
           {"Y Q=", std::nullopt},
       }) {
    EXPECT_EQ(tokens::decode_base64(text), expected) << text;
  }
}

/// A field of a protocol buffer that is bytes; every size is below 128.
std::string field(char number, const std::string& bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}

const std::string kPiece = field(1, field(1, "▁a") + "\x15" + std::string("\0\0\x80\xBF", 4) + "\x18\x04");

TEST(SentencePieceFile, HasPiecesAndHowTheyWereTrained) {
  const std::string bytes =
      kPiece + field(1, field(1, "b")) + field(2, "\x18\x02\x98\x02\x01") + field(3, field(2, "map"));
  const SentencePieceFile file = read_sentencepiece_file(bytes);
  ASSERT_EQ(file.pieces.size(), 2U);
  EXPECT_EQ(file.pieces[0].text, "▁a");
  EXPECT_EQ(file.pieces[0].score, -1.0F);
  EXPECT_EQ(file.pieces[0].type, SentencePieceFile::Type::user_defined);
  EXPECT_EQ(file.pieces[1].type, SentencePieceFile::Type::normal);
  EXPECT_EQ(file.algorithm, SentencePieceFile::Algorithm::bpe);
  EXPECT_TRUE(file.byte_fallback);
  EXPECT_EQ(file.character_map, "map");
}

TEST(SentencePieceFile, RefusesDamage) {
  for (const auto& [bytes, error] : std::vector<std::array<std::string, 2>>{
           {"", "has no pieces\n  hint: expected a model of sentencepiece"},
           {kPiece.substr(0, 9), "cut off: a field reaches behind the end at byte 0"},
           {kPiece + "\x0B", "a field of unknown kind 3 at byte 15"},
           {kPiece + std::string("\x00\x01", 2), "a field without a number at byte 15"},
           {kPiece + "\x08\x01", "a section is of the wrong kind at byte 15"},
           {kPiece + "\x20" + std::string(10, '\xFF'), "a number without end at byte 15"},
           {field(1, field(1, "\xFF")), "a piece is not UTF-8 at byte 2"},
           {field(1, field(2, "b")), "a score is of the wrong kind at byte 2"},
           {field(1, "\x15" + std::string("\0\0\x80\x7F", 4)), "a score that is not finite at byte 2"},
           {field(1, "\x18\x09"), "a piece's type is 9, expected 1 to 6 at byte 2"},
           {field(2, "\x18\x05"), "model_type is 5, expected 1 to 4 at byte 2"},
       }) {
    EXPECT_EQ(error_of([&, &bytes = bytes] { (void)read_sentencepiece_file(bytes); }), error);
  }
}

/// A .model with these pieces, the first of them the unknown one, trained with an algorithm by its number.
std::string model_of(const std::vector<std::string>& pieces, char algorithm) {
  std::string model;
  for (const std::string& piece : pieces) {
    model += field(1, field(1, piece) + (model.empty() ? "\x18\x02" : "\x18\x01"));
  }
  return model + field(2, std::string("\x18") + algorithm);
}

TEST(SentencePieceDirectory, RefusesWhatItCannotRead) {
  const std::string unigram = model_of({"<unk>", "a"}, 1), byte_pairs = model_of({"<unk>", "a"}, 2);
  struct Case {
    std::string config, file, content, error;
  };
  for (const Case& c : std::vector<Case>{
           {"t5", "tokenizer.model", unigram, "spiece.model: no such file"},
           {"t5", "spiece.model", unigram.substr(0, 5),
            "spiece.model: cut off: a field reaches behind the end at byte 0"},
           {"t5", "spiece.model", byte_pairs,
            "spiece.model: it was trained with another algorithm than unigram, which is not supported for "
            "this model"},
           {"llama", "tokenizer.model", unigram,
            "tokenizer.model: it was trained with another algorithm than bpe, which is not supported for "
            "this model"},
           {"llama", "tokenizer.model", model_of({"<unk>", "a", "a"}, 2),
            "tokenizer.model: the piece \"a\" is there twice"},
           {"deberta-v2", "spm.model", model_of({"<unk>", "a", "a"}, 1),
            "spm.model: piece 2: \"a\" is there twice, which is not supported"},
           {"t5", "spiece.model", model_of({"<unk>", "<extra_id_7>"}, 1),
            "spiece.model: piece 94: \"<extra_id_7>\" is there twice, which is not supported"},
       }) {
    const TemporaryDirectory directory;
    write(directory / "config.json", R"({"model_type": ")" + c.config + "\"}");
    write(directory / c.file, c.content);
    const std::string error = error_of([&] { (void)Tokenizer(directory.path()); });
    EXPECT_EQ(error.substr(0, error.find('\n')), (directory.path() / c.error).string());
  }
}

TEST(SentencePieceDirectory, RefusesMoreGapsOfT5ThanAnyModelHas) {
  const TemporaryDirectory directory;
  write(directory / "config.json", R"({"model_type": "t5"})");
  write(directory / "spiece.model", model_of({"<unk>", "a"}, 1));
  write(directory / "tokenizer_config.json", R"({"extra_ids": 10001})");
  EXPECT_EQ(
      error_of([&] { (void)Tokenizer(directory.path()); }),
      (directory / "tokenizer_config.json").string() + ": \"extra_ids\" is 10001, expected at most 10000");
}

TEST(MarianDirectory, RefusesWhatItCannotRead) {
  const std::string unigram = model_of({"<unk>", "a"}, 1), ids = R"({"</s>": 0, "<unk>": 1, "a": 2})";
  const std::string suffix = unigram + field(2, "\xC0\x01\x01");  // treat_whitespace_as_suffix
  struct Case {
    std::string settings, ids, source, target, error;
  };
  for (const Case& c : std::vector<Case>{
           {"{}", "", unigram, unigram, "vocab.json: no such file"},
           {"{}", ids, "", unigram, "source.spm: no such file"},
           {"{}", ids, unigram, "", "target.spm: no such file"},
           {"{}", "{\"a\": 0", unigram, unigram, "vocab.json: malformed JSON: expected ',' or '}' at byte 7"},
           {"{}", R"({"</s>": 0})", unigram, unigram,
            "vocab.json: lacks \"<unk>\", which stands for what is unknown"},
           {"{}", ids, model_of({"<unk>", "a"}, 2), unigram,
            "source.spm: it was trained with another algorithm than unigram, which is not supported"},
           {"{}", ids, suffix, unigram,
            "source.spm: its white space is not treated as usual, which is not supported for this model"},
           {"{}", ids, unigram + field(3, std::string("\x18\0", 2)), unigram,
            "source.spm: its white space is not treated as usual, which is not supported for this model"},
           {"{}", ids, unigram + field(1, field(1, "<b>") + "\x18\x04"), unigram,
            "source.spm: the piece \"<b>\" is user-defined, unused or a byte, which is not supported for "
            "this model"},
           {R"({"separate_vocabs": true})", ids, unigram, unigram,
            "tokenizer_config.json: \"separate_vocabs\" is not supported"},
           {R"({"sp_model_kwargs": {"enable_sampling": true}})", ids, unigram, unigram,
            "tokenizer_config.json: \"sp_model_kwargs\" is not supported"},
       }) {
    const TemporaryDirectory directory;
    write(directory / "config.json", R"({"model_type": "marian"})");
    write(directory / "tokenizer_config.json", c.settings);
    if (!c.ids.empty()) write(directory / "vocab.json", c.ids);
    if (!c.source.empty()) write(directory / "source.spm", c.source);
    if (!c.target.empty()) write(directory / "target.spm", c.target);
    const std::string error = error_of([&] { (void)Tokenizer(directory.path()); });
    EXPECT_EQ(error.substr(0, error.find('\n')), (directory.path() / c.error).string());
  }
}

}  // namespace
}  // namespace attnviz::test
