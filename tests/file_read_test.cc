#include "attnviz/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "file/watched.h"
#include "support/files.h"
#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using test::all_names_in;
using test::error_of;
using test::forbid_unnamed_files;
using test::TemporaryDirectory;

TEST(ReadFile, GivesEveryByte) {
  const TemporaryDirectory directory;
  for (const std::size_t size : {0U, 1U, 4096U, 1U << 18, (1U << 18) + 1, 3'000'000U}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 131 >> 3);
    test::write(directory / "bytes", bytes);
    EXPECT_EQ(read_file(directory / "bytes"), bytes) << size;
    const MappedFile mapped(directory / "bytes");
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size()),
              bytes);
  }
}

TEST(ReadFile, ReadsWhatHasNoSize) { EXPECT_FALSE(read_file("/proc/self/status").empty()); }

TEST(ReadFile, RefusesAtOnceWhatIsNoRegularFile) {
  const TemporaryDirectory directory;
  ASSERT_EQ(::mkfifo((directory / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", directory / "endless");
  fs::create_symlink(directory / "pipe", directory / "link");
  for (const auto& [name, kind] :
       {std::pair("pipe", "a pipe"), std::pair("link", "a pipe"), std::pair("endless", "a device")}) {
    const fs::path path = directory / name;
    const std::string fault =
        path.string() + ": not a regular file but " + kind + "\n  hint: copy what it is to hold into a file";
    EXPECT_EQ(error_of([&] { std::ignore = read_file(path); }), fault);
    EXPECT_EQ(error_of([&] { expect_regular_file(path); }), fault);
    EXPECT_EQ(error_of([&] { const MappedFile mapped(path); }), fault);
    EXPECT_EQ(error_of([&] { std::ignore = sha256_of_file(path); }), fault);
  }
}

TEST(ReadFile, RefusesWhatIsLargerThanItMayBe) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "config.json";
  test::write(path, "");
  fs::resize_file(path, 1ULL << 40);  // which takes no room on the disk
  EXPECT_EQ(error_of([&] { std::ignore = read_file(path, 16); }),
            path.string() +
                ": too large, expected at most 16 bytes, got 1099511627776\n  hint: download or export "
                "it again");
  fs::resize_file(path, 16);
  EXPECT_EQ(read_file(path, 16).size(), 16U);
}

TEST(ReadFile, NamesThePathAndTheReason) {
  const TemporaryDirectory directory;
  const std::string place = directory.path().string();
  test::write(directory / "config.json", "{}");
  test::write(directory / "file", "");
  struct Case {
    std::string path, expected;
  };
  for (const Case& c : {
           Case{"", ": can't be read: Is a directory"},
           Case{"/confg.json", ": can't be read: No such file or directory\n  hint: did you mean " + place +
                                   "/config.json?"},
           Case{"/vocab.txt", ": can't be read: No such file or directory\n  hint: check the path"},
           Case{"/none/vocab.txt",
                ": can't be read: No such file or directory\n  hint: there is no directory " + place +
                    "/none"},
           Case{"/file/x", ": can't be read: Not a directory"},
       }) {
    const std::string path = place + c.path;
    EXPECT_EQ(error_of([&] { std::ignore = read_file(path); }), path + c.expected);
    EXPECT_EQ(error_of([&] { const MappedFile mapped(path); }), path + c.expected);
    EXPECT_EQ(error_of([&] { std::ignore = sha256_of_file(path); }), path + c.expected);
  }
}

TEST(MappedFile, MovesItsMapping) {
  const TemporaryDirectory directory;
  test::write(directory / "a", "first");
  test::write(directory / "b", "second");
  MappedFile a(directory / "a");
  MappedFile b(std::move(a));
  EXPECT_EQ(static_cast<char>(b.bytes().front()), 'f');
  b = MappedFile(directory / "b");
  EXPECT_EQ(b.bytes().size(), 6U);
  EXPECT_EQ(static_cast<char>(b.bytes().front()), 's');
}

/// In a process of its own, which ends by what it reads.
TEST(MappedFile, EndsTheProcessInWordsWhenItBecomesShorter) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "model\x1b[31m.safetensors", out = directory / "out";
  fs::create_directory(out);
  const auto read_behind_the_end = [&] {
    test::write(path, std::string(1 << 16, 'x'));
    watch_mapped_files();
    forbid_unnamed_files();
    const MappedFile other(path);
    const MappedFile mapped(path);
    const MappedFile moved = MappedFile(path);
    OutputFile output(out / "figure.svg");
    output.write("half");
    const NamedFile part{"a", "bytes"};
    write_files(out, {&part, 1}, ".part-");
    fs::resize_file(path, 1 << 13);
    if (mapped.bytes()[100] != std::byte('x')) ::_exit(1);
    ::_exit(mapped.bytes()[1 << 14] == std::byte('x') ? 0 : 1);
  };
  EXPECT_EXIT(read_behind_the_end(), testing::ExitedWithCode(2),
              "attnviz: .*/model.\\[31m.safetensors: became shorter while it was read, or its disk fails\n"
              "  hint: put the file back as it was, and start again\n$");
  EXPECT_EQ(all_names_in(out), std::vector<std::string>{"a"});
}

/// What has no name of its own yet has one where the file system makes no files without.
TEST(MappedFile, LeavesNoFileThatIsNotComplete) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "x";
  test::write(path, "old");
  std::optional<Watched> done(std::in_place, path);
  done.reset();
  remove_unfinished_files();
  EXPECT_TRUE(fs::exists(path));
  const Watched unfinished(path);
  remove_unfinished_files();
  EXPECT_FALSE(fs::exists(path));
}

TEST(MappedFile, LeavesOtherFaultsAsTheyWere) {
  const TemporaryDirectory directory;
  test::write(directory / "x", std::string(1 << 13, 'x'));
  const auto fault = [&](bool in_mapping) {
    watch_mapped_files();
    const MappedFile mapped(directory / "x");
    const int file = ::open((directory / "x").c_str(), O_RDONLY);
    auto* const own =
        static_cast<const volatile char*>(::mmap(nullptr, 1 << 13, PROT_READ, MAP_PRIVATE, file, 0));
    fs::resize_file(directory / "x", 0);
    if (!in_mapping) ::raise(SIGBUS);
    ::_exit(own[0]);
  };
  // Under a sanitizer the default is its own report.
  const auto dies = [](int status) { return WIFSIGNALED(status) || WEXITSTATUS(status) != 2; };
  EXPECT_EXIT(fault(true), dies, "^[^a]*");
  EXPECT_EXIT(fault(false), dies, "^[^a]*");
}

TEST(MappedFile, GivesTheSameBytesAfterTheyWereLetGo) {
  const TemporaryDirectory directory;
  std::string bytes(3 << 14, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 131 >> 3);
  test::write(directory / "bytes", bytes);
  const MappedFile mapped(directory / "bytes");
  for (const std::size_t begin : {0U, 1U, 4096U, 3U << 14}) {
    MappedFile::let_go(mapped.bytes().subspan(begin));
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size()),
              bytes);
  }
}

}  // namespace
}  // namespace attnviz
