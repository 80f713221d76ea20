#include "attnviz/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "file/descriptor.h"
#include "file/watched.h"
#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryDirectory;

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

void write_whole(const fs::path& path, std::string_view bytes) {
  OutputFile file(path);
  file.write(bytes);
  file.commit();
}

mode_t mode_of(const fs::path& path) {
  struct stat status = {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

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
void forbid_unnamed_files() {
  const auto low_word = [](std::size_t offset) {
    return static_cast<std::uint32_t>(offset + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0));
  };
  constexpr std::uint32_t only_tmpfile = O_TMPFILE & ~O_DIRECTORY;
  std::array<sock_filter, 6> rules = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_word(offsetof(seccomp_data, args[2]))),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, only_tmpfile, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program = {rules.size(), rules.data()};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
  ASSERT_EQ(::open("/tmp", O_TMPFILE | O_WRONLY, 0600), -1);
}

bool knows_unnamed_files(const fs::path& directory) {
  const int file = ::open(directory.c_str(), O_TMPFILE | O_WRONLY, 0600);
  if (file >= 0) ::close(file);
  return file >= 0;
}

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
  EXPECT_EQ(names_in(out), std::vector<std::string>{"a"});
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

TEST(OutputFile, AppearsOnlyWhenComplete) {
  const TemporaryDirectory directory;
  const std::string large(200'000, 'x');
  OutputFile file(directory / "out");
  for (int i = 0; i < 1000; ++i) file.write("small ");
  file.write(large);
  file.write("end");
  EXPECT_FALSE(fs::exists(directory / "out"));
  file.commit();
  const std::string bytes = read_file(directory / "out");
  EXPECT_EQ(bytes.size(), 6000 + large.size() + 3);
  EXPECT_EQ(bytes.substr(bytes.size() - 4), "xend");
  EXPECT_EQ(names_in(directory.path()), std::vector<std::string>{"out"});
}

TEST(OutputFile, LeavesNothingWithoutCommit) {
  const TemporaryDirectory directory;
  test::write(directory / "old", "old");
  for (const char* name : {"old", "new"}) {
    OutputFile file(directory / name);
    file.write(std::string(100'000, 'x'));
  }
  EXPECT_EQ(names_in(directory.path()), std::vector<std::string>{"old"});
  EXPECT_EQ(read_file(directory / "old"), "old");
}

TEST(OutputFile, ReplacesAFileForNewReadersAndKeepsItsMode) {
  const TemporaryDirectory directory;
  test::write(directory / "out", "old");
  ASSERT_EQ(::chmod((directory / "out").c_str(), 0640), 0);
  const MappedFile reader(directory / "out");
  write_whole(directory / "out", "new and longer");
  EXPECT_EQ(read_file(directory / "out"), "new and longer");
  EXPECT_EQ(static_cast<char>(reader.bytes()[0]), 'o');
  EXPECT_EQ(mode_of(directory / "out"), 0640U);
  EXPECT_EQ(names_in(directory.path()), std::vector<std::string>{"out"});
}

TEST(OutputFile, GivesNewFilesTheUmasksMode) {
  const TemporaryDirectory directory;
  const mode_t before = ::umask(027);
  write_whole(directory / "out", "");
  ::umask(before);
  EXPECT_EQ(mode_of(directory / "out"), 0640U);
}

TEST(OutputFile, FollowsLinks) {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "data");
  fs::create_symlink("data/figure.png", directory / "second");
  fs::create_symlink("second", directory / "first");
  for (const char* bytes : {"new", "replaced"}) {
    write_whole(directory / "first", bytes);
    EXPECT_EQ(read_file(directory / "data" / "figure.png"), bytes);
    EXPECT_TRUE(fs::is_symlink(directory / "first"));
  }
  fs::create_symlink("loop", directory / "loop");
  EXPECT_EQ(error_of([&] { write_whole(directory / "loop", ""); }),
            (directory / "loop").string() + ": can't be written: Too many levels of symbolic links");
}

TEST(OutputFile, WorksWithoutUnnamedFiles) {
  const TemporaryDirectory directory;
  const int status = status_of_child([&] {
    forbid_unnamed_files();
    ::umask(022);
    {
      OutputFile dropped(directory / "dropped");
      dropped.write("x");
      EXPECT_EQ(names_in(directory.path()).size(), 1U);
    }
    write_whole(directory / "out", "first");
    write_whole(directory / "out", "second");
    EXPECT_EQ(
        error_of([&] { OutputFile file(directory / "none" / "out"); }),
        (directory / "none/out").string() +
            ": can't be written: No such file or directory\n  hint: make its directory first: mkdir -p " +
            (directory / "none").string());
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(names_in(directory.path()), std::vector<std::string>{"out"});
  EXPECT_EQ(read_file(directory / "out"), "second");
  EXPECT_EQ(mode_of(directory / "out"), 0644U);
}

TEST(OutputFile, GivesANewFileTheFirstFreeName) {
  const TemporaryDirectory directory;
  for (const bool with_unnamed : {true, false}) {
    const int status = status_of_child([&] {
      if (!with_unnamed) forbid_unnamed_files();
      fs::current_path(directory.path());
      for (const bool handed_over : {false, true}) {
        OutputFile file = OutputFile::new_here(".svg");
        OutputFile dropped = OutputFile::new_here(".svg");
        if (handed_over) file.hand_over();
        if (handed_over) dropped.hand_over();
        file.name_after("figure");
        file.write("x");
        const fs::path given = file.commit();
        EXPECT_TRUE(given.string().starts_with("figure") && given.extension() == ".svg") << given;
        EXPECT_EQ(read_file(given), "x");
      }
      for (const char* stem : {"", ".hidden", "../out", "/out"}) {
        OutputFile file = OutputFile::new_here(".svg");
        file.hand_over();
        file.name_after(stem);
        EXPECT_NE(error_of([&] { file.commit(); }), "") << stem;
      }
    });
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(names_in(directory.path()),
            (std::vector<std::string>{"figure-2.svg", "figure-3.svg", "figure-4.svg", "figure.svg"}));
}

TEST(OutputFile, HandedOverIsReplacedOrGone) {
  const TemporaryDirectory directory;
  for (const bool with_unnamed : {true, false}) {
    test::write(directory / "out", "old");
    const int status = status_of_child([&] {
      if (!with_unnamed) forbid_unnamed_files();
      OutputFile first(directory / "out"), dropped(directory / "dropped"), second(directory / "second");
      for (OutputFile* const file : {&first, &dropped, &second}) file->hand_over();
      first.write("new");
      first.commit();
      second.write("2");
      second.commit();
    });
    EXPECT_EQ(status, 0);
    EXPECT_EQ(read_file(directory / "out"), "new");
    EXPECT_EQ(names_in(directory.path()), (std::vector<std::string>{"out", "second"}));
  }
}

TEST(OutputFile, HandedOverLeavesNothingOfAKilledProcess) {
  const TemporaryDirectory directory;
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
  const int status = status_of_child([&] {
    forbid_unnamed_files();
    OutputFile file(directory / "out");
    file.hand_over();
    ::raise(SIGKILL);
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_GT(::waitpid(-1, nullptr, 0), 0);  // the process that was to name the file, orphaned
  EXPECT_EQ(names_in(directory.path()), std::vector<std::string>{});
}

TEST(OutputFile, HandedOverTellsWhyItCantHaveItsName) {
  const TemporaryDirectory directory;
  OutputFile file(directory / "out");
  file.hand_over();
  fs::create_directory(directory / "out");
  EXPECT_EQ(
      error_of([&] { file.commit(); }),
      (directory / "out").string() + ": can't be written: Is a directory\n  hint: name a file inside it");
}

TEST(OutputDirectory, GoesAgainWhereNothingWasWritten) {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "old");
  for (const bool handed_over : {false, true}) {
    for (const char* name : {"empty", "full", "old"}) {
      OutputDirectory made(directory / name);
      if (handed_over) made.hand_over();
      if (std::string_view(name) == "full") test::write(directory / "full/x", "x");
      EXPECT_TRUE(fs::is_directory(directory / name));
    }
    EXPECT_EQ(names_in(directory.path()), (std::vector<std::string>{"full", "old"}));
    fs::remove_all(directory / "full");
  }
  EXPECT_EQ(error_of([&] { OutputDirectory(directory / "none/made"); }),
            (directory / "none/made").string() + ": can't be made a directory: No such file or directory\n" +
                "  hint: make its parent first: mkdir -p " + (directory / "none").string());
}

TEST(OutputFile, OfAKilledProcessLeavesNoHalfFile) {
  const TemporaryDirectory directory;
  const int status = status_of_child([&] {
    OutputFile file(directory / "out");
    file.write(std::string(1'000'000, 'x'));
    ::raise(SIGKILL);
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(fs::exists(directory / "out"));
  EXPECT_EQ(names_in(directory.path()).empty(), knows_unnamed_files(directory.path()));
}

TEST(OutputFile, WritesToDevicesAndPipesInPlace) {
  const TemporaryDirectory directory;
  ASSERT_EQ(::mkfifo((directory / "pipe").c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] {
    std::ifstream stream(directory / "pipe");
    read.assign(std::istreambuf_iterator<char>(stream), {});
  });
  write_whole(directory / "pipe", "through a pipe");
  reader.join();
  EXPECT_EQ(read, "through a pipe");
  int ends[2] = {};
  ASSERT_EQ(::pipe(ends), 0);
  write_whole("/dev/fd/" + std::to_string(ends[1]), "unnamed");
  std::string found(64, '\0');
  found.resize(static_cast<std::size_t>(::read(ends[0], found.data(), found.size())));
  EXPECT_EQ(found, "unnamed");
  for (const int end : ends) ::close(end);
  write_whole("/dev/null", "nowhere");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(error_of([] { write_whole("/dev/full", "x"); }),
            "/dev/full: can't be written: No space left on device\n"
            "  hint: free some space, or write to another disk");
}

TEST(OutputFile, NamesThePathTheReasonAndWhatToDo) {
  const TemporaryDirectory directory;
  const std::string place = directory.path().string();
  test::write(directory / "file", "");
  const std::string long_name(300, 'n');
  struct Case {
    std::string path, expected;
  };
  for (const Case& c : {
           Case{place, "Is a directory\n  hint: name a file inside it"},
           Case{place + "/", "Is a directory\n  hint: name a file inside it"},
           Case{"", "Is a directory\n  hint: name a file inside it"},
           Case{place + "/none/out.png",
                "No such file or directory\n  hint: make its directory first: mkdir -p " + place + "/none"},
           Case{place + "/file/out.png", "Not a directory"},
           Case{place + "/" + long_name, "File name too long\n  hint: choose a shorter name"},
       }) {
    EXPECT_EQ(error_of([&] { const OutputFile file(c.path); }), c.path + ": can't be written: " + c.expected);
  }
}

TEST(OutputFile, RespectsReadOnlyPlaces) {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "closed");
  test::write(directory / "kept", "kept");
  ASSERT_EQ(::chmod((directory / "kept").c_str(), 0444), 0);
  ASSERT_EQ(::chmod((directory / "closed").c_str(), 0555), 0);
  ASSERT_EQ(::chmod(directory.path().c_str(), 0777), 0);
  const int status = status_of_child([&] {
    // Nothing is closed to root.
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0) {
      ASSERT_EQ(::seteuid(kNobody), 0);
    }
    for (const char* name : {"kept", "closed/out"}) {
      const std::string path = (directory / name).string();
      EXPECT_EQ(error_of([&] { write_whole(path, "x"); }),
                path + ": can't be written: Permission denied\n  hint: choose a place that you may write to");
    }
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(directory / "kept"), "kept");
}

TEST(OutputFile, LeavesTheOldFileWhereTheDiskIsFull) {
  const TemporaryDirectory directory;
  test::write(directory / "out", "old");
  const int status = status_of_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {100'000, 100'000};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    EXPECT_EQ(error_of([&] { write_whole(directory / "out", std::string(200'000, 'x')); }),
              (directory / "out").string() +
                  ": can't be written: File too large\n"
                  "  hint: raise the limit on file sizes (ulimit -f), or write to another disk");
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(names_in(directory.path()), std::vector<std::string>{"out"});
  EXPECT_EQ(read_file(directory / "out"), "old");
}

TEST(WriteFiles, GivesEachItsNameAndLeavesNoOther) {
  const TemporaryDirectory directory;
  test::write(directory / "b", "old");
  const std::string large(300'000, 'x');
  write_files(directory.path(), std::vector<NamedFile>{{"a", "first"}, {"b", large}, {"c", ""}}, ".part-");
  EXPECT_EQ(read_file(directory / "a"), "first");
  EXPECT_EQ(read_file(directory / "b"), large);
  EXPECT_EQ(names_in(directory.path()), (std::vector<std::string>{"a", "b", "c"}));
  write_files(directory.path(), {}, ".part-");
}

TEST(WriteFiles, NamesWhatCantBeWrittenAndLeavesNoPart) {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "b");
  const std::vector<NamedFile> files = {{"a", "first"}, {"b", "second"}, {"c", "third"}};
  EXPECT_EQ(error_of([&] { write_files(directory.path(), files, ".part-"); }),
            (directory / "b").string() + ": can't be written: Is a directory\n  hint: name a file inside it");
  EXPECT_EQ(names_in(directory.path()), (std::vector<std::string>{"a", "b"}));
}

TEST(RemoveParts, RemovesWhatWriteFilesMayLeaveAndNothingElse) {
  const TemporaryDirectory directory;
  for (const char* name :
       {".x-0.part", ".x-17.part", ".x-.part", ".x-1a.part", ".x-1.par", ".y-1.part", "x-1.part"}) {
    test::write(directory / name, "");
  }
  remove_parts(directory.path(), ".x-");
  EXPECT_EQ(names_in(directory.path()),
            (std::vector<std::string>{".x-.part", ".x-1.par", ".x-1a.part", ".y-1.part", "x-1.part"}));
}

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
