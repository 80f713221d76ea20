#include <gtest/gtest.h>

#include <numeric>

#include "support/tokenizers.h"

namespace attnviz::test {
namespace {

/// The words' labels, parted by bars.
std::string shown_words(const Tokenizer& tokenizer, std::string_view text,
                        std::optional<std::string_view> pair = std::nullopt) {
  const Encoding encoding = tokenizer.encode(text, pair);
  const std::vector<TokenGroup> groups = words(encoding, text, pair);
  std::string shown;
  for (const TokenLabel& label : group_labels(encoding, tokenizer.labels(encoding), groups, text, pair)) {
    shown += (shown.empty() ? "" : "|") + label.whole();
  }
  return shown;
}

struct WordsCase {
  std::string text, expected;
};

void expect_words(const Tokenizer& tokenizer, const std::vector<WordsCase>& cases) {
  for (const WordsCase& c : cases)
    EXPECT_EQ(shown_words(tokenizer, c.text), c.expected) << '"' << c.text << '"';
}

/// As Python does, without special tokens.
Tokenizer bert() {
  nlohmann::json tokenizer = bert_tokenizer_json();
  tokenizer.erase("post_processor");
  return open(tokenizer);
}

TEST(Words, ArePutTogetherOfGpt2sPieces) {
  expect_words(Tokenizer(gpt2_demo()),
               {{"The bank can refuse to lend money.", "The|␣bank|␣can|␣refuse|␣to|lend|␣money|."},
                {"unbelievable tokenization", "unbelievable|tokenization"},
                {"don't can’t 'tis James's dogs'", "don't|can’t|␣'|tis|James's|␣dogs|'"},
                {"well-known 3.14 1,000, x_y", "well|-|known|3.14|1,000|,|x_y"},
                {"Wait... \"No.\" (?!)", "Wait|...|␣\"|No|.\"|(?!)"},
                {"$5 50% 5°C", "$|5|50|%|5|°|C"},
                {"", ""}});
}

TEST(Words, KeepTheBytesOfOneCharacterTogether) {
  expect_words(Tokenizer(gpt2_demo()), {{"日本語 中a", "日|本|語|中|a"},
                                        {"ひらがな", "ひらがな"},
                                        {"a日b", "a|日|b"},
                                        {"नमस्ते दुनिया", "नमस्ते|दुनिया"},
                                        {"e\u0301te\u0301 Ὀδυσσεύς", "e\u0301te\u0301|Ὀδυσσεύς"},
                                        {"👩‍👩‍👧 hi👍🏽!", "👩‍👩‍👧|hi|👍🏽!"},
                                        {"a\uFFFDb", "a\uFFFDb"}});
}

TEST(Words, TakeTheSpacesBeforeThemButNoLineEnds) {
  expect_words(Tokenizer(gpt2_demo()), {{"a  b", "a|b"},
                                        {"a \u00A0\u3000b ", "a|b|␣"},
                                        {"\tif x", "if|x"},
                                        {"a\n\nb", "a|␊|␊|b"},
                                        {"a \n b", "a|␣|␊|␣b"},
                                        {"a\u2028b", "a|‹E2›‹80›‹A8›|b"}});
}

TEST(Words, ArePutTogetherOfWordPieces) {
  expect_words(bert(), {{"abb xx", "abb|xx"},
                        {"don't don’t d'", "don't|don’t|d|'"},
                        {"a.b. ...", "a|.|b|.|..."},
                        {"áb\u0301b", "áb\u0301b"},
                        {"a\u200Bb\u00ADb", "a‹U+200B›b‹U+00AD›b"},
                        {"\U0002B740\U0002B740b", "\U0002B740|\U0002B740|b"},
                        {"x\vx.\vx", "x␋x|.|x"},
                        {"## #x", "##|[UNK]|x"}});
}

TEST(Words, LeaveSpecialTokensAlone) {
  const Tokenizer tokenizer = open(bert_tokenizer_json());
  EXPECT_EQ(shown_words(tokenizer, "abb[MASK].", "[SEP]abb"), "[CLS]|abb|[MASK]|.|[SEP]|[SEP]|abb|[SEP]");
  expect_words(Tokenizer(gpt2_demo()), {{"<|endoftext|>.", "<|endoftext|>|."},
                                        {"a <|endoftext|><|endoftext|>", "a|␣|<|endoftext|>|<|endoftext|>"}});
}

TEST(Words, NeverReachFromOneTextIntoTheOther) {
  const Tokenizer tokenizer(gpt2_demo());
  EXPECT_EQ(shown_words(tokenizer, "un", "believable"), "un|believable");
  EXPECT_EQ(shown_words(tokenizer, "a ", "b"), "a|␣|b");
}

TEST(Words, AreTheSameWhereOffsetsLeaveOutSpaces) {
  nlohmann::json trimming = gpt2_demo_json();
  trimming["post_processor"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}};
  const Tokenizer with(gpt2_demo()), without = open(trimming);
  for (const char* text : {"The bank, unbelievable 日本 don't", "  a   b\n\n c\u00A0d ", " é 's"}) {
    EXPECT_EQ(words(with.encode(text), text), words(without.encode(text), text)) << text;
  }
}

TEST(TypedTokens, AreTheSpecialTokensThatTheTextSpells) {
  const Encoding encoding = open(bert_tokenizer_json()).encode("a[MASK]", "[SEP]q");
  EXPECT_EQ(described(encoding), "*[CLS] a[0,1] [MASK][1,7] *[SEP] [SEP][0,5) [UNK][5,6) *[SEP]");
  EXPECT_EQ(encoding.typed, (std::vector<std::uint8_t>{0, 0, 1, 0, 1, 0, 0}));
}

/// The aligned groups, each as the characters it has in both: "first=second".
std::string aligned(const Tokenizer& first, const Tokenizer& second, std::string_view text,
                    std::optional<std::string_view> pair = std::nullopt, std::size_t most = 0) {
  const Encoding ours = first.encode(text, pair), theirs = second.encode(text, pair, {.max_tokens = most});
  const Alignment alignment = align(ours, theirs, text, pair);
  EXPECT_EQ(alignment.first.size(), alignment.second.size());
  const auto our = group_labels(ours, first.labels(ours), alignment.first, text, pair);
  const auto their = group_labels(theirs, second.labels(theirs), alignment.second, text, pair);
  std::string shown;
  for (std::size_t i = 0; i < our.size(); ++i) {
    shown += (shown.empty() ? "" : "|") + our[i].text;
    if (our[i].text != their[i].text) shown += "=" + their[i].text;
  }
  return shown;
}

TEST(Alignment, FindsTheSameWordsInBoth) {
  const Tokenizer gpt2(gpt2_demo()), bert_like = open(bert_tokenizer_json());
  for (const WordsCase& c : std::vector<WordsCase>{{"abb don't.", "abb|don't|."},
                                                   {"a\n\nb ", "a|b"},
                                                   {"a[MASK]. b", "a|[MASK].|b"},
                                                   {"5°C a", "5°C=[UNK]|a"},
                                                   {"x\vx b", "x␋x|b"},
                                                   {"é\u0301 \u200B ab", "é\u0301=e|ab"},
                                                   {"\u200B", ""}}) {
    EXPECT_EQ(aligned(gpt2, bert_like, c.text), c.expected) << c.text;
  }
  EXPECT_EQ(aligned(bert_like, gpt2, "5°C a"), "[UNK]=5°C|a");
}

TEST(Alignment, TakesTextsOfAPairByThemselvesAndLeavesOutWhatWasCut) {
  const Tokenizer bert_like = open(bert_tokenizer_json());
  EXPECT_EQ(aligned(bert_like, bert_like, "a b", "b"), "a|b|b");
  EXPECT_EQ(aligned(bert_like, bert_like, "a b", "ab b c", 6), "a|ab|b");
  EXPECT_EQ(aligned(bert_like, bert_like, "a b c d", std::nullopt, 4), "a|b");
}

}  // namespace
}  // namespace attnviz::test
