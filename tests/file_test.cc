#include "attnviz/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "file/descriptor.h"
#include "support/files.h"
#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::status_of_child;
using test::TemporaryDirectory;

TEST(AppendToFile, FollowsNoLinkAndWaitsForNoPipe) {
  const TemporaryDirectory directory;
  test::write(directory / "elsewhere", "bytes");
  fs::create_symlink(directory / "elsewhere", directory / "link");
  ASSERT_EQ(::mkfifo((directory / "pipe").c_str(), 0600), 0);
  const Descriptor reader(::open((directory / "pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const std::string link = (directory / "link").string(), pipe = (directory / "pipe").string();
  for (const auto& alter : std::vector<std::function<void(const fs::path&)>>{
           [](const fs::path& path) { append_to_file(path, "more"); },
           [](const fs::path& path) { cut_file(path, 0); }}) {
    EXPECT_EQ(error_of([&] { alter(link); }),
              link + ": can't be written: it is a link\n  hint: put the file itself there");
    EXPECT_EQ(error_of([&] { alter(pipe); }), pipe + ": can't be written: it is not a regular file");
  }
  EXPECT_EQ(read_file(directory / "elsewhere"), "bytes");
}

TEST(AppendToFile, AddsToAFileThatExistsOrLeavesItAsItWas) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "lines";
  EXPECT_TRUE(error_of([&] {
                append_to_file(path, "x");
              }).starts_with(path.string() + ": can't be written: No such file or directory"));
  test::write(path, "one\n");
  append_to_file(path, "two\nthree\n");
  cut_file(path, 8);
  EXPECT_EQ(read_file(path), "one\ntwo\n");
  const int status = status_of_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {20, 20};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    EXPECT_TRUE(error_of([&] {
                  append_to_file(path, std::string(100, 'x'));
                }).starts_with(path.string() + ": can't be written: File too large"));
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(path), "one\ntwo\n");
}

TEST(FileLock, HasOneHolderAndGoesWithIt) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "lock";
  test::write(path, "left by a killed holder");
  {
    const std::optional<FileLock> lock = FileLock::take(path);
    EXPECT_TRUE(lock);
    EXPECT_FALSE(FileLock::take(path));
    EXPECT_EQ(status_of_child([&] { EXPECT_FALSE(FileLock::take(path)); }), 0);
  }
  EXPECT_FALSE(fs::exists(path));
  std::optional<FileLock> first = FileLock::take(path);
  const FileLock moved = std::move(*first);
  first.reset();
  EXPECT_FALSE(FileLock::take(path));
}

TEST(FileLock, IsNeverHeldTwiceWhereManyTakeIt) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "lock";
  std::atomic<int> holders = 0, taken = 0;
  std::atomic<bool> shared = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int attempt = 0; attempt < 2000; ++attempt) {
        const std::optional<FileLock> lock = FileLock::take(path);
        if (!lock) continue;
        ++taken;
        if (++holders > 1) shared = true;
        --holders;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(shared);
  EXPECT_GT(taken, 0);
}

TEST(Sha256, AgreesWithTheStandardsExamples) {
  const TemporaryDirectory directory;
  struct Case {
    std::string bytes, expected;
  };
  for (const Case& c : {
           Case{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
           Case{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
           Case{std::string(1'000'000, 'a'),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
       }) {
    test::write(directory / "bytes", c.bytes);
    EXPECT_EQ(sha256_of_file(directory / "bytes"), c.expected);
    EXPECT_EQ(sha256_of(c.bytes), c.expected);
  }
}

}  // namespace
}  // namespace attnviz
