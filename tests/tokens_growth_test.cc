// Tokenizers that would make gigabytes of a word: each is refused, and what the known ones make of a text is
// not.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "attnviz/file.h"
#include "support/tokenizers.h"
#include "tokens/pipeline.h"
#include "tokens/regex.h"

namespace attnviz::test {
namespace {

using nlohmann::json;

json replace(const std::string& pattern, const std::string& content) {
  return {{"type", "Replace"}, {"pattern", {{"String", pattern}}}, {"content", content}};
}

json sequence(const char* key, const json& step, int times) {
  json steps = json::array();
  for (int i = 0; i < times; ++i) steps.push_back(step);
  return {{"type", "Sequence"}, {key, steps}};
}

json metaspace(const char* replacement) {
  return {{"type", "Metaspace"}, {"replacement", replacement}, {"prepend_scheme", "always"}, {"split", true}};
}

json with(const char* part, const json& value) {
  json tokenizer = bert_tokenizer_json();
  tokenizer["normalizer"] = nullptr;
  tokenizer[part] = value;
  return tokenizer;
}

/// The map from "a" to `content`: a trie of one letter, as darts-clone writes it.
std::string base64_map(const std::string& content) {
  std::string bytes;
  const auto put = [&](std::uint32_t unit) {
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(unit >> shift & 0xFF);
  };
  // The root leads to its label's unit at 0x61 ^ 256, and that to its value at an offset of 1.
  constexpr std::size_t kUnits = 512;
  std::vector<std::uint32_t> units(kUnits, 0);
  units[0] = 256U << 10;
  units[256 ^ 'a'] = 1U << 10 | 1U << 8 | 'a';
  units[256 ^ 'a' ^ 1] = 1U << 31;
  put(kUnits * 4);
  for (const std::uint32_t unit : units) put(unit);
  bytes += content + '\0';
  static constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  while (bytes.size() % 3 != 0) bytes += '\0';
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t j) {
      return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i + j]));
    };
    const std::uint32_t bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (const int shift : {18, 12, 6, 0}) text += kLetters[bits >> shift & 63];
  }
  return text;
}

TEST(Growth, IsBoundedForAllStepsTogether) {
  const json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", false}};
  json alternating = sequence("pretokenizers", metaspace("x"), 0);
  for (int i = 0; i < 40; ++i) alternating["pretokenizers"].push_back(metaspace(i % 2 ? "x" : "y"));
  json spelled = sequence("pretokenizers", byte_level, 30);
  spelled["pretokenizers"].push_back({{"type", "WhitespaceSplit"}});
  for (const auto& [part, steps] : std::vector<std::pair<const char*, json>>{
           {"normalizer", sequence("normalizers", replace("a", "aa"), 24)},
           {"normalizer", sequence("normalizers", {{"type", "ByteLevel"}}, 30)},
           {"normalizer", replace("a", std::string(100'000, 'a'))},
           {"normalizer", {{"type", "Prepend"}, {"prepend", std::string(100'000, 'a')}}},
           {"normalizer",
            {{"type", "Precompiled"}, {"precompiled_charsmap", base64_map(std::string(100'000, 'b'))}}},
           {"pre_tokenizer", spelled},
           {"pre_tokenizer", alternating}}) {
    const Tokenizer tokenizer = open(with(part, steps));
    const std::string fault = error_of([&] { std::ignore = tokenizer.encode("aä"); });
    EXPECT_NE(fault.find(": its tokenizer makes a text of 3 bytes more than 4192 longer"), std::string::npos)
        << part << " " << steps.dump().substr(0, 100) << ": " << fault;
    EXPECT_NE(fault.find("hint: look at \"normalizer\" and \"pre_tokenizer\""), std::string::npos) << fault;
  }
}

TEST(Growth, LeavesRoomForWhatKnownTokenizersMakeOfAText) {
  // U+FDFA has the longest decomposition; each byte of it is then spelled as a character, and each word
  // marked.
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "\uFDFA \uFDFA";
  const json steps = {{"type", "Sequence"},
                      {"normalizers", {{{"type", "NFKD"}}, {{"type", "ByteLevel"}}, replace("Ġ", " ")}}};
  json tokenizer = with("normalizer", steps);
  tokenizer["pre_tokenizer"] = {{"type", "Sequence"},
                                {"pretokenizers", {{{"type", "WhitespaceSplit"}}, metaspace("▁")}}};
  EXPECT_GT(open(tokenizer).encode(text).size(), 4000U);
  // Longer from word to word, and back: what shrinks does not pay for what grows.
  const json there_and_back = {{"type", "Sequence"},
                               {"normalizers", {replace(" ", "▁"), replace("▁", " "), replace(" ", "▁")}}};
  EXPECT_GT(open(with("normalizer", there_and_back)).encode(text).size(), 0U);
}

TEST(Growth, IsBoundedForTokensThatNoTextSpells) {
  json tokenizer = with("pre_tokenizer", {{"type", "WhitespaceSplit"}});
  tokenizer["model"]["unk_token"] = std::string(257, 'u');
  EXPECT_NE(error_of([&] { open(tokenizer); }).find("\"unk_token\" is not a string of at most 256 bytes"),
            std::string::npos);
  const std::string prefix(300, 'p');
  json pairs = with("model", {{"type", "BPE"},
                              {"vocab", {{prefix + "a", 0}, {"b", 1}}},
                              {"merges", json::array()},
                              {"continuing_subword_prefix", prefix}});
  pairs["added_tokens"] = json::array();
  pairs["post_processor"] = nullptr;
  EXPECT_NE(
      error_of([&] { open(pairs); }).find("\"continuing_subword_prefix\" is not a string of at most 256"),
      std::string::npos);
}

TEST(Growth, IsBoundedForTemplates) {
  json ids = json::array(), tokens = json::array(), pieces = json::array();
  for (int i = 0; i < 500; ++i) {
    ids.push_back(0);
    tokens.push_back("[UNK]");
  }
  pieces.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  for (int i = 0; i < 3; ++i) pieces.push_back({{"SpecialToken", {{"id", "x"}, {"type_id", 0}}}});
  const json processor = {{"type", "TemplateProcessing"},
                          {"single", pieces},
                          {"pair", json::array()},
                          {"special_tokens", {{"x", {{"id", "x"}, {"ids", ids}, {"tokens", tokens}}}}}};
  const std::string fault = error_of([&] { open(with("post_processor", processor)); });
  EXPECT_NE(fault.find("\"single\" adds more than 1000 tokens"), std::string::npos) << fault;
}

TEST(Growth, IsBoundedForStepsAndNesting) {
  const auto fault_of = [](const char* part, const json& value) {
    return error_of([&] { open(with(part, value)); });
  };
  EXPECT_NE(fault_of("pre_tokenizer", sequence("pretokenizers", {{"type", "WhitespaceSplit"}}, 101))
                .find("more than 100 steps"),
            std::string::npos);
  EXPECT_NE(
      fault_of("normalizer", sequence("normalizers", {{"type", "NFC"}}, 101)).find("more than 100 steps"),
      std::string::npos);
  json nested = {{"type", "NFC"}};
  for (int i = 0; i < 100; ++i) nested = sequence("normalizers", nested, 1);
  EXPECT_NE(fault_of("normalizer", nested).find("malformed JSON: values nested too deep"), std::string::npos);
}

TEST(Growth, IsBoundedForPatterns) {
  // The classes of a pattern that repeats them, each as a copy.
  EXPECT_NE(error_of([] { const tokens::Regex pattern(R"((?:\w|x){1000})"); }).find("repeats too much"),
            std::string::npos);
  // What is left to be tried at each character.
  std::string choices = "a";
  for (int i = 0; i < 20; ++i) choices = "(?:" + choices + "|b)";
  const tokens::Regex pattern(choices + "+c");
  EXPECT_NE(error_of([&] {
              std::ignore = pattern.find_all(std::string(10'000, 'a'));
            }).find("leaves too much to be tried in a text of 10000 bytes"),
            std::string::npos);
}

}  // namespace
}  // namespace attnviz::test
