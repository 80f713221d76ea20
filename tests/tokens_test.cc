// Expected tokens and offsets are those of Hugging Face's tokenizers 0.23.3.
#include "attnviz/tokens.h"

#include <gtest/gtest.h>

#include "support/tokenizers.h"

namespace attnviz::test {
namespace {

using nlohmann::json;
using namespace std::string_literals;

Tokenizer bert(const json& normalizer_options = json::object()) {
  json tokenizer = bert_tokenizer_json();
  tokenizer["normalizer"].update(normalizer_options);
  return open(tokenizer);
}

TEST(BertNormalizer, RemovesControlCharactersAndJoinsWhatTheyParted) {
  const Tokenizer tokenizer = bert();
  for (const std::string& vanishing : {"\v"s, "\f"s, "\0"s, "\u0085"s, "\u200b"s, "\u200d"s, "\u00ad"s,
                                       "\uE000"s, "\uFFFD"s, "\u0345"s, "\u0301\u0316"s}) {
    const std::size_t end = 2 + count_code_points(vanishing);
    EXPECT_EQ(encoded(tokenizer, "a" + vanishing + "b"), "ab[0," + std::to_string(end) + "]") << vanishing;
  }
  expect_encodes(tokenizer, {{"\uFEFFab", "ab[1,3]"}, {"\u0378", "\u0378[0,1]"}, {"\u0301", ""}, {"", ""}});
}

TEST(BertNormalizer, MakesSpacesOfWhiteSpace) {
  const Tokenizer tokenizer = bert();
  for (const char* space : {"\u2028", "\u2029", "\u00A0", "\u3000", "\t", "\n", "\r"}) {
    EXPECT_EQ(encoded(tokenizer, std::string("a") + space + "b"), "a[0,1] b[2,3]");
  }
}

TEST(BertNormalizer, PutsSpacesAroundTheReferencesIdeographs) {
  expect_encodes(bert(), {{"a\U0002B740b", "a[0,1] \U0002B740[1,2] b[2,3]"},
                          {"\U0002B820", "\U0002B820[0,1]"},
                          {"a\U0002B820", "[UNK][0,2]"},
                          {"\uF900", "\u8C48[0,1]"}});
}

TEST(BertNormalizer, DecomposesCanonicallyAndLowercasesByCharacter) {
  expect_encodes(bert(), {{"Áb", "ab[0,2]"},
                          {"É.", "e[0,1] .[1,2]"},
                          {"가", "\u1100[0,1] ##\u1161[0,1]"},
                          {"ﬁ", "ﬁ[0,1]"},
                          {"①", "①[0,1]"},
                          {"İ", "i[0,1]"},
                          {"ẞ", "ß[0,1]"},
                          {"ΑΣ", "ασ[0,2]"}});
}

TEST(BertNormalizer, StripsAccentsOfItsOwnOrAsLowercaseDoes) {
  expect_encodes(bert({{"lowercase", false}}), {{"Ab É", "[UNK][0,2] É[3,4]"}, {"a É", "a[0,1] É[2,3]"}});
  expect_encodes(bert({{"strip_accents", false}}),
                 {{"É", "é[0,1]"}, {"İ", "i[0,1] ##\u0307[0,1]"}, {"Ä", "ä[0,1]"}});
  expect_encodes(bert({{"lowercase", false}, {"strip_accents", true}}), {{"É é", "[UNK][0,1] e[2,3]"}});
}

TEST(BertNormalizer, LeavesTextAloneWhenTold) {
  expect_encodes(bert({{"clean_text", false}, {"handle_chinese_chars", false}}),
                 {{"a\vb", "a[0,1] b[2,3]"}, {"a\u200Bb", "[UNK][0,3]"}, {"a\U0002B740b", "[UNK][0,3]"}});
}

TEST(WordPiece, SplitsAtPunctuation) {
  expect_encodes(bert(), {{"don’t", "don[0,3] ’[3,4] t[4,5]"}, {"a$b", "a[0,1] $[1,2] b[2,3]"}});
}

TEST(WordPiece, TakesTheLongestPiecesOrTheUnknownToken) {
  expect_encodes(
      bert(),
      {{"xxx", "x[0,1] ##x[1,2] ##x[2,3]"}, {"abb", "ab[0,2] ##b[2,3]"}, {"abq a", "[UNK][0,3] a[4,5]"}});
}

TEST(WordPiece, CountsTheCharactersOfAWordAfterNormalization) {
  const Tokenizer tokenizer = bert();
  std::string accents;
  for (int i = 0; i < 100; ++i) accents += "x\u0301";
  EXPECT_EQ(tokenizer.encode(std::string(100, 'x')).size(), 102U);
  EXPECT_EQ(tokenizer.encode(accents).size(), 102U);
  EXPECT_EQ(encoded(tokenizer, std::string(101, 'x')), "[UNK][0,101]");
}

TEST(Gpt2Pattern, CutsWordsAsTheReferenceDoes) {
  expect_encodes(Tokenizer(gpt2_demo()),
                 {{"I've I'Ve", "I[0,1] 've[1,4] ĠI[4,6] '[6,7] V[7,8] e[8,9]"},
                  {"it’s it\u02BCs", "it[0,2] âĢĻ[2,3] s[3,4] Ġit[4,7] Ê[7,8] ¼[7,8] s[8,9]"},
                  {"tail  ", "t[0,1] ail[1,4] Ġ[4,5] Ġ[5,6]"},
                  {"a  b", "a[0,1] Ġ[1,2] Ġb[2,4]"},
                  {"a \n b", "a[0,1] Ġ[1,2] Ċ[2,3] Ġb[3,5]"},
                  {"½ ² 12", "Â[0,1] ½[0,1] Ġ[1,2] Â[2,3] ²[2,3] Ġ1[3,5] 2[5,6]"},
                  {"a\u180Eb", "a[0,1] á[1,2] ł[1,2] İ[1,2] b[2,3]"},
                  {"日", "æ[0,1] Ĺ[0,1] ¥[0,1]"},
                  {"", ""}});
}

TEST(BytePair, MergesTheLowestRankFirst) {
  const std::vector<std::string> vocabulary = {"a", "b", "c", "ab", "bc", "abc", "Ġ", "Ġa", "<u>", "é"};
  const std::vector<EncodeCase> cases = {{"abc", "abc[0,3]"},
                                         {" abc", "Ġ[0,1] abc[1,4]"},
                                         {"aab", "a[0,1] ab[1,3]"},
                                         {" aab", "Ġa[0,2] ab[2,4]"}};
  expect_encodes(open(byte_level_tokenizer_json(vocabulary, {"b c", "a bc", "a b", "Ġ a"})), cases);
  const auto pairs = json::parse(R"([["b", "c"], ["a", "bc"], ["a", "b"], ["Ġ", "a"]])");
  expect_encodes(open(byte_level_tokenizer_json(vocabulary, pairs)), cases);
}

TEST(BytePair, MergesLongWordsAsItMergesShortOnes) {
  const Tokenizer tokenizer =
      open(byte_level_tokenizer_json({"a", "b", "aa", "aab", "ab"}, {"a a", "aa b", "a b"}));
  std::string text;
  for (int i = 0; i < 200; ++i) text += "aab";
  const Encoding encoding = tokenizer.encode(text);
  EXPECT_EQ(encoding.tokens, std::vector<std::string>(200, "aab"));
  EXPECT_EQ(encoding.offsets.back(), (std::array<std::uint32_t, 2>{597, 600}));
}

TEST(BytePair, LeavesOutMarksOrFusesWhatTheVocabularyCannotSpell) {
  json tokenizer = byte_level_tokenizer_json({"a", "b", "c", "ab", "bc", "abc", "Ġ", "Ġa", "<u>", "é"},
                                             {"b c", "a bc", "a b", "Ġ a"});
  // The reference adds up the lengths of what is left, so offsets shift.
  expect_encodes(open(tokenizer), {{"xabz", "ab[0,2]"}, {"a日a", "a[0,1] a[1,2]"}, {"é a", "Ġa[1,3]"}});
  tokenizer["model"]["unk_token"] = "<u>";
  expect_encodes(open(tokenizer),
                 {{"xxa", "<u>[0,1] <u>[1,2] a[2,3]"}, {"axyb", "a[0,1] <u>[1,2] <u>[2,3] b[3,4]"}});
  tokenizer["model"]["fuse_unk"] = true;
  expect_encodes(open(tokenizer), {{"xxa", "<u>[0,2] a[2,3]"}, {"axyb", "a[0,1] <u>[1,3] b[3,4]"}});
}

TEST(BytePair, TakesAKnownWordWholeWhenMergesAreIgnored) {
  json tokenizer = byte_level_tokenizer_json({"a", "b", "c", "bc", "abc"}, {"b c"});
  tokenizer["model"]["ignore_merges"] = true;
  expect_encodes(open(tokenizer), {{"abc", "abc[0,3]"}, {"aabc", "a[0,1] a[1,2] bc[2,4]"}});
}

TEST(BytePair, KnowsPrefixesAndSuffixes) {
  json tokenizer =
      byte_level_tokenizer_json({"a", "##b", "ab", "##c</w>", "##bc</w>", "abc</w>", "a</w>", "b"},
                                {"##b ##c</w>", "a ##bc</w>", "a ##b"});
  tokenizer["model"]["continuing_subword_prefix"] = "##";
  tokenizer["model"]["end_of_word_suffix"] = "</w>";
  expect_encodes(open(tokenizer), {{"abc", "abc</w>[0,3]"}, {"a", "a</w>[0,1]"}, {"aba", "ab[0,2]"}});
  tokenizer["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  expect_encodes(open(tokenizer), {{"abc a", "abc</w>[0,3] a</w>[4,5]"}, {"éabc", "##bc</w>[0,1]"}});
}

TEST(ByteLevel, AddsAPrefixSpaceAndTrimsOffsets) {
  json tokenizer = gpt2_demo_json();
  tokenizer["post_processor"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}};
  expect_encodes(open(tokenizer), {{" a  b ", "Ġa[0,2] Ġ[3,3] Ġb[4,5] Ġ[6,6]"},
                                   {"  a", "Ġ[0,0] Ġa[2,3]"},
                                   {"a \n", "a[0,1] Ġ[2,2] Ċ[2,3]"}});
  tokenizer["pre_tokenizer"]["add_prefix_space"] = true;
  expect_encodes(
      open(tokenizer),
      {{"a b", "Ġa[0,1] Ġb[2,3]"}, {" a", "Ġa[0,2]"}, {"  a", "Ġ[0,0] Ġa[2,3]"}, {"é", "Ġ[0,0] Ã©[0,1]"}});
  tokenizer["pre_tokenizer"]["use_regex"] = false;
  expect_encodes(open(tokenizer), {{"the cat", "Ġthe[0,3] Ġcat[4,7]"}});
}

TEST(AddedTokens, AreFoundBeforeNormalization) {
  expect_encodes(bert(), {{"[MASK] a", "[MASK][0,6] a[7,8]"},
                          {"a[SEP]b", "a[0,1] [SEP][1,6] b[6,7]"},
                          {"[mask]", "[UNK][0,1] [UNK][1,5] [UNK][5,6]"}});
  expect_encodes(Tokenizer(gpt2_demo()), {{"<|endoftext|> a", "<|endoftext|>[0,13] Ġa[13,15]"},
                                          {" <|endoftext|>", "Ġ[0,1] <|endoftext|>[1,14]"}});
}

TEST(AddedTokens, HonourTheirOptions) {
  json tokenizer = bert_tokenizer_json();
  tokenizer["added_tokens"] = {added_token("<l>", {{"lstrip", true}}),
                               added_token("<r>", {{"rstrip", true}}),
                               added_token("<w>", {{"single_word", true}}),
                               added_token("Ça", {{"normalized", true}}),
                               added_token("<r>x"),
                               added_token("ab", {{"special", true}})};
  const Tokenizer opened = open(tokenizer);
  expect_encodes(opened, {{"a  <l>  b", "a[0,1]   <l>[1,6] b[8,9]"},
                          {"a  <r>  b", "a[0,1] <r>  [3,8] b[8,9]"},
                          {"<r>\u3000\n<l>", "<r>\u3000\n[0,5] <l>[5,8]"},
                          {"a<w> <w> <w>_",
                           "a[0,1] [UNK][1,2] [UNK][2,3] [UNK][3,4] <w>[5,8] [UNK][9,10] [UNK][10,11] "
                           "[UNK][11,12] [UNK][12,13]"},
                          {"ÇA ca Ca", "ca[0,2] ca[3,5] ca[6,8]"},
                          {"<r>x", "<r>x[0,4]"},
                          {"<l><l>", "<l>[0,3] <l>[3,6]"},
                          {"cab", "c[0,1] ab[1,3]"},
                          {"<R>", "[UNK][0,1] [UNK][1,2] [UNK][2,3]"}});
  // Known contents keep the vocabulary's id; the others follow its last.
  EXPECT_EQ(opened.encode("<l>ab<r>").ids, (std::vector<std::int64_t>{2, 38, 6, 39, 3}));
  EXPECT_EQ(opened.vocabulary_size(), 43U);
}

TEST(Pairs, GetTypesAndSequenceNumbers) {
  const Encoding encoding = bert().encode("a b", "c");
  EXPECT_EQ(described(encoding), "*[CLS] a[0,1] b[2,3] *[SEP] c[0,1) *[SEP]");
  EXPECT_EQ(encoding.types, (std::vector<std::int64_t>{0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(encoding.sequence, (std::vector<std::int8_t>{-1, 0, 0, -1, 1, -1}));
  EXPECT_EQ(encoding.ids, (std::vector<std::int64_t>{2, 5, 8, 3, 9, 3}));
  const Encoding bare = Tokenizer(gpt2_demo()).encode("a", " b");
  EXPECT_EQ(described(bare), "a[0,1] Ġb[0,2)");
  EXPECT_EQ(bare.types, (std::vector<std::int64_t>{0, 1}));
}

TEST(Pairs, AreJoinedAsRobertaDoes) {
  json tokenizer = gpt2_demo_json();
  const json ends = {{"sep", {"!", 1}}, {"cls", {"#", 3}}};
  tokenizer["post_processor"] = {
      {"type", "RobertaProcessing"}, {"trim_offsets", true}, {"add_prefix_space", false}};
  tokenizer["post_processor"].update(ends);
  const Encoding roberta = open(tokenizer).encode(" a", "  b");
  EXPECT_EQ(described(roberta), "*# Ġa[1,2] *! *! Ġ[1,1) Ġb[2,3) *!");
  EXPECT_EQ(roberta.types, std::vector<std::int64_t>(7, 0));

  json step = {{"type", "BertProcessing"}};
  step.update(ends);
  tokenizer["post_processor"] = {
      {"type", "Sequence"},
      {"processors", {{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}}, step}}};
  const Encoding bert_like = open(tokenizer).encode(" a", "  b");
  EXPECT_EQ(described(bert_like), "*# Ġa[1,2] *! Ġ[1,1) Ġb[2,3) *!");
  EXPECT_EQ(bert_like.types, (std::vector<std::int64_t>{0, 0, 0, 1, 1, 1}));
}

TEST(Truncation, CutsTheLongerFirstFromTheRight) {
  struct Case {
    std::size_t limit;
    std::string first_shorter, first_longer, alone;
  };
  const Tokenizer tokenizer = bert();
  for (const Case& c :
       {Case{4, "*[CLS] *[SEP] a[0,1) *[SEP]", "*[CLS] a[0,1] *[SEP] *[SEP]", "*[CLS] a[0,1] b[2,3] *[SEP]"},
        Case{6, "*[CLS] a[0,1] *[SEP] a[0,1) b[2,3) *[SEP]", "*[CLS] a[0,1] b[2,3] *[SEP] a[0,1) *[SEP]",
             "*[CLS] a[0,1] b[2,3] c[4,5] *[SEP]"},
        Case{3, "*[CLS] *[SEP] *[SEP]", "*[CLS] *[SEP] *[SEP]", "*[CLS] a[0,1] *[SEP]"}}) {
    const EncodeOptions options = {.max_tokens = c.limit};
    EXPECT_EQ(described(tokenizer.encode("a b c", "a b c d", options)), c.first_shorter);
    EXPECT_EQ(described(tokenizer.encode("a b c d", "a b c", options)), c.first_longer);
    EXPECT_EQ(described(tokenizer.encode("a b c", std::nullopt, options)), c.alone);
  }
  EXPECT_EQ(error_of([&] { (void)tokenizer.encode("a", "b", {.max_tokens = 2}); }),
            "a limit of 2 tokens: the special tokens alone are 3");
}

TEST(Truncation, OfTheFileIsIgnored) { EXPECT_EQ(bert().encode("a b c d").size(), 6U); }

TEST(Labels, ShowWordPiecesAsAReaderWould) {
  json tokenizer = bert_tokenizer_json();
  tokenizer["added_tokens"].push_back(added_token("new one"));
  const Tokenizer opened = open(tokenizer);
  const std::vector<TokenLabel> expected = {{"", "[CLS]", true},  {"", "x"},       {"##", "x"},
                                            {"", "[MASK]", true}, {"", "new one"}, {"", "[SEP]", true}};
  EXPECT_EQ(opened.labels(opened.encode("xx[MASK] new one")), expected);
}

TEST(Labels, ShowBytesAndSpaces) {
  struct Case {
    std::string text;
    std::vector<TokenLabel> labels;
  };
  const Tokenizer tokenizer{gpt2_demo()};
  for (const Case& c :
       {Case{"é b", {{"", "é"}, {"␣", "b"}}}, Case{"日", {{"", "‹E6›"}, {"", "‹97›"}, {"", "‹A5›"}}},
        Case{"a \n", {{"", "a"}, {"␣", ""}, {"", "␊"}}},
        Case{"<|endoftext|>", {{"", "<|endoftext|>", true}}}}) {
    EXPECT_EQ(tokenizer.labels(tokenizer.encode(c.text)), c.labels) << c.text;
  }
  const Tokenizer spaces = open(byte_level_tokenizer_json({"Ġ", "ĠĠ"}, {"Ġ Ġ"}));
  EXPECT_EQ(spaces.labels(spaces.encode("  ")), (std::vector<TokenLabel>{{"␣", "␣"}}));
}

}  // namespace
}  // namespace attnviz::test
