#include "attnviz/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/random.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/file.h"
#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

bool has_landlock() {
  return sandbox_state().starts_with("Landlock") && sandbox_state().find("no seccomp") == std::string::npos;
}

/// The errno that `action` leaves in a process that has confined itself to `writable`; 0: it is done.
int confined(const std::vector<fs::path>& writable, const std::function<bool()>& action,
             const std::function<void()>& before = [] {}) {
  const pid_t child = ::fork();
  if (child == 0) {
    before();
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
           {"what takes all words", [] { return writes("/dev/null"); }, 0},
           {"another device", [] { return writes("/dev/ptmx"); }, EACCES},
           {"a new file outside", [&] { return writes(directory / "x"); }, EACCES},
           {"an old file outside", [&] { return writes(old); }, EACCES},
           {"cutting it", [&] { return ::truncate(old.c_str(), 0) == 0; }, EPERM},
           {"removing it", [&] { return ::unlink(old.c_str()) == 0; }, EACCES},
           {"taking it inside", [&] { return ::rename(old.c_str(), (in / "old").c_str()) == 0; }, EACCES},
           {"a directory outside", [&] { return ::mkdir((directory / "d").c_str(), 0700) == 0; }, EACCES},
           {"a directory inside", [&] { return ::mkdir((in / "d").c_str(), 0700) == 0; }, 0},
           {"a link inside", [&] { return ::symlink("../old", (in / "l").c_str()) == 0; }, EACCES},
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

/// A program in memory, which no rule for files concerns.
bool runs_from_memory() {
  const int memory = ::memfd_create("true", 0);
  const int program = ::open("/bin/true", O_RDONLY);
  std::array<char, 4096> piece{};
  for (ssize_t size = 0; (size = ::read(program, piece.data(), piece.size())) > 0;)
    std::ignore = ::write(memory, piece.data(), static_cast<std::size_t>(size));
  std::array<char*, 1> none{};
  return ::fexecve(memory, none.data(), none.data()) == 0;
}

/// As the kernel gets it, with what a caller may leave in the upper half of an argument.
bool controls(unsigned long request) { return ::syscall(SYS_ioctl, 0, request, 0) == 0; }

/// A process of its own, where `flags` say nothing else.
bool starts(long flags) {
  const long process = ::syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (process == 0) ::_exit(0);
  return process > 0;
}

bool starts_at_once() {
  const pid_t process = ::vfork();
  if (process == 0) ::_exit(0);
  return process > 0;
}

bool has_a_pair(int type) {
  std::array<int, 2> ends{};
  return ::socketpair(AF_UNIX, type, 0, ends.data()) == 0;
}

/// What connects without connect().
bool connects_with_what_it_sends(int socket) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::sendto(socket, "x", 1, MSG_FASTOPEN, reinterpret_cast<const sockaddr*>(&address),
                  sizeof address) == 1;
}

TEST(Sandbox, RunsNothingSpeaksToNobodyAndAltersNothingElse) {
  if (!has_landlock()) GTEST_SKIP() << sandbox_state();
  const test::TemporaryDirectory directory;
  test::write(directory / "old", "old");
  const std::string old = directory / "old";
  constexpr unsigned long kUpper = 1UL << 32;
  const int opened = ::socket(AF_INET, SOCK_STREAM, 0);
  struct Case {
    const char* what;
    std::function<bool()> action;
  };
  for (const Case& c : std::vector<Case>{
           {"a program", [] { return ::execl("/bin/true", "true", nullptr) == 0; }},
           {"a program in memory", runs_from_memory},
           {"TCP", [] { return connects(9); }},
           {"UDP", [] { return ::socket(AF_INET6, SOCK_DGRAM, 0) >= 0; }},
           {"TCP by an open socket", [&] { return connects_with_what_it_sends(opened); }},
           {"UNIX datagrams", [] { return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0; }},
           {"UNIX datagrams by a pair", [] { return has_a_pair(SOCK_DGRAM); }},
           {"UNIX datagrams by another name", [] { return has_a_pair(SOCK_RAW); }},
           {"a UNIX socket",
            [] {
              const sockaddr_un address = {AF_UNIX, "/run/socket"};
              return ::connect(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
                               reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
            }},
           {"a signal", [] { return ::kill(::getppid(), 0) == 0; }},
           {"a signal to all", [] { return ::kill(-1, 0) == 0; }},
           {"another's signals", [] { return ::fcntl(0, F_SETOWN, ::getppid()) == 0; }},
           {"another's limits",
            [] {
              rlimit limit = {};
              return ::prlimit(::getppid(), RLIMIT_CPU, nullptr, &limit) == 0;
            }},
           {"another's turn", [] { return ::setpriority(PRIO_PROCESS, ::getppid(), 0) == 0; }},
           {"another's memory", [] { return ::ptrace(PTRACE_ATTACH, ::getppid(), 0, 0) == 0; }},
           {"a mode", [&] { return ::chmod(old.c_str(), 0600) == 0; }},
           {"a mode by number", [&] { return ::fchmod(::open(old.c_str(), O_RDONLY), 0600) == 0; }},
           {"an owner", [&] { return ::chown(old.c_str(), ::getuid(), ::getgid()) == 0; }},
           {"a time", [&] { return ::utimensat(AT_FDCWD, old.c_str(), nullptr, 0) == 0; }},
           {"an attribute", [&] { return ::setxattr(old.c_str(), "user.x", "x", 1, 0) == 0; }},
           {"a terminal's input", [] { return controls(TIOCSTI); }},
           {"a terminal's input, disguised", [] { return controls(TIOCSTI | kUpper); }},
           {"a namespace", [] { return ::unshare(CLONE_NEWNS) == 0; }},
           {"a process", [] { return ::fork() >= 0; }},
           {"a process that is waited for", starts_at_once},
           {"a process in a user's namespace", [] { return starts(CLONE_NEWUSER); }},
           {"a process in a network of its own", [] { return starts(CLONE_NEWUSER | CLONE_NEWNET); }},
           {"a ring of calls", [] { return ::syscall(425, 1, nullptr) >= 0; }},
#ifdef __x86_64__
           {"a call by its other number", [] { return ::syscall(0x40000000 | SYS_getppid) >= 0; }},
#endif
       }) {
    EXPECT_EQ(confined({directory.path()}, c.action), EPERM) << c.what;
  }
  ::close(opened);
}

TEST(Sandbox, KnowsNoCallThatHidesItsFlags) {
  if (!has_landlock()) GTEST_SKIP() << sandbox_state();
  constexpr long kClone3 = 435;
  EXPECT_EQ(confined({}, [] { return ::syscall(kClone3, nullptr, 0) >= 0; }), ENOSYS);
}

TEST(Sandbox, ControlsNoDeviceThatItOpens) {
  constexpr int kSince = 5;
  const std::string name = "Landlock ";
  if (!has_landlock() || std::stoi(sandbox_state().substr(name.size())) < kSince)
    GTEST_SKIP() << sandbox_state();
  const auto asks = [] {
    int bits = 0;
    return ::ioctl(::open("/dev/urandom", O_RDONLY), RNDGETENTCNT, &bits) == 0;
  };
  ASSERT_TRUE(asks());
  EXPECT_EQ(confined({}, asks), EACCES);
}

TEST(Sandbox, LeavesWhatIsOpenAndTheProcessItself) {
  if (!has_landlock()) GTEST_SKIP() << sandbox_state();
  const int listening = ::socket(AF_INET, SOCK_STREAM, 0), client = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const place = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(listening, place, size) + ::listen(listening, 1), 0);
  ASSERT_EQ(::getsockname(listening, place, &size) + ::connect(client, place, size), 0);
  EXPECT_EQ(confined({},
                     [&] {
                       const int accepted = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
                       rlimit limit = {};
                       std::thread([] {}).join();
                       return accepted >= 0 && ::send(accepted, "x", 1, 0) == 1 && ::raise(0) == 0 &&
                              ::getrlimit(RLIMIT_DATA, &limit) == 0 && ::setrlimit(RLIMIT_DATA, &limit) == 0;
                     }),
            0);
  ::close(client);
  ::close(listening);
}

TEST(Sandbox, NeedsNoRightForAFileThatWasOpenedBefore) {
  if (!has_landlock()) GTEST_SKIP() << sandbox_state();
  const test::TemporaryDirectory directory;
  test::write(directory / "beside", "beside");
  std::optional<OutputFile> file;
  std::optional<OutputDirectory> made;
  const auto open = [&] {
    fs::current_path(directory.path());
    file.emplace(directory / "out");
    file->hand_over();
    made.emplace(directory / "made");
    made->hand_over();
  };
  EXPECT_EQ(confined(
                {},
                [&] {
                  file->write("new");
                  file->commit();
                  made.reset();
                  errno = 0;
                  return ::unlink((directory / "beside").c_str()) == 0;
                },
                open),
            EACCES);
  EXPECT_EQ(read_file(directory / "out"), "new");
  EXPECT_FALSE(fs::exists(directory / "made"));
  const auto leave = [&] {
    file.reset();
    made.reset();
    return true;
  };
  fs::remove(directory / "out");
  EXPECT_EQ(confined({}, leave, open), 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator{}), 1);
}

TEST(Sandbox, RefusesAPlaceThatIsNotThere) {
  if (!has_landlock()) GTEST_SKIP() << sandbox_state();
  const test::TemporaryDirectory directory;
  EXPECT_EQ(confined({},
                     [&] {
                       try {
                         confine(Sandbox::automatic, std::vector<fs::path>{directory / "none"});
                       } catch (const Error&) {
                         return true;
                       }
                       return false;
                     }),
            0);
}

constexpr char kMachine[] = "MemTotal: 4000 kB\nMemAvailable:    3000 kB\nSwapFree:  500 kB\n";

void write_below(const fs::path& root, const std::string& name, const std::string& content) {
  fs::create_directories((root / name).parent_path());
  test::write(root / name, content);
}

TEST(AvailableMemory, IsTheMachinesWhereNoGroupHasLess) {
  const test::TemporaryDirectory root;
  EXPECT_EQ(available_memory(root.path()).memory, std::numeric_limits<std::size_t>::max());
  write_below(root.path(), "proc/meminfo", kMachine);
  EXPECT_EQ(available_memory(root.path()).memory, 3000U << 10);
  EXPECT_EQ(available_memory(root.path()).with_swap, 3500U << 10);
  write_below(root.path(), "proc/self/cgroup", "0::/job\n");
  write_below(root.path(), "proc/self/mountinfo", "36 25 0:31 / /cg rw shared:9 - cgroup2 cgroup2 rw\n");
  write_below(root.path(), "cg/job/memory.max", "max\n");
  EXPECT_EQ(available_memory(root.path()).memory, 3000U << 10);
}

/// Control groups as files below /cg, and what they leave.
struct Groups {
  std::string what, own, mount;
  std::vector<std::pair<std::string, std::string>> files;
  std::size_t left;
};

TEST(AvailableMemory, IsWhatTheNarrowestGroupHasLeft) {
  const std::string second = " / /cg rw shared:9 - cgroup2 cgroup2 rw";
  const std::string first = " / /cg rw - cgroup cgroup rw,";
  const std::string much = "9223372036854771712", cached = "anon 1\nactive_file 200000\ninactive_file 300000";
  for (const Groups& c : std::vector<Groups>{
           {"its own",
            "0::/a/b",
            second,
            {{"a/b/memory.max", "1000000"}, {"a/b/memory.current", "300000"}},
            700000},
           {"a group around it",
            "0::/a/b",
            second,
            {{"a/memory.high", "900000"},
             {"a/memory.max", "max"},
             {"a/memory.current", "800000"},
             {"a/memory.stat", cached},
             {"a/b/memory.max", "1000000"}},
            600000},
           {"a container's, as it sees it", "0::/", second, {{"memory.max", "1000000"}}, 1000000},
           {"a container's, as its host sees it",
            "0::/docker/1",
            " /docker/1 /cg rw - cgroup2 cgroup2 rw",
            {{"memory.max", "1000000"}},
            1000000},
           {"the first version's",
            "5:cpu:/x\n4:memory:/a\n0::/",
            first + "memory",
            {{"a/memory.limit_in_bytes", "1000000"},
             {"a/memory.usage_in_bytes", "400000"},
             {"a/memory.stat", "inactive_file 7\ntotal_inactive_file 100000"},
             {"memory.limit_in_bytes", much}},
            700000},
           {"one that is used up",
            "0::/a",
            second,
            {{"a/memory.max", "1000"}, {"a/memory.current", "2000"}},
            0},
           {"one for another thing",
            "4:cpu:/a",
            first + "cpu",
            {{"a/memory.limit_in_bytes", "1000"}},
            3000U << 10},
           {"nonsense", "x\n0:\n::", " / - - -\n1 2 3 4 5 6 - x", {}, 3000U << 10}}) {
    const test::TemporaryDirectory root;
    write_below(root.path(), "proc/meminfo", kMachine);
    write_below(root.path(), "proc/self/cgroup", c.own + "\n");
    write_below(root.path(), "proc/self/mountinfo", "36 25 0:31" + c.mount + "\n");
    for (const auto& [name, content] : c.files) write_below(root.path(), "cg/" + name, content + "\n");
    EXPECT_EQ(available_memory(root.path()).memory, c.left) << c.what;
  }
}

TEST(Sandbox, OffGivesNothingUp) {
  const test::TemporaryDirectory directory;
  confine(Sandbox::off, {});
  EXPECT_TRUE(writes(directory / "x"));
}

}  // namespace
}  // namespace attnviz
