#include "attnviz/text.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "support/support.h"

namespace attnviz {
namespace {

using namespace std::string_literals;

TEST(ValidUtf8, KeepsWellFormedTextAsItIs) {
  for (const std::string& text :
       {""s, "plain"s, "\0in the middle"s, "é\u0800\uFFFF\U00010000\U0010FFFF"s, "\xEF\xBB\xBFmark"s}) {
    EXPECT_EQ(valid_utf8(text, InvalidUtf8::fail, "text"), text);
  }
}

TEST(ValidUtf8, NamesTheFirstBadByte) {
  struct Case {
    std::string bytes, message;
  };
  for (const Case& c : {
           Case{"abc\xFF", "text: not UTF-8 at byte 3 (0xFF)"},
           Case{"\x80", "text: not UTF-8 at byte 0 (0x80)"},
           Case{"é\xC3", "text: not UTF-8 at byte 2 (0xC3)"},
           Case{"\xC0\xAF", "text: not UTF-8 at byte 0 (0xC0)"},          // overlong
           Case{"\xED\xA0\x80", "text: not UTF-8 at byte 0 (0xED)"},      // a surrogate
           Case{"\xF4\x90\x80\x80", "text: not UTF-8 at byte 0 (0xF4)"},  // past U+10FFFF
       }) {
    EXPECT_EQ(test::error_of([&] { (void)valid_utf8(c.bytes, InvalidUtf8::fail, "text"); }),
              c.message + "\n  hint: convert it to UTF-8, or use --invalid-utf8 replace");
  }
}

// The examples of Unicode 15, tables 3-8 to 3-11.
TEST(ValidUtf8, ReplacesEachMaximalSubpart) {
  struct Case {
    std::string bytes, text;
  };
  for (const Case& c : {
           Case{"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA"},
           Case{"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA"},
           Case{"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\uFFFD\uFFFDB"},
           Case{"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", "\uFFFD\uFFFD\uFFFD\uFFFDA"},
       }) {
    EXPECT_EQ(valid_utf8(c.bytes, InvalidUtf8::replace, "text"), c.text);
  }
}

TEST(CodePoints, AreWrittenAsTheyAreRead) {
  std::string text;
  std::size_t offset = 0, count = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    append_utf8(text, c);
    ASSERT_EQ(next_code_point(text, offset), c);
    ++count;
  }
  EXPECT_EQ(offset, text.size());
  EXPECT_EQ(count_code_points(text), count);
  EXPECT_EQ(find_invalid_utf8(text), std::string::npos);
}

TEST(Visible, ShowsWhatWouldActOrHide) {
  struct Case {
    std::string text, shown;
  };
  for (const Case& c : {
           Case{"bank", "bank"},
           Case{"a\tb\nc\x1B[31m\x7F", "a␉b␊c␛[31m␡"},
           Case{"\u0085\u202E\uFEFF", "‹U+0085›‹U+202E›‹U+FEFF›"},
           Case{"\u2028\U0001FFFE", "‹U+2028›‹U+1FFFE›"},
           Case{"می\u200Cخواهم 👩\u200D🚀 é", "می\u200Cخواهم 👩\u200D🚀 é"},
           Case{"a\xF0", "a\uFFFD"},
           Case{"\x1B\xFF\xE2\x82", "␛\uFFFD\uFFFD"},
       }) {
    EXPECT_EQ(visible(c.text), c.shown);
  }
}

/// For the address sanitizer: exactly so many bytes are there.
TEST(NextCodePoint, ReadsNothingBehindTheEnd) {
  for (const std::string bytes : {"\xF0", "\xF0\x9F", "\xE2\x82", "\xC3", "\xFF"}) {
    const std::vector<char> exact(bytes.begin(), bytes.end());
    std::size_t offset = 0;
    std::ignore = next_code_point({exact.data(), exact.size()}, offset);
    EXPECT_EQ(offset, exact.size());
  }
}

}  // namespace
}  // namespace attnviz
