// The normalizers and pre-tokenizers that a tokenizer.json may combine. Expected tokens and offsets are those
// of Hugging Face's tokenizers 0.23.3.
#include <gtest/gtest.h>

#include <functional>

#include "support/tokenizers.h"
#include "tokens/regex.h"

namespace attnviz::test {
namespace {

using nlohmann::json;

const json kBytes = {
    {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", false}};

/// Its words are bytes.
Tokenizer with_normalizer(const json& normalizer) {
  std::vector<std::string> bytes;
  for (char c = '!'; c <= '~'; ++c) bytes.emplace_back(1, c);
  for (const char* other : {"Ġ", "â", "ĸ", "ģ", "Ã", "©", "Ì", "ĩ"}) bytes.emplace_back(other);
  json tokenizer = byte_level_tokenizer_json(bytes, json::array());
  tokenizer["normalizer"] = normalizer;
  tokenizer["pre_tokenizer"] = kBytes;
  return open(tokenizer);
}

/// Each word is one unknown token.
Tokenizer with_pre_tokenizer(const json& pre_tokenizer) {
  json tokenizer = bert_tokenizer_json();
  tokenizer["normalizer"] = nullptr;
  tokenizer["pre_tokenizer"] = pre_tokenizer;
  tokenizer["model"]["vocab"] = {{"[UNK]", 0}};
  return open(tokenizer);
}

/// The words of a text, each as it is there, with a stroke between them.
std::string words_of(const json& pre_tokenizer, const std::string& text) {
  const Encoding encoding =
      with_pre_tokenizer(pre_tokenizer).encode(text, std::nullopt, {.special_tokens = false});
  std::vector<std::string> characters;
  for (std::size_t offset = 0; offset < text.size();) {
    characters.emplace_back();
    append_utf8(characters.back(), next_code_point(text, offset));
  }
  std::string words;
  for (const auto& [begin, end] : encoding.offsets) {
    if (!words.empty()) words += '|';
    for (std::size_t i = begin; i < end; ++i) words += characters[i];
  }
  return words;
}

json replace(const char* kind, const char* pattern, const char* content) {
  return {{"type", "Replace"}, {"pattern", {{kind, pattern}}}, {"content", content}};
}

json split(const std::string& pattern, const char* behavior = "Isolated", bool invert = false) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", behavior}, {"invert", invert}};
}

TEST(Normalizers, GiveCharactersOffsetsAsTheReferenceDoes) {
  struct Case {
    json normalizer;
    std::string text, expected;
  };
  const json prepend = {{"type", "Prepend"}, {"prepend", "_"}};
  for (const Case& c : {
           Case{{{"type", "NFD"}}, "é", "e[0,1] Ì[0,1] ģ[0,1]"},
           Case{{{"type", "NFC"}}, "e\u0301x", "Ã[0,1] ©[0,1] x[2,3]"},
           Case{{{"type", "NFKC"}}, "ﬁe\u0301", "f[0,1] i[0,1] Ã[1,2] ©[1,2]"},
           Case{{{"type", "NFKD"}}, "①½", "1[0,1] 1[1,2] â[1,2] ģ[1,2] 2[1,2]"},
           Case{{{"type", "Lowercase"}}, "AİÉ", "a[0,1] i[1,2] Ì[1,2] ĩ[1,2] Ã[2,3] ©[2,3]"},
           Case{{{"type", "StripAccents"}}, "e\u0301\u0903x", "e[0,1] x[3,4]"},
           Case{{{"type", "Nmt"}}, "a\u0001\u200B\tb", "a[0,1] Ġ[2,3] Ġ[3,4] b[4,5]"},
           Case{{{"type", "Strip"}, {"strip_left", true}, {"strip_right", false}},
                "\u3000a ",
                "a[1,2] Ġ[2,3]"},
           Case{prepend, "ab", "_[0,1] a[0,1] b[1,2]"},
           Case{prepend, "", ""},
           Case{replace("String", "ab", "xyz"), "cabab", "c[0,1] x[2,3] y[2,3] z[2,3] x[4,5] y[4,5] z[4,5]"},
           Case{replace("String", ".", ""), "a.b", "a[0,1] b[2,3]"},
           Case{replace("Regex", " {2,}", " "), "a   b c", "a[0,1] Ġ[3,4] b[4,5] Ġ[5,6] c[6,7]"},
           Case{{{"type", "Sequence"}, {"normalizers", {prepend, replace("String", "_a", "b")}}},
                "aa",
                "b[0,1] a[1,2]"},
       }) {
    EXPECT_EQ(encoded(with_normalizer(c.normalizer), c.text), c.expected) << c.normalizer;
  }
}

TEST(PreTokenizers, CutWhereTheReferenceDoes) {
  struct Case {
    json pre_tokenizer;
    std::string text, words;
  };
  const auto metaspace = [](const char* scheme, bool cuts) -> json {
    return {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme}, {"split", cuts}};
  };
  const json digits = {{"type", "Digits"}, {"individual_digits", false}};
  for (const Case& c : {
           Case{{{"type", "Whitespace"}}, "It's x_1…  é!?", "It|'|s|x_1|…|é|!?"},
           Case{{{"type", "WhitespaceSplit"}}, " It's\u3000x ", "It's|x"},
           Case{{{"type", "Punctuation"}}, "a!?b", "a|!|?|b"},
           Case{{{"type", "Punctuation"}, {"behavior", "Contiguous"}}, "a!?b", "a|!?|b"},
           Case{digits, "a12½b", "a|12½|b"},
           Case{{{"type", "Digits"}, {"individual_digits", true}}, "a12", "a|1|2"},
           Case{{{"type", "CharDelimiterSplit"}, {"delimiter", "é"}}, "aébéé", "a|b"},
           Case{metaspace("always", true), "a  bc d", "a| | bc| d"},
           Case{metaspace("never", false), " a b", " a b"},
           Case{{{"type", "Sequence"}, {"pretokenizers", {metaspace("always", true), digits}}},
                "a1 2",
                "a|1| |2"},
       }) {
    EXPECT_EQ(words_of(c.pre_tokenizer, c.text), c.words) << c.pre_tokenizer;
  }
}

TEST(Metaspace, IsPrependedAsItsSchemeSays) {
  json tokenizer = byte_level_tokenizer_json({"a", "b", "▁", "<x>"}, json::array());
  tokenizer["added_tokens"] = {added_token("<x>")};
  const auto with_scheme = [&](const char* scheme) {
    tokenizer["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme}};
    return open(tokenizer);
  };
  expect_encodes(with_scheme("always"),
                 {{"a<x>b", "▁[0,1] a[0,1] <x>[1,4] ▁[4,5] b[4,5]"}, {" a", "▁[0,1] a[1,2]"}});
  expect_encodes(with_scheme("first"),
                 {{"a<x>b", "▁[0,1] a[0,1] <x>[1,4] b[4,5]"}, {"<x>a", "<x>[0,3] a[3,4]"}});
  expect_encodes(with_scheme("never"), {{"a b", "a[0,1] ▁[1,2] b[2,3]"}});
}

TEST(Split, DoesWithMatchesWhatItsBehaviorSays) {
  struct Case {
    const char* behavior;
    std::string words, inverted;
  };
  for (const Case& c : {Case{"Removed", "the|final|countdown", "-|-|-"},
                        Case{"Isolated", "the|-|final|-|-|countdown", "the|-|final|-|-|countdown"},
                        Case{"MergedWithPrevious", "the-|final-|-|countdown", "the|-final|-|-countdown"},
                        Case{"MergedWithNext", "the|-final|-|-countdown", "the-|final-|-|countdown"},
                        Case{"Contiguous", "the|-|final|--|countdown", "the|-|final|--|countdown"}}) {
    EXPECT_EQ(words_of(split("-", c.behavior), "the-final--countdown"), c.words) << c.behavior;
    EXPECT_EQ(words_of(split("-", c.behavior, true), "the-final--countdown"), c.inverted) << c.behavior;
  }
}

TEST(Regex, CutsAsOnigurumaDoes) {
  const std::string llama3 =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
      "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  struct Case {
    std::string pattern, text, words;
  };
  for (const Case& c : {
           Case{llama3, "I'Ve 12345 x  y \n\n z!!\n", "I|'Ve| |123|45| x| | y| \n\n| z|!!\n"},
           Case{llama3, "it'ſ don’t", "it|'ſ| don|’t"},
           Case{"a+?b|c*+d", "aabccd", "aab|ccd"},
           Case{"[ab]{2,3}", "ababa", "aba|ba"},
           Case{"(?:ab|a)(?:bc)?", "abc", "ab|c"},
           Case{"(?:ab)++c|(?:ab){2}", "ababcabab", "ababc|abab"},
           Case{"a(?=b)|\\p{Lu}+(?!\\p{Ll})", "abaXYz", "a|ba|X|Yz"},
           Case{"[^\\S\\n]+|\\W\\D|\\x41\\u00e9", "a \nAé1", "a| |\nA|é1"},
           Case{"\\w\\w", "a²b½ⓐ1", "a²|b½|ⓐ1"},
           Case{"[\\w]+", "a²bⓐ1", "a|²|bⓐ1"},
           Case{"x$|é\\z", "x\nxéé", "x|\nxé|é"},
           Case{"(?i:k)[0-9\\-]", "\u212A1k-K\u00B2", "\u212A1|k-|K²"},
           Case{"a{|{,2}b", "a{bbb", "a{|bbb"},
           Case{" ?[^(\\s|[.,!?…])]+", "a (b,c). d", "a| (|b|,|c|).| d"},
           Case{"[a-z&&[^aeiou]&&[^x-z]]+", "stray fox", "str|ay |f|ox"},
           Case{"[^a[b-d]]+|[a-d&&b]", "xabcdx", "x|a|b|cd|x"},
           Case{"\\x{3b1}+|\\x{1F600}", "aα😀", "a|α|😀"},
       }) {
    EXPECT_EQ(words_of(split(c.pattern), c.text), c.words) << c.pattern;
  }
}

/// Without its hint.
std::string message_of(const std::function<void()>& action) {
  const std::string error = error_of(action);
  return error.substr(0, error.find('\n'));
}

TEST(Regex, RefusesWhatItDoesNotKnow) {
  struct Case {
    std::string pattern, part;
  };
  for (const Case& c : {Case{"^a", "\"^\" is not supported"},
                        Case{"(?<=a)b", "\"(?<=\" is not supported"},
                        Case{"\\p{Han}", "\"\\p{Han}\" is not supported"},
                        Case{"a*", "may match no character, which is not supported"},
                        Case{"(?:a*)+b", "repeats what may be empty"},
                        Case{"(a", "lacks a \")\""},
                        Case{"[a&&]", "\"&&]\" is not supported"},
                        Case{"(?i:[a&&b])", "\"(?i:[&&])\" is not supported"},
                        Case{"[a[:alpha:]]", "\"[:\" is not supported"},
                        Case{"[a[b]", "ends too early"},
                        Case{"[[a]-c]", "\"[a]-\" is not supported"},
                        Case{"\\x{110000}", "\"\\x{110000\" is not supported"},
                        Case{std::string(99, '[') + "a" + std::string(99, ']'), "nests too deeply"},
                        Case{"a{2}+", "\"}+\" is not supported"},
                        Case{"(?i:st)", "\"(?i: of letters that a ligature has\" is not supported"},
                        Case{"\\bx", "\"\\b\" is not supported"},
                        Case{"[a", "ends too early"},
                        Case{"b)", "\")\" is not supported"},
                        Case{"(?:(?:(?:){999}){999}){999}a", "repeats too much"},
                        Case{"(?:b(?:a{9}){999}){99}", "repeats too much"},
                        Case{std::string(99, '(') + "a" + std::string(99, ')'), "nests too deeply"},
                        Case{"a" + std::string(199, '?') + "b", "nests too deeply"},
                        Case{std::string(10001, 'a'), "is too long"},
                        Case{"[\\s-a]", "\"\\s-\" is not supported"},
                        Case{"a$?", "repeats a lookahead, which is not supported"},
                        Case{"[z-a]", "\"z-a\" is not supported"}}) {
    EXPECT_EQ(message_of([&] { (void)tokens::Regex(c.pattern); }),
              "pattern \"" + c.pattern + "\": " + c.part);
  }
  EXPECT_EQ(message_of([&] { (void)tokens::Regex("(?:a|aa)+b").find_all(std::string(200, 'a')); }),
            "pattern \"(?:a|aa)+b\": takes too many steps in a text of 200 bytes");
}

}  // namespace
}  // namespace attnviz::test
