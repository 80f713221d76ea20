#include "attnviz/error.h"

#include <gtest/gtest.h>

#include <vector>

namespace attnviz {
namespace {

TEST(Nearest, FindsTheWordThatWasMeant) {
  const std::vector<std::string> flags = {"--layer", "--head", "--model", "--dpi"};
  struct Case {
    std::string_view word, expected;
  };
  for (const Case& c : {Case{"--layr", "--layer"}, Case{"--haed", "--head"}, Case{"--model", "--model"},
                        Case{"--frobnicate", ""}, Case{"", ""}}) {
    EXPECT_EQ(nearest(c.word, flags), c.expected) << c.word;
  }
}

}  // namespace
}  // namespace attnviz
