/// What tests of files share: what a directory holds, and processes of their own.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

namespace attnviz::test {

/// In order.
std::vector<std::string> all_names_in(const std::filesystem::path& directory);

/// Runs `action` in a process of its own. The status is waitpid's: 0 when no expectation failed in it.
template <class Action>
int status_of_child(const Action& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    action();
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

/// From here on this process's file systems know no O_TMPFILE.
void forbid_unnamed_files();

}  // namespace attnviz::test
