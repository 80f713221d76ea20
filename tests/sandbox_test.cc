#include "attnviz/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <thread>
#include <vector>

#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

bool has_landlock() { return sandbox_state().starts_with("Landlock"); }

/// The errno that `action` leaves in a process that has confined itself to `writable`; 0: it is done.
int confined(const std::vector<fs::path>& writable, const std::function<bool()>& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    confine(Sandbox::require, writable);
    errno = 0;
    ::_exit(action() ? 0 : errno);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool writes(const fs::path& path) { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600) >= 0; }

bool connects(std::uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

TEST(Sandbox, LetsFilesChangeOnlyWhereTheyMay) {
  if (!has_landlock()) GTEST_SKIP() << sandbox_state();
  const test::TemporaryDirectory directory;
  fs::create_directory(directory / "in");
  test::write(directory / "old", "old");
  const fs::path in = directory / "in", old = directory / "old";
  struct Case {
    const char* what;
    std::function<bool()> action;
    int fault;
  };
  for (const Case& c : std::vector<Case>{
           {"a new file inside", [&] { return writes(in / "x"); }, 0},
           {"a device", [] { return writes("/dev/null"); }, 0},
           {"a new file outside", [&] { return writes(directory / "x"); }, EACCES},
           {"an old file outside", [&] { return writes(old); }, EACCES},
           {"cutting it", [&] { return ::truncate(old.c_str(), 0) == 0; }, EACCES},
           {"removing it", [&] { return ::unlink(old.c_str()) == 0; }, EACCES},
           {"taking it inside", [&] { return ::rename(old.c_str(), (in / "old").c_str()) == 0; }, EACCES},
           {"a directory outside", [&] { return ::mkdir((directory / "d").c_str(), 0700) == 0; }, EACCES},
           {"a link outside", [&] { return ::symlink("x", (directory / "l").c_str()) == 0; }, EACCES},
           {"outside by the way of inside", [&] { return writes(in / "../x"); }, EACCES},
           {"in a thread",
            [&] {
              int fault = 0;
              std::thread([&] { fault = writes(old) ? 0 : errno; }).join();
              errno = fault;
              return fault == 0;
            },
            EACCES},
           {"reading", [&] { return ::open(old.c_str(), O_RDONLY) >= 0; }, 0}}) {
    EXPECT_EQ(confined({in}, c.action), c.fault) << c.what;
  }
}

TEST(Sandbox, RunsNothingAndSpeaksToNobody) {
  if (!has_landlock()) GTEST_SKIP() << sandbox_state();
  const bool tcp = sandbox_state().find("TCP") != std::string::npos;
  const bool signals = sandbox_state().find("signals") != std::string::npos;
  EXPECT_EQ(confined({}, [] { return ::execl("/bin/true", "true", nullptr) == 0; }), EACCES);
  if (tcp) {
    EXPECT_EQ(confined({}, [] { return connects(9); }), EACCES);
  }
  if (signals) {
    EXPECT_EQ(confined({}, [] { return ::kill(::getppid(), 0) == 0; }), EPERM);
  }
}

TEST(Sandbox, OffGivesNothingUp) {
  const test::TemporaryDirectory directory;
  confine(Sandbox::off, {});
  EXPECT_TRUE(writes(directory / "x"));
}

}  // namespace
}  // namespace attnviz
