#include "attnviz/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/files.h"
#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using test::all_names_in;
using test::error_of;
using test::forbid_unnamed_files;
using test::status_of_child;
using test::TemporaryDirectory;

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

bool knows_unnamed_files(const fs::path& directory) {
  const int file = ::open(directory.c_str(), O_TMPFILE | O_WRONLY, 0600);
  if (file >= 0) ::close(file);
  return file >= 0;
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
  EXPECT_EQ(all_names_in(directory.path()), std::vector<std::string>{"out"});
}

TEST(OutputFile, LeavesNothingWithoutCommit) {
  const TemporaryDirectory directory;
  test::write(directory / "old", "old");
  for (const char* name : {"old", "new"}) {
    OutputFile file(directory / name);
    file.write(std::string(100'000, 'x'));
  }
  EXPECT_EQ(all_names_in(directory.path()), std::vector<std::string>{"old"});
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
  EXPECT_EQ(all_names_in(directory.path()), std::vector<std::string>{"out"});
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
      EXPECT_EQ(all_names_in(directory.path()).size(), 1U);
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
  EXPECT_EQ(all_names_in(directory.path()), std::vector<std::string>{"out"});
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
      const std::string hides_its_ending("other\0", 6);
      for (const std::string& stem : {std::string(), std::string(".hidden"), std::string("../out"),
                                      std::string("/out"), hides_its_ending}) {
        OutputFile file = OutputFile::new_here(".svg");
        file.hand_over();
        file.name_after(stem);
        EXPECT_NE(error_of([&] { file.commit(); }), "nothing") << stem;
      }
    });
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(all_names_in(directory.path()),
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
    EXPECT_EQ(all_names_in(directory.path()), (std::vector<std::string>{"out", "second"}));
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
  EXPECT_EQ(all_names_in(directory.path()), std::vector<std::string>{});
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
    EXPECT_EQ(all_names_in(directory.path()), (std::vector<std::string>{"full", "old"}));
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
  EXPECT_EQ(all_names_in(directory.path()).empty(), knows_unnamed_files(directory.path()));
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
  EXPECT_EQ(all_names_in(directory.path()), std::vector<std::string>{"out"});
  EXPECT_EQ(read_file(directory / "out"), "old");
}

TEST(WriteFiles, GivesEachItsNameAndLeavesNoOther) {
  const TemporaryDirectory directory;
  test::write(directory / "b", "old");
  const std::string large(300'000, 'x');
  write_files(directory.path(), std::vector<NamedFile>{{"a", "first"}, {"b", large}, {"c", ""}}, ".part-");
  EXPECT_EQ(read_file(directory / "a"), "first");
  EXPECT_EQ(read_file(directory / "b"), large);
  EXPECT_EQ(all_names_in(directory.path()), (std::vector<std::string>{"a", "b", "c"}));
  write_files(directory.path(), {}, ".part-");
}

TEST(WriteFiles, NamesWhatCantBeWrittenAndLeavesNoPart) {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "b");
  const std::vector<NamedFile> files = {{"a", "first"}, {"b", "second"}, {"c", "third"}};
  EXPECT_EQ(error_of([&] { write_files(directory.path(), files, ".part-"); }),
            (directory / "b").string() + ": can't be written: Is a directory\n  hint: name a file inside it");
  EXPECT_EQ(all_names_in(directory.path()), (std::vector<std::string>{"a", "b"}));
}

TEST(RemoveParts, RemovesWhatWriteFilesMayLeaveAndNothingElse) {
  const TemporaryDirectory directory;
  for (const char* name :
       {".x-0.part", ".x-17.part", ".x-.part", ".x-1a.part", ".x-1.par", ".y-1.part", "x-1.part"}) {
    test::write(directory / name, "");
  }
  remove_parts(directory.path(), ".x-");
  EXPECT_EQ(all_names_in(directory.path()),
            (std::vector<std::string>{".x-.part", ".x-1.par", ".x-1a.part", ".y-1.part", "x-1.part"}));
}

}  // namespace
}  // namespace attnviz
