#include "support/tokenizers.h"

#include <gtest/gtest.h>

#include "attnviz/file.h"

namespace attnviz::test {

using nlohmann::json;

namespace {

const std::vector<std::string> kBertVocabulary = {
    "[PAD]",  "[UNK]",    "[CLS]",  "[SEP]",      "[MASK]",     "a",        "ab", "##b", "b", "c",
    "d",      "don",      "t",      "s",          "i",          "##\u0307", "ß",  "ﬁ",   "①", "ασ",
    "\u1100", "##\u1161", "\u8c48", "\U0002b740", "\U0002b820", "\u0378",   "’",  "'",   "`", "$",
    ".",      "x",        "##x",    "ª",          "ä",          "É",        "é",  "e"};

json numbered(const std::vector<std::string>& vocabulary) {
  json ids = json::object();
  for (const std::string& token : vocabulary) ids[token] = ids.size();
  return ids;
}

}  // namespace

json added_token(const std::string& content, const json& options) {
  json token = {{"id", 0},         {"content", content},  {"single_word", false}, {"lstrip", false},
                {"rstrip", false}, {"normalized", false}, {"special", false}};
  token.update(options);
  return token;
}

json bert_tokenizer_json() {
  const json cls = {{"SpecialToken", {{"id", "[CLS]"}, {"type_id", 0}}}};
  const json sep = {{"SpecialToken", {{"id", "[SEP]"}, {"type_id", 0}}}};
  const json sep_of_pair = {{"SpecialToken", {{"id", "[SEP]"}, {"type_id", 1}}}};
  const json first = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const json second = {{"Sequence", {{"id", "B"}, {"type_id", 1}}}};
  json added = json::array();
  for (std::size_t id = 0; id < 5; ++id) {
    added.push_back(added_token(kBertVocabulary[id], {{"id", id}, {"special", true}}));
  }
  return {{"version", "1.0"},
          {"truncation",
           {{"direction", "Right"}, {"max_length", 2}, {"strategy", "LongestFirst"}, {"stride", 0}}},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", true},
            {"strip_accents", nullptr},
            {"lowercase", true}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single", {cls, first, sep}},
            {"pair", {cls, first, sep, second, sep_of_pair}},
            {"special_tokens",
             {{"[CLS]", {{"id", "[CLS]"}, {"ids", {2}}, {"tokens", {"[CLS]"}}}},
              {"[SEP]", {{"id", "[SEP]"}, {"ids", {3}}, {"tokens", {"[SEP]"}}}}}}}},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", numbered(kBertVocabulary)}}}};
}

json byte_level_tokenizer_json(const std::vector<std::string>& vocabulary, const json& merges) {
  return {{"version", "1.0"},
          {"added_tokens", json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer",
           {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}}},
          {"post_processor", nullptr},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", numbered(vocabulary)},
            {"merges", merges}}}};
}

json gpt2_demo_json() { return json::parse(read_file(gpt2_demo() / "tokenizer.json")); }

Tokenizer open(const json& tokenizer_json) {
  const TemporaryDirectory directory;
  write(directory / "tokenizer.json", tokenizer_json.dump());
  return Tokenizer(directory.path());
}

std::string described(const Encoding& encoding) {
  std::string text;
  for (std::size_t i = 0; i < encoding.size(); ++i) {
    if (i > 0) text += ' ';
    if (encoding.special[i]) {
      text += '*' + encoding.tokens[i];
      continue;
    }
    const auto& [begin, end] = encoding.offsets[i];
    text += encoding.tokens[i] + '[' + std::to_string(begin) + ',' + std::to_string(end) +
            (encoding.sequence[i] == 0 ? ']' : ')');
  }
  return text;
}

std::string encoded(const Tokenizer& tokenizer, std::string_view text) {
  return described(tokenizer.encode(text, std::nullopt, {.special_tokens = false}));
}

void expect_encodes(const Tokenizer& tokenizer, const std::vector<EncodeCase>& cases) {
  for (const EncodeCase& c : cases) EXPECT_EQ(encoded(tokenizer, c.text), c.expected) << '"' << c.text << '"';
}

}  // namespace attnviz::test
