#include "tokens/unicode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace attnviz::unicode {
namespace {

struct Membership {
  const char* name;
  bool (*contains)(char32_t);
  std::u32string members, others;
};

TEST(Unicode, ClassifiesWhereVersionsAndDefinitionsDiffer) {
  for (const Membership& c : {
           // Unassigned U+0378 stays; U+180E is a format character; U+08E2 and U+E0002 came later or never.
           Membership{"control",
                      is_control,
                      {0, 0x01, 0x0B, 0x0C, 0x7F, 0x85, 0xAD, 0x061C, 0x180E, 0x200B, 0x200D, 0xE000, 0xFEFF,
                       0xFFFD, 0xE0001, 0xF0000, 0x10FFFD},
                      {'\t', '\n', '\r', ' ', 'a', 0xA0, 0x0378, 0x08E2, 0x2028, 0xFFFF, 0xE0002, 0x10FFFF}},
           Membership{"whitespace",
                      is_whitespace,
                      {'\t', 0x0B, '\r', ' ', 0x85, 0xA0, 0x1680, 0x2000, 0x200A, 0x2028, 0x2029, 0x202F,
                       0x205F, 0x3000},
                      {0, 0x1C, 0x180E, 0x200B, 0x2060, 0xFEFF}},
           // U+2E43 and U+1E95E are punctuation only since Unicode 9.0.
           Membership{"punctuation",
                      is_punctuation,
                      {'!', '$', '+', '`', '~', 0xA1, 0xB7, 0x2019, 0x2E42, 0x3001, 0xFF01},
                      {'0', ' ', 0xA2, 0xB4, 0x2E43, 0x1E95E}},
           // U+0903 is a spacing mark, U+20DD an enclosing one, U+1AC0 came with Unicode 13.0.
           Membership{"nonspacing mark",
                      is_nonspacing_mark,
                      {0x0300, 0x0345, 0x036F, 0x0591, 0x093C, 0x302A, 0xFE0F, 0x1D167, 0xE0100},
                      {'a', 0x0903, 0x1AC0, 0x20DD}},
           Membership{"cjk",
                      is_cjk,
                      {0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0xF900, 0xFAFF, 0x20000, 0x2A6DF, 0x2A700, 0x2B740,
                       0x2B81F, 0x2B920, 0x2CEAF, 0x2F800, 0x2FA1F},
                      {0x3042, 0x33FF, 0x4DC0, 0xA000, 0xAC00, 0x2A6E0, 0x2B820, 0x2B91F, 0x2CEB0, 0x30000}},
           // U+A7CB, U+1C89 and U+10D4A came with Unicode 16.0, U+A7CE with 17.0.
           Membership{"letter",
                      is_letter,
                      {'A', 'z', 0xAA, 0x02BC, 0x1C89, 0x4E00, 0xA7CB, 0xAC00, 0x10D4A, 0x31350},
                      {'0', '_', 0x0300, 0x2019, 0x24B6, 0xA7CE}},
           Membership{"number",
                      is_number,
                      {'0', '9', 0xB2, 0xBD, 0x0660, 0x2160, 0x2460, 0x3007, 0x10D40, 0x1F100},
                      {'a', 0x4E00, 0x20E3}},
           // U+24B6 is a symbol but alphabetic; U+200C and U+200D join.
           Membership{
               "word",
               is_word,
               {'a', '5', '_', 0x0301, 0x0903, 0x200C, 0x200D, 0x203F, 0x20DD, 0x2160, 0x24B6, 0x10D4A},
               {' ', '-', 0xB2, 0xBD, 0x200B, 0x2460, 0xA7CE}},
       }) {
    for (const char32_t member : c.members) {
      EXPECT_TRUE(c.contains(member)) << c.name << " " << std::hex << static_cast<std::uint32_t>(member);
    }
    for (const char32_t other : c.others) {
      EXPECT_FALSE(c.contains(other)) << c.name << " " << std::hex << static_cast<std::uint32_t>(other);
    }
  }
}

TEST(Unicode, CountsItsClassesOverAllScalars) {
  const auto count = [](bool (*contains)(char32_t)) {
    int members = 0;
    for (char32_t c = 0; c <= 0x10FFFF; ++c) members += (c < 0xD800 || c > 0xDFFF) && contains(c);
    return members;
  };
  EXPECT_EQ(count(is_whitespace), 25);
  EXPECT_EQ(count(is_control), 65 - 3 + 150 + 137468 + 1);  // Cc without tab, LF, CR; Cf; Co; U+FFFD
}

TEST(Unicode, DecomposesToTheEnd) {
  struct Case {
    char32_t code_point;
    std::u32string expected;
  };
  for (const Case& c :
       {Case{'a', U"a"}, Case{0xE9, U"e\u0301"}, Case{0x01D5, U"U\u0308\u0304"},
        Case{0x1FA7, U"\u03C9\u0314\u0342\u0345"}, Case{0x0344, U"\u0308\u0301"}, Case{0x212B, U"A\u030A"},
        Case{0xF900, U"\u8C48"}, Case{0x2FA1D, U"\U0002A600"}, Case{0xAC00, U"\u1100\u1161"},
        Case{0xD7A3, U"\u1112\u1175\u11C2"}, Case{0xFB01, U"\uFB01"},  // compatibility only
        Case{0x11938, U"\U00011938"}}) {                               // since Unicode 13.0
    std::u32string text = U"x";
    append_decomposition(text, c.code_point);
    EXPECT_EQ(text, U"x" + c.expected) << std::hex << static_cast<std::uint32_t>(c.code_point);
  }
}

TEST(Unicode, KnowsTheOrderOfMarks) {
  struct Case {
    char32_t code_point;
    int expected;
  };
  for (const Case& c : {Case{'a', 0}, Case{0xE9, 0}, Case{0x0300, 230}, Case{0x0316, 220}, Case{0x0334, 1},
                        Case{0x0345, 240}, Case{0x0591, 220}, Case{0x094D, 9}, Case{0x3099, 8},
                        Case{0x1E94A, 7}, Case{0x1DF9, 0}}) {  // U+1DF9 came after Unicode 9.0
    EXPECT_EQ(combining_class(c.code_point), c.expected)
        << std::hex << static_cast<std::uint32_t>(c.code_point);
  }
}

TEST(Unicode, LowersOneCharacterToOne) {
  struct Case {
    char32_t code_point, expected;
  };
  for (const Case& c :
       {Case{'A', 'a'}, Case{'[', '['}, Case{0xC0, 0xE0}, Case{0xD7, 0xD7}, Case{0x0100, 0x0101},
        Case{0x0101, 0x0101}, Case{0x0130, 'i'}, Case{0x03A3, 0x03C3}, Case{0x1E9E, 0xDF}, Case{0x212A, 'k'},
        Case{0x13A0, 0xAB70}, Case{0xA7CE, 0xA7CF}, Case{0x16EA0, 0x16EBB}, Case{0x1E921, 0x1E943}}) {
    EXPECT_EQ(lowercase(c.code_point), c.expected) << std::hex << static_cast<std::uint32_t>(c.code_point);
  }
}

}  // namespace
}  // namespace attnviz::unicode
