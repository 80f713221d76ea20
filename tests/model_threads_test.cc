#include <gtest/gtest.h>
#include <sched.h>

#include "model/torch/threads.h"
#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using test::TemporaryDirectory;

TEST(ProcessorQuota, IsTheLeastOfAGroupAndOfThoseItIsIn) {
  struct Case {
    std::string outermost, middle, own;
    std::optional<int> expected;
  };
  for (const Case& c : {
           Case{"", "", "", std::nullopt},
           Case{"", "", "max 100000", std::nullopt},
           Case{"", "", "200000 100000", 2},
           Case{"", "", "150000 100000", 2},
           Case{"", "", "1000 100000", 1},
           Case{"", "300000 100000", "max 100000", 3},
           Case{"100000 50000", "300000 100000", "800000 100000", 2},
           Case{"", "nonsense", "4 0", std::nullopt},
           Case{"", "", "1e300 1", 1 << 20},
       }) {
    const TemporaryDirectory tree;
    fs::create_directories(tree / "user.slice" / "job");
    for (const auto& [place, text] : {std::pair("", c.outermost), std::pair("user.slice", c.middle),
                                      std::pair("user.slice/job", c.own)}) {
      if (!text.empty()) test::write(tree.path() / place / "cpu.max", text + "\n");
    }
    EXPECT_EQ(processor_quota(tree.path(), "/user.slice/job"), c.expected) << c.own;
  }
}

TEST(UsableCores, AreAmongTheProcessorsThatTheProcessMayRunOn) {
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  EXPECT_GE(usable_cores(), 1);
  EXPECT_LE(usable_cores(), CPU_COUNT(&allowed));
}

}  // namespace
}  // namespace attnviz
