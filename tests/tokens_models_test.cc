// Expected tokens and offsets are those of Hugging Face's tokenizers 0.23.3.
#include <gtest/gtest.h>

#include "support/tokenizers.h"

namespace attnviz::test {
namespace {

using nlohmann::json;

/// With nothing around the model: a text is one word.
Tokenizer open_model(const json& model) {
  return open({{"version", "1.0"}, {"added_tokens", json::array()}, {"model", model}});
}

json unigram(const char* more_pieces = "[]", const json& options = json::object()) {
  json vocabulary =
      json::parse(R"([["<unk>", 0], ["a", -1], ["b", -1], ["c", -1.5], ["ab", -2], ["abc", -3.5],
                                    ["xy", -99], ["é", -2], ["▁a", -125e-2]])");
  for (const json& piece : json::parse(more_pieces)) vocabulary.push_back(piece);
  json model = {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", vocabulary}};
  model.update(options);
  return model;
}

json byte_fallback_bpe(bool fuse_unk) {
  return json::parse(R"({"type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "merges": [["a", "b"]],
    "vocab": {"<unk>": 0, "a": 1, "b": 2, "ab": 3, "<0xC3>": 4, "<0xBC>": 5, "<0xE6>": 6}})",
                     nullptr, true)
      .patch({{{"op", "add"}, {"path", "/fuse_unk"}, {"value", fuse_unk}}});
}

TEST(Unigram, TakesTheBestScoredPiecesAndOfEqualPathsTheFirst) {
  expect_encodes(open_model(unigram()), {{"abc", "abc[0,3]"}, {"aab", "a[0,1] ab[1,3]"}, {"", ""}});
}

TEST(Unigram, FusesUnknownCharactersUnderTheirOwnName) {
  const Tokenizer tokenizer = open_model(unigram());
  expect_encodes(tokenizer, {{"xxab", "xx[0,2] ab[2,4]"},
                             {"▁ab日日é", "▁a[0,2] b[2,3] 日日[3,5] é[5,6]"},
                             {"<unk>a", "<unk>[0,5] a[5,6]"},
                             {"a<unk>x", "a[0,1] <unk>x[1,7]"}});
}

TEST(Unigram, FallsBackToAllBytesOrNone) {
  const char* bytes = R"([["<0x78>", -20], ["<0xE6>", -20], ["<0x97>", -20], ["<0xA5>", -20]])";
  expect_encodes(
      open_model(unigram(bytes, {{"byte_fallback", true}})),
      {{"ax日a", "a[0,1] <0x78>[1,3] <0xE6>[1,3] <0x97>[1,3] <0xA5>[1,3] a[3,4]"}, {"日ü", "日ü[0,2]"}});
}

TEST(Unigram, ShowsSpacesAndBytesAsAReaderKnowsThem) {
  const Tokenizer tokenizer = open_model(
      unigram(R"([["▁▁", -1], ["<0x78>", -20], ["<0xE6>", -20], ["<0x97>", -20], ["<0xA5>", -20]])",
              {{"byte_fallback", true}}));
  struct Case {
    std::string text;
    std::vector<std::string> labels;
  };
  // An unknown text is no byte, however it looks.
  for (const Case& c : std::vector<Case>{{"▁abc▁▁a", {"␣a", "b", "c", "␣␣", "a"}},
                                         {"x日", {"x", "‹E6›", "‹97›", "‹A5›"}},
                                         {"ü<0x41>", {"ü<0x41>"}}}) {
    std::vector<std::string> labels;
    for (const TokenLabel& label : tokenizer.labels(tokenizer.encode(c.text)))
      labels.push_back(label.whole());
    EXPECT_EQ(labels, c.labels);
  }
}

TEST(Unigram, RefusesWhatHasNoMeaning) {
  struct Case {
    json model;
    std::string error;
  };
  for (const Case& c : std::vector<Case>{
           {unigram(R"([["ab", -1]])"), "piece 9: \"ab\" is there twice, which is not supported"},
           {unigram("[]", {{"unk_id", 9}}), "\"unk_id\" is 9, expected less than 9"},
           {unigram(R"([["x"]])"), "malformed JSON: expected a piece and its score"},
           {unigram(R"([["x", "y"]])"), "malformed JSON: expected a number"},
           {{{"type", "Unigram"}, {"unk_id", 0}, {"vocab", json::object()}}, "a list of pieces and scores"},
       }) {
    EXPECT_NE(error_of([&] { (void)open_model(c.model); }).find(c.error), std::string::npos) << c.error;
  }
  const Tokenizer without_unknown = open_model(unigram("[]", {{"unk_id", nullptr}}));
  EXPECT_NE(error_of([&] { (void)without_unknown.encode("x"); }).find("names no unknown token"),
            std::string::npos);
}

TEST(BytePair, FallsBackToTheBytesOfACharacter) {
  // An unknown character waits for the next known one, behind the bytes that come before that.
  expect_encodes(open_model(byte_fallback_bpe(false)),
                 {{"abü", "ab[0,2] <0xC3>[2,3] <0xBC>[2,3]"},
                  {"日日ab", "<unk>[0,1] <unk>[1,2] ab[2,4]"},
                  {"日üa", "<0xC3>[0,1] <0xBC>[0,1] <unk>[0,2] a[2,3]"}});
  expect_encodes(open_model(byte_fallback_bpe(true)),
                 {{"日日ab", "<unk>[0,2] ab[2,4]"}, {"日ü日", "<0xC3>[0,1] <0xBC>[0,1] <unk>[0,3]"}});
}

TEST(WordLevel, KnowsWholeWords) {
  const json model = {{"type", "WordLevel"}, {"unk_token", "<unk>"}, {"vocab", {{"<unk>", 0}, {"ab c", 1}}}};
  expect_encodes(open_model(model), {{"ab c", "ab c[0,4]"}, {"abc", "<unk>[0,3]"}});
}

}  // namespace
}  // namespace attnviz::test
