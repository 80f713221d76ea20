// What transformers 5.24's AutoTokenizer makes of a model's files, and what is refused.
#include <gtest/gtest.h>

#include <map>

#include "support/tokenizers.h"

namespace attnviz::test {
namespace {

using nlohmann::json;
using Files = std::map<std::string, std::string>;

/// With trailing white space and a token given twice: the last one counts.
const std::string kVocabularyLines = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nab \n##b\nA\nÉ\nb\na\ne\n";
const Files kBert = {{"vocab.txt", kVocabularyLines}, {"config.json", R"({"model_type": "bert"})"}};
const Files kByteLevel = {
    {"vocab.json", R"({"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 4, "a": 5, "b": 6, "\u0120": 7,
                       "\u0120a": 8, "ab": 9})"},
    {"merges.txt", "#version: 0.2\nĠ a\na b\n"}};

Files with(Files files, const Files& others) {
  for (const auto& [name, content] : others) files[name] = content;
  return files;
}

Tokenizer open_files(const Files& files) {
  const TemporaryDirectory directory;
  for (const auto& [name, content] : files) write(directory / name, content);
  return Tokenizer(directory.path());
}

/// The message without the test's own directory.
std::string error_of_files(const Files& files) {
  std::string error = error_of([&] { (void)open_files(files); });
  const std::size_t begin = error.find("/tmp/"), end = error.find('/', error.find("attnviz-test-"));
  if (begin != std::string::npos && end != std::string::npos) error.erase(begin, end + 1 - begin);
  return error.substr(0, error.find('\n'));
}

std::string error_of_json(const json& tokenizer) {
  return error_of_files({{"tokenizer.json", tokenizer.dump()}});
}

struct FilesCase {
  Files files;
  std::string text, expected;
  std::vector<std::int64_t> ids;
};

void expect_reads(const std::vector<FilesCase>& cases) {
  for (const FilesCase& c : cases) {
    const Encoding encoding = open_files(c.files).encode(c.text);
    EXPECT_EQ(described(encoding), c.expected);
    EXPECT_EQ(encoding.ids, c.ids) << c.text;
  }
}

TEST(VocabularyLines, MakeBertsTokenizer) {
  const auto configured = [](const char* settings) {
    return with(kBert, {{"tokenizer_config.json", settings}});
  };
  const std::string lines_of_windows = "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\nab\u00A0\u3000\r\n";
  expect_reads({
      {kBert, "ab a É A", "*[CLS] ab[0,2] a[3,4] e[5,6] a[7,8] *[SEP]", {2, 6, 11, 12, 11, 3}},
      {with(kBert, {{"vocab.txt", lines_of_windows}}), "ab", "*[CLS] ab[0,2] *[SEP]", {2, 5, 3}},
      {configured(R"({"do_lower_case": false})"),
       "ab a É A",
       "*[CLS] ab[0,2] a[3,4] É[5,6] A[7,8] *[SEP]",
       {2, 6, 11, 9, 8, 3}},
      {configured(R"({"do_lower_case": false, "strip_accents": true})"),
       "É",
       "*[CLS] [UNK][0,1] *[SEP]",
       {2, 1, 3}},
      {configured(R"({"tokenizer_class": "DistilBertTokenizerFast"})"),
       "a",
       "*[CLS] a[0,1] *[SEP]",
       {2, 11, 3}},
  });
}

TEST(SpecialTokens, AreGatheredFromTheConfiguration) {
  const std::string map =
      R"({"cls_token": {"content": "<c>", "lstrip": false, "rstrip": false, "single_word": false,
    "normalized": false}, "sep_token": "[SEP]", "additional_special_tokens": ["<x>", "<y>"]})";
  const std::string decoder = R"({"added_tokens_decoder": {
      "20": {"content": "<q>", "lstrip": true, "rstrip": false, "single_word": false, "normalized": false, "special": false},
      "4": {"content": "[MASK]", "lstrip": true, "rstrip": false, "single_word": false, "normalized": false, "special": true}},
    "image_token": "<im>"})";
  expect_reads({
      {with(kBert, {{"special_tokens_map.json", map}}),
       "a <x> b<y>",
       "*<c> a[0,1] <x>[2,5] b[6,7] <y>[7,10] *[SEP]",
       {12, 11, 13, 10, 14, 3}},
      {with(kBert, {{"added_tokens.json", R"({"New": 13, "zzz": 14})"}}),
       "a new zzz NEW",
       "*[CLS] a[0,1] new[2,5] zzz[6,9] new[10,13] *[SEP]",
       {2, 11, 12, 13, 12, 3}},
      {with(kBert, {{"tokenizer_config.json", decoder}}),
       "a  <q> [MASK] <im>",
       "*[CLS] a[0,1]   <q>[1,6]  [MASK][6,13] <im>[14,18] *[SEP]",
       {2, 11, 12, 4, 13, 3}},
  });
}

TEST(VocabularyAndMerges, MakeRobertasOrGpt2sTokenizer) {
  const auto roberta = [](const char* settings) {
    return with(kByteLevel,
                {{"config.json", R"({"model_type": "roberta"})"}, {"tokenizer_config.json", settings}});
  };
  const Files gpt2 = with(kByteLevel, {{"config.json", R"({"model_type": "gpt2"})"}});
  expect_reads({
      {roberta("{}"),
       " a b<mask> a",
       "*<s> Ġa[1,2] Ġ[3,3] b[3,4] <mask>[4,10] Ġa[11,12] *</s>",
       {0, 8, 7, 6, 4, 8, 2}},
      {kByteLevel, " a", "*<s> Ġa[1,2] *</s>", {0, 8, 2}},
      {roberta(R"({"add_prefix_space": true, "tokenizer_class": "RobertaTokenizerFast"})"),
       "a b<mask>a",
       "*<s> Ġa[0,1] Ġ[2,2] b[2,3] <mask>[3,9] Ġa[10,10] *</s>",
       {0, 8, 7, 6, 4, 8, 2}},
      {roberta(
           R"({"trim_offsets": false, "mask_token": {"__type": "AddedToken", "content": "<mask>", "lstrip": true,
                   "rstrip": false, "single_word": false, "normalized": true}})"),
       " a <mask>",
       "*<s> Ġa[0,2]  <mask>[2,9] *</s>",
       {0, 8, 4, 2}},
      {gpt2, " a b", "Ġa[0,2] Ġ[2,3] b[3,4]", {8, 7, 6}},
      {gpt2, "a<|endoftext|>", "a[0,1] <|endoftext|>[1,14]", {5, 10}},
      {with(gpt2, {{"tokenizer_config.json", R"({"add_bos_token": true, "bos_token": "<s>"})"}}),
       "a",
       "*<s> a[0,1]",
       {0, 5}},
  });
  const Encoding pair = open_files(roberta("{}")).encode("ab", " a");
  EXPECT_EQ(described(pair), "*<s> ab[0,2] *</s> *</s> Ġa[1,2) *</s>");
}

TEST(Tokenizer, TellsItsFilesPaddingAndSize) {
  const Tokenizer bert = open_files(kBert);
  EXPECT_EQ(bert.files(), (std::vector<std::string>{"config.json", "vocab.txt"}));
  EXPECT_EQ(bert.vocabulary_size(), 12U);
  EXPECT_EQ(bert.padding_id(), 0);
  EXPECT_EQ(open_files(kByteLevel).padding_id(), 1);
  const Tokenizer demo(gpt2_demo());
  EXPECT_EQ(demo.files(), (std::vector<std::string>{"config.json", "tokenizer.json"}));
  EXPECT_EQ(demo.vocabulary_size(), 8192U);
}

TEST(Tokenizer, PrefersTokenizerJson) {
  const Files files = {{"vocab.txt", kVocabularyLines}, {"tokenizer.json", gpt2_demo_json().dump()}};
  EXPECT_EQ(open_files(files).encode("a").tokens, std::vector<std::string>{"a"});
}

TEST(Tokenizer, ReadsTokenizerJsonAsTheFilesBesideItSay) {
  const Files bert = {{"tokenizer.json", bert_tokenizer_json().dump()},
                      {"config.json", R"({"model_type": "bert"})"}};
  const auto configured = [&](const char* settings) {
    return with(bert, {{"tokenizer_config.json", settings}});
  };
  const std::string tokens =
      R"({"added_tokens_decoder": {"5": {"content": "a", "lstrip": true, "special": true}}})";
  expect_reads({
      {configured(R"({"do_lower_case": false})"), "É é", "*[CLS] É[0,1] é[2,3] *[SEP]", {2, 35, 36, 3}},
      {configured(R"({"strip_accents": false})"), "É é", "*[CLS] é[0,1] é[2,3] *[SEP]", {2, 36, 36, 3}},
      {configured(R"({"cls_token": "x"})"), "a", "*x a[0,1] *[SEP]", {31, 5, 3}},
      {configured(R"({"extra_special_tokens": ["<q>"]})"),
       "a<q>",
       "*[CLS] a[0,1] <q>[1,4] *[SEP]",
       {2, 5, 38, 3}},
      {configured(R"({"split_special_tokens": true, "tokenizer_class": "PreTrainedTokenizerFast"})"),
       "[PAD]",
       "*[CLS] [UNK][0,1] [UNK][1,4] [UNK][4,5] *[SEP]",
       {2, 1, 1, 1, 3}},
      {configured(tokens.c_str()), "b  a", "*[CLS] b[0,1]   a[1,4] *[SEP]", {2, 8, 5, 3}},
  });
  EXPECT_EQ(error_of_files(configured(R"({"tokenizer_class": "CLIPTokenizer"})")),
            "tokenizer_config.json: tokenizer_class \"CLIPTokenizer\" is not supported");
  EXPECT_EQ(error_of_files(configured(R"({"mask_token": 5})")),
            "tokenizer_config.json: \"mask_token\": expected a string or an AddedToken");
}

TEST(Tokenizer, ReadsModelsThatDoNotNameTheirType) {
  json bert = bert_tokenizer_json(), gpt2 = gpt2_demo_json();
  bert["model"].erase("type");
  gpt2["model"].erase("type");
  EXPECT_EQ(encoded(open(bert), "ab"), "ab[0,2]");
  EXPECT_EQ(encoded(open(gpt2), " the"), "Ġthe[0,4]");
}

TEST(Tokenizer, RefusesByNameWhatItDoesNotImplement) {
  struct Case {
    const char* path;
    json value;
    std::string error;
  };
  for (const Case& c : std::vector<Case>{
           {"/normalizer", {{"type", "Other"}}, "normalizer \"Other\" is not supported"},
           {"/pre_tokenizer",
            {{"type", "UnicodeScripts"}},
            "pre_tokenizer \"UnicodeScripts\" is not supported"},
           {"/post_processor", {{"type", "Other"}}, "post_processor \"Other\" is not supported"},
           {"/model/type", "Other", "model \"Other\" is not supported"},
           {"/model/dropout", 0.1, "model \"BPE\": \"dropout\" is not supported"},
           {"/model/byte_fallback", true,
            "model \"BPE\": \"byte_fallback\" of byte-level words, or with a prefix or suffix, is not "
            "supported"},
           {"/version", "2.0", "unknown version \"2.0\", expected \"1.0\""},
       }) {
    json tokenizer = gpt2_demo_json();
    tokenizer[json::json_pointer(c.path)] = c.value;
    EXPECT_EQ(error_of_json(tokenizer), "tokenizer.json: " + c.error);
  }
  json tokenizer = bert_tokenizer_json();
  tokenizer["pre_tokenizer"] = gpt2_demo_json()["pre_tokenizer"];
  EXPECT_EQ(error_of_json(tokenizer),
            "tokenizer.json: pre_tokenizer \"ByteLevel\" with model \"WordPiece\" is not supported");
  // tokenizers does write such a file.
  const std::string whole = error_of([&] { (void)open_files({{"tokenizer.json", tokenizer.dump()}}); });
  EXPECT_EQ(whole.find("0.23 writes it"), std::string::npos) << whole;
}

TEST(Tokenizer, RefusesTemplatesThatDoNotFit) {
  json tokenizer = bert_tokenizer_json();
  tokenizer["post_processor"]["single"][1]["Sequence"]["id"] = "B";
  EXPECT_EQ(error_of_json(tokenizer),
            "tokenizer.json: post_processor \"TemplateProcessing\": \"single\" uses a "
            "sequence that it does not have");
  tokenizer = bert_tokenizer_json();
  tokenizer["post_processor"]["special_tokens"].erase("[SEP]");
  EXPECT_EQ(error_of_json(tokenizer),
            "tokenizer.json: post_processor \"TemplateProcessing\": \"special_tokens\" lacks \"[SEP]\"");
}

TEST(Tokenizer, RefusesAddedTokensWhoseMatchesAreNotDefined) {
  struct Case {
    json added;
    std::string error;
  };
  const json normalized = {{"normalized", true}};
  for (const Case& c : std::vector<Case>{
           {{added_token("É", normalized), added_token("e", normalized)},
            "added token \"É\": normalized like added token \"e\", which of them is meant is not defined"},
           {{added_token("\u0301", normalized)},
            "added token \"\u0301\": nothing of it is left after normalization"},
           {{added_token(" x", {{"rstrip", true}})},
            "added token \" x\": lstrip or rstrip of a token that starts with white space is not "
            "supported"}}) {
    json tokenizer = bert_tokenizer_json();
    tokenizer["added_tokens"] = c.added;
    EXPECT_EQ(error_of_json(tokenizer), "tokenizer.json: " + c.error);
  }
}

TEST(Tokenizer, NamesTheFileAndTheFault) {
  const Files gpt2 = with(kByteLevel, {{"config.json", R"({"model_type": "gpt2"})"}});
  struct Case {
    Files files;
    std::string error;
  };
  for (const Case& c : std::vector<Case>{
           {{{"tokenizer.json", ""}}, "tokenizer.json: malformed JSON: expected '{' at byte 0"},
           {{{"tokenizer.json", "{\"model\": {\"vocab\": {\"a\": 1"}},
            "tokenizer.json: malformed JSON: expected ',' or '}' at byte 27"},
           {{{"tokenizer.json", "{\"model\": {\"vocab\": {\"a\": -1}}}"}},
            "tokenizer.json: malformed JSON: expected a whole number at byte 26"},
           {{{"tokenizer.json", "{\"model\": {\"vocab\": {\"\xE4\": 1}}}"}},
            "tokenizer.json: malformed JSON: not UTF-8 at byte 22"},
           {{{"tokenizer.json", "{\"normalizer\": {\"type\": tru}}"}},
            "tokenizer.json: malformed JSON: not a JSON value at byte 27"},
           {{{"tokenizer.json", "{}"}}, "tokenizer.json: model: lacks \"vocab\""},
           {{{"tokenizer.json", "{} x"}}, "tokenizer.json: malformed JSON: text behind the end at byte 3"},
           {{{"tokenizer_config.json", "[]"}}, "tokenizer_config.json: not a JSON object"},
           {with(gpt2, {{"vocab.json", "{\"a\": 1"}}),
            "vocab.json: malformed JSON: expected ',' or '}' at byte 7"},
           {with(gpt2, {{"vocab.json", "{\"a\": 1, \"b\": 1}"}}), "vocab.json: two tokens have the id 1"},
           {with(gpt2, {{"merges.txt", "#version: 0.2\nĠ a\n\na b\n"}}),
            "merges.txt: merge 2: \"\" is not two tokens with a space between them"},
           {with(gpt2, {{"merges.txt", "Ġ z\n"}}), "merges.txt: merge 1: the vocabulary lacks \"z\""},
           {{{"vocab.json", "{}"}}, "merges.txt: no such file"},
           {with(kBert, {{"vocab.txt", "a\n\xFF"}}), "vocab.txt: not UTF-8 at byte 2"},
           {with(kBert, {{"config.json", R"({"model_type": "pegasus"})"}}),
            "config.json: model_type \"pegasus\" is not supported without a tokenizer.json"},
           {with(kBert, {{"tokenizer_config.json", R"({"tokenizer_class": "PegasusTokenizerFast"})"}}),
            "tokenizer_config.json: tokenizer_class \"PegasusTokenizerFast\" is not supported without a "
            "tokenizer.json"}}) {
    EXPECT_EQ(error_of_files(c.files), c.error);
  }
  EXPECT_NE(error_of([] { (void)Tokenizer(data("")); }).find("has no tokenizer"), std::string::npos);
}

TEST(Tokenizer, SaysWhenTheUnknownTokenIsUnknown) {
  json tokenizer = bert_tokenizer_json();
  tokenizer["model"]["unk_token"] = "<none>";
  const Tokenizer opened = open(tokenizer);
  EXPECT_EQ(encoded(opened, "ab"), "ab[0,2]");
  EXPECT_EQ(error_of([&] { (void)opened.encode("q"); }),
            "tokenizer: the vocabulary lacks its unknown token \"<none>\"\n"
            "  hint: the text has a word that the vocabulary cannot spell");
}

}  // namespace
}  // namespace attnviz::test
