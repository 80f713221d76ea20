#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/token_choice.h"
#include "support/support.h"

namespace attnviz {
namespace {

using cli::find_token;
using test::error_of;

const std::vector<TokenLabel> kLabels = {
    {"", "[CLS]", true}, {"", "The", false},   {"␣", "bank", false}, {"", "C", false},
    {"", "#", false},    {"##", "ing", false}, {"", "bank", false},  {"", "7", false},
    {"##", "7", false},  {"", "C#", false},    {"", "the", false},   {"", "#", false},
};

TEST(FindToken, TakesAPositionOrATokenAsItIsWritten) {
  struct Case {
    std::string given;
    std::size_t token;
  };
  for (const auto& [given, token] : {
           Case{"0", 0},
           Case{"11", 11},
           Case{"03", 3},
           Case{"[CLS]", 0},
           Case{"bank", 2},
           Case{"␣bank", 2},
           Case{"bank#1", 2},
           Case{"bank#2", 6},
           Case{"␣bank#1", 2},
           Case{"ing", 5},
           Case{"##ing", 5},
           Case{"C", 3},
           Case{"C#", 9},
           Case{"C#1", 3},
           Case{"C##1", 9},
           Case{"#", 4},
           Case{"##2", 11},
       }) {
    EXPECT_EQ(find_token({"--token", given}, kLabels), token) << given;
  }
}

TEST(FindToken, MindsTheCaseOnlyWhereATokenIsWrittenSo) {
  struct Case {
    std::string given;
    std::size_t token;
  };
  for (const auto& [given, token] : {Case{"The", 1}, Case{"the", 10}, Case{"THE", 1}, Case{"THE#2", 10},
                                     Case{"Bank#2", 6}, Case{"[cls]", 0}, Case{"##ING", 5}, Case{"c#", 9}}) {
    EXPECT_EQ(find_token({"--token", given}, kLabels), token) << given;
  }
}

TEST(FindToken, TakesDigitsForAPositionUnlessANumberFollows) {
  EXPECT_EQ(find_token({"--token", "7"}, kLabels), 7U);
  EXPECT_EQ(find_token({"--token", "7#1"}, kLabels), 7U);
  EXPECT_EQ(find_token({"--token", "7#2"}, kLabels), 8U);
  EXPECT_EQ(find_token({"--token", "##7"}, kLabels), 8U);
  EXPECT_EQ(find_token({"--token", "##7#1"}, kLabels), 8U);
}

TEST(FindToken, SaysWhatThereIsInPlaceOfWhatIsNot) {
  struct Case {
    std::string given, error;
  };
  const std::string expected = ": expected a token of the text, or its position from 0 to 11";
  const std::string listing = "\n  hint: attnviz tokens \"…\" lists a text's tokens";
  for (const auto& [given, error] : {
           Case{"12", "--token 12: expected a position from 0 to 11"},
           Case{"bank#3", "--token bank#3: expected #1 to #2"},
           Case{"bank#0", "--token bank#0: expected #1 to #2"},
           Case{"ing#2", "--token ing#2: expected #1, the only one"},
           Case{"bnak", "--token bnak" + expected + "\n  hint: did you mean bank?"},
           Case{"bnak#2", "--token bnak#2" + expected + "\n  hint: did you mean bank?"},
           Case{"river", "--token river" + expected + listing},
           Case{"-1", "--token -1" + expected + listing},
           Case{"bank#x", "--token bank#x" + expected + "\n  hint: did you mean bank?"},
           Case{"99999999999999999999999", "--token 99999999999999999999999" + expected + listing},
       }) {
    EXPECT_EQ(error_of([&] { (void)find_token({"--token", given}, kLabels); }), error);
  }
  const std::vector<TokenLabel> year = {{"", "in", false}, {"␣", "1984", false}};
  EXPECT_EQ(error_of([&] {
              (void)find_token({"--token", "1984"}, year);
            }),
            "--token 1984: expected a position from 0 to 1\n  hint: the token that is written so is 1984#1");
  EXPECT_EQ(find_token({"--token", "1984#1"}, year), 1U);
}

}  // namespace
}  // namespace attnviz
