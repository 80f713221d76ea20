#include "attnviz/manifest.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <csignal>
#include <functional>
#include <limits>

#include "attnviz/file.h"
#include "support/files.h"
#include "support/runs.h"
#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::figure_of;
using test::names_in;
using test::status_of_child;
using test::TemporaryDirectory;

const RunSettings kSettings = {{"program", "attnviz 0.1.0"}, {"model", "minilm"}, {"threads", "2"}};
const std::string kDigest(64, 'a');

/// A figure, an item at fault and one left out, over and over.
std::vector<Finished> items(std::size_t first, std::size_t last) {
  std::vector<Finished> items;
  for (std::size_t i = first; i < last; ++i) items.push_back(test::item(i));
  return items;
}

/// A whole run of `count` items.
void run(const fs::path& directory, std::size_t count) {
  RunDirectory out(directory, kSettings);
  out.add(items(0, count));
  out.finish(count);
}

TEST(ManifestEntry, IsALineWithMembersInAFixedOrder) {
  struct Case {
    ManifestEntry entry;
    std::string expected;
  };
  for (const Case& c : {
           Case{{.index = 0, .line = 1, .text = "", .skipped = "no text"},
                R"({"index":0,"line":1,"text":"","skipped":"no text"})"},
           Case{{.index = 17,
           .line = 20,
           .id = "a\"b",
           .text = "Naïve\n☕",
           .pair = "",
           .tokens = 9,
           .metrics = {{"entropy", 0.1},
                       {"distance", 1e300},
                       {"never", std::numeric_limits<double>::infinity()}},
           .file = "000017-a.png",
           .sha256 = kDigest},
                R"({"index":17,"line":20,"id":"a\"b","text":"Naïve\n☕","pair":"","tokens":9,)"
                R"("metrics":{"distance":1e+300,"entropy":0.1},"file":"000017-a.png","sha256":")" +
                    kDigest + "\"}"},
           Case{{.index = 1, .line = 2, .text = "x", .target = "y", .skipped = "short"},
                R"({"index":1,"line":2,"text":"x","target":"y","skipped":"short"})"},
           Case{{.index = 2, .line = 3, .text = "x", .error = "too \u202E long"},
                "{\"index\":2,\"line\":3,\"text\":\"x\",\"error\":\"too \u202E long\"}"},
       }) {
    EXPECT_EQ(to_json(c.entry), c.expected);
    EXPECT_EQ(to_json(manifest_entry(c.expected, "line")), c.expected);
  }
}

TEST(ManifestEntry, HasTheSameNumbersInAnyLocale) {
  const ManifestEntry entry{
      .index = 1234567, .line = 1, .text = "x", .metrics = {{"entropy", 1234.5}}, .skipped = "short"};
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* locale : {"C", "de_DE.UTF-8"}) {
    std::setlocale(LC_ALL, locale);  // without effect where it is not installed
    EXPECT_EQ(to_json(entry),
              R"({"index":1234567,"line":1,"text":"x","metrics":{"entropy":1234.5},"skipped":"short"})");
    EXPECT_EQ(manifest_entry(to_json(entry), "line"), entry);
  }
  std::setlocale(LC_ALL, before.c_str());
}

TEST(ManifestEntry, NamesWhatIsWrongWithALine) {
  const std::string start = R"({"index":0,"line":1,"text":"x")";
  struct Case {
    std::string line, fault;
  };
  for (const Case& c : {
           Case{"", "not JSON"},
           Case{R"({"index":0,"li)", "not JSON"},
           Case{start + R"(,"error":"e"})" + std::string(1, '\0'), "not JSON"},
           Case{"[1]", "expected a JSON object, got array"},
           Case{R"({"line":1,"text":"x","error":"e"})", "index is missing"},
           Case{R"({"index":-1,"line":1,"text":"x","error":"e"})", "index is no whole number"},
           Case{R"({"index":0,"line":1.5,"text":"x","error":"e"})", "line is no whole number"},
           Case{R"({"index":0,"line":1,"error":"e"})", "text is missing"},
           Case{R"({"index":0,"line":1,"text":7,"error":"e"})", "text is no string"},
           Case{start + R"(,"metrics":[],"error":"e"})", "metrics is no object"},
           Case{start + R"(,"metrics":{"entropy":"1"},"error":"e"})", "metrics: entropy is no number"},
           Case{start + R"(,"colour":"red","error":"e"})", "colour is no member of an entry"},
           Case{start + "}", "expected one of file, error and skipped, got 0"},
           Case{start + R"(,"error":"e","skipped":"s"})", "expected one of file, error and skipped, got 2"},
           Case{start + R"(,"file":"a.png"})", "file and sha256 belong together"},
           Case{start + R"(,"error":"e","sha256":"00"})", "file and sha256 belong together"},
           Case{start + R"(,"file":"a.png","sha256":"00"})", "sha256 is no digest"},
           Case{start + R"(,"file":"../a.png","sha256":")" + kDigest + "\"}",
                "file is ../a.png, which is no name for one"},
       }) {
    EXPECT_EQ(error_of([&] { std::ignore = manifest_entry(c.line, "m.jsonl:3"); }), "m.jsonl:3: " + c.fault)
        << c.line;
  }
}

TEST(ReadManifest, NamesTheLine) {
  const TemporaryDirectory directory;
  const std::string path = (directory / "manifest.jsonl").string();
  const std::string good = R"({"index":0,"line":1,"text":"x","error":"e"})"
                           "\n";
  test::write(path, good + "{}\n");
  EXPECT_EQ(error_of([&] { std::ignore = read_manifest(path); }), path + ":2: index is missing");
  test::write(path, good + good + good.substr(0, 20));
  EXPECT_EQ(error_of([&] { std::ignore = read_manifest(path); }),
            path + ":3: the line is cut\n  hint: --resume makes the run whole");
  test::write(path, good + good);
  EXPECT_EQ(read_manifest(path).size(), 2U);
  EXPECT_TRUE(error_of([&] {
                std::ignore = read_manifest(directory / "none");
              }).starts_with((directory / "none").string() + ": can't be read"));
}

TEST(ManifestName, TellsTheShard) {
  EXPECT_EQ(manifest_name({}), "manifest.jsonl");
  EXPECT_EQ(manifest_name({3, 16}), "manifest-3-of-16.jsonl");
}

TEST(SafeName, KeepsLettersOfAnyScriptAndNothingThatActs) {
  std::string long_id;
  for (int i = 0; i < 50; ++i) long_id += "é";
  struct Case {
    std::string id, expected;
  };
  for (const Case& c : {
           Case{"bank-3_b.2", "bank-3_b.2"},
           Case{"Straße №5", "Straße--5"},
           Case{"日本語", "日本語"},
           Case{"हिन्दी", "हिन्दी"},
           Case{"e\u0301", "e\u0301"},
           Case{"\u0301e", "e"},
           Case{"a b/c\\d:e", "a-b-c-d-e"},
           Case{"../../etc/passwd", "etc-passwd"},
           Case{"", "item"},
           Case{".", "item"},
           Case{"..", "item"},
           Case{"-rf", "rf"},
           Case{".hidden", "hidden"},
           Case{"end. ", "end"},
           Case{"a\u202Eb\nc\x7F", "a-b-c"},
           Case{std::string("a\0b", 3), "a-b"},
           Case{"a\xFF"
                "b",
                "a-b"},
           Case{"🙂", "item"},
           Case{"x🙂y", "x-y"},
           Case{long_id, long_id.substr(0, 80)},
           Case{"a" + long_id, "a" + long_id.substr(0, 78)},
       }) {
    EXPECT_EQ(safe_name(c.id), c.expected) << c.id;
    EXPECT_TRUE(is_file_name("000017-" + safe_name(c.id) + ".png")) << c.id;
  }
}

TEST(FileName, CantLeadOutOfItsDirectoryNorMeetTheRunsOwn) {
  for (const char* name : {"", ".", "..", "/", "a/b", "../a", "/etc/passwd", ".hidden", "a\nb", "a\u202E.png",
                           "a\xFF.png", "manifest.jsonl", "manifest-1-of-2.jsonl", "run.json",
                           "run-1-of-2.json", "index.html", "analysis.jsonl"}) {
    EXPECT_FALSE(is_file_name(name)) << name;
  }
  EXPECT_FALSE(is_file_name(std::string("a\0b", 3)));
  EXPECT_FALSE(is_file_name(std::string(256, 'a')));
  EXPECT_TRUE(is_file_name(std::string(255, 'a')));
  EXPECT_TRUE(is_file_name("000017-日本.png"));
}

TEST(SourceFile, HasTheDigestThatXxhsumGives) {
  const TemporaryDirectory directory;
  const std::string path = (directory / "file").string();
  for (const auto& [bytes, digest] :
       {std::pair{"", "xxh64 ef46db3751d8e999"}, std::pair{"a", "xxh64 d24ec4f1a98c6e5b"},
        std::pair{"abc", "xxh64 44bc2cf5ad770999"},
        std::pair{"Nobody inspects the spammish repetition", "xxh64 fbcea83c8a378bf1"}}) {
    test::write(path, bytes);
    EXPECT_EQ(SourceFile(path).digest(), digest) << bytes;
  }
  // Longer than a block, with each byte of weight.
  std::string large((1 << 20) + 77, 'x');
  test::write(path, large);
  const std::string whole = SourceFile(path).digest();
  for (const std::size_t place : {std::size_t{0}, std::size_t{1} << 20, large.size() - 1}) {
    std::string other = large;
    other[place] = 'y';
    test::write(path, other);
    EXPECT_NE(SourceFile(path).digest(), whole) << place;
  }
  EXPECT_EQ(error_of([&] { SourceFile(path + "-"); }),
            path + "-: can't be read: No such file or directory\n  hint: did you mean " + path + "?");
}

TEST(SourceFile, NoticesWhatIsWrittenIntoIt) {
  const TemporaryDirectory directory;
  const std::string path = (directory / "file").string();
  test::write(path, "weights");
  SourceFile file(path);
  file.expect_unchanged();
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
  file.expect_unchanged();
  // What has the file open still has it.
  test::write(path + ".new", "others");
  fs::rename(path, path + ".old");
  fs::rename(path + ".new", path);
  file.expect_unchanged();
  test::write(path + ".old", "other weights");
  EXPECT_EQ(
      error_of([&] { file.expect_unchanged(); }),
      path +
          ": was changed while the run read it\n  hint: put it back as it was and go on with --resume, or "
          "start anew in another directory");
}

TEST(RunDirectory, HoldsFilesTheirManifestAndWhatShapedTheRun) {
  const TemporaryDirectory directory;
  const fs::path out = directory / "out";
  {
    RunDirectory run(out, kSettings);
    EXPECT_EQ(run.done(), 0U);
    run.add(items(0, 2));
    EXPECT_EQ(run.next_index(), 2U);
    run.add({});
    run.add(items(2, 4));
    run.finish(4);
    EXPECT_EQ(run.done(), 4U);
  }
  EXPECT_EQ(names_in(out), (std::vector<std::string>{"0.svg", "3.svg", "manifest.jsonl", "run.json"}));
  EXPECT_EQ(read_file(out / "3.svg"), figure_of(3));
  const std::vector<ManifestEntry> entries = read_manifest(out / "manifest.jsonl");
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(entries[3].sha256, sha256_of_file(out / "3.svg"));
  EXPECT_EQ(entries[1], test::item(1).entry);
  EXPECT_EQ(read_file(out / "run.json"),
            "{\n  \"format\": 2,\n  \"rows\": 4,\n  \"settings\": {\n    \"program\": \"attnviz 0.1.0\",\n"
            "    \"model\": \"minilm\",\n    \"threads\": \"2\"\n  }\n}\n");
}

TEST(RunDirectory, OfAShardTakesEveryNthItem) {
  const TemporaryDirectory directory;
  RunDirectory run(directory.path(), kSettings, {2, 3});
  EXPECT_EQ(run.next_index(), 1U);
  run.add(std::vector<Finished>{test::item(1), test::item(4)});
  EXPECT_EQ(run.next_index(), 7U);
  EXPECT_EQ(error_of([&] { run.finish(8); }),
            directory.path().string() + ": the run is not done, expected 3 items, got 2");
  run.finish(7);
  EXPECT_TRUE(read_file(directory / "run-2-of-3.json").find("\"shard\": \"2/3\"") != std::string::npos);
  EXPECT_TRUE(fs::exists(directory / "manifest-2-of-3.jsonl"));
  RunDirectory other(directory.path(), kSettings, {3, 3});
  other.finish(2);
}

TEST(RunDirectory, RefusesWhatWouldBeOverwrittenOrMixed) {
  const TemporaryDirectory directory;
  const std::string out = (directory / "out").string();
  run(out, 4);
  EXPECT_EQ(error_of([&] { RunDirectory run(out, kSettings); }),
            out +
                "/manifest.jsonl: there is a run's manifest already\n"
                "  hint: go on with --resume, or choose another directory");
  struct Case {
    RunSettings settings;
    std::string fault;
  };
  for (const Case& c : {
           Case{{{"program", "attnviz 0.1.0"}, {"model", "minilm"}, {"threads", "4"}},
                "threads: expected 2, got 4"},
           Case{{{"program", "attnviz 0.1.0"}, {"model", "minilm"}}, "threads: expected 2, got nothing"},
           Case{{{"theme", "dark"}, {"program", "attnviz 0.1.0"}, {"model", "minilm"}, {"threads", "2"}},
                "theme: expected nothing, got dark"},
       }) {
    EXPECT_EQ(error_of([&] { RunDirectory run(out, c.settings, {}, true); }),
              out + "/run.json: the run to go on with had other settings: " + c.fault +
                  "\n  hint: repeat its settings, or choose another directory");
  }
  test::write(out + "/run.json", "{}");
  EXPECT_EQ(error_of([&] { RunDirectory run(out, kSettings, {}, true); }),
            out + "/run.json: not what a run writes\n  hint: start anew in another directory");
  test::write(out + "/run.json", R"({"format": 1, "settings": {}})");
  EXPECT_EQ(
      error_of([&] { RunDirectory run(out, kSettings, {}, true); }),
      out +
          "/run.json: format 1, expected 2\n  hint: another version of the program wrote it: finish it with "
          "that one, or start anew in another directory");
  fs::remove(out + "/run.json");
  EXPECT_TRUE(error_of([&] {
                RunDirectory run(out, kSettings, {}, true);
              }).starts_with(out + "/run.json: can't be read: No such file or directory"));
  EXPECT_EQ(names_in(out).size(), 3U);
}

TEST(RunDirectory, NeedsADirectoryItCanMake) {
  const TemporaryDirectory directory;
  test::write(directory / "file", "");
  const std::string none = (directory / "none/out").string(), file = (directory / "file").string();
  EXPECT_EQ(
      error_of([&] { RunDirectory run(none, kSettings); }),
      none +
          ": can't be made a directory: No such file or directory\n  hint: make its parent first: mkdir -p " +
          (directory / "none").string());
  EXPECT_EQ(error_of([&] { RunDirectory run(file, kSettings); }),
            file + ": can't be made a directory: Not a directory\n  hint: choose another directory");
}

TEST(RunDirectory, RefusesItemsThatAreNotTheNextOrCantBeNamed) {
  const TemporaryDirectory directory;
  const std::string out = directory.path().string();
  RunDirectory run(out, kSettings);
  run.add(items(0, 1));
  const auto named = [](const std::string& name) {
    Finished item = test::item(1);
    item.entry.error.clear();
    item.entry.file = name;
    return item;
  };
  const auto fault_of = [&](const std::vector<Finished>& batch) { return error_of([&] { run.add(batch); }); };
  EXPECT_EQ(fault_of(items(2, 3)), out + ": items out of order, expected index 1, got 2");
  EXPECT_EQ(fault_of({test::item(1), test::item(1)}), out + ": items out of order, expected index 2, got 1");
  EXPECT_EQ(fault_of({named("")}), out + ": item 1: expected one of file, error and skipped");
  EXPECT_EQ(fault_of({named("../x\n")}),
            "../x␊: no name for an item's file\n  hint: use letters, digits, - and _");
  EXPECT_EQ(fault_of({named("0.svg")}), "0.svg: no name for item 1, expected its index in front");
  EXPECT_EQ(run.done(), 1U);
  run.add(std::vector<Finished>{named("1.svg")});
  EXPECT_EQ(read_manifest(directory / "manifest.jsonl").size(), 2U);
}

/// What may have happened to a directory since, and how many of its 6 entries then hold.
TEST(RunDirectory, ResumesBehindTheLastEntryThatHolds) {
  struct Case {
    const char* what;
    std::function<void(const fs::path&)> happen;
    std::size_t trusted;
  };
  const auto edit = [](const fs::path& out, const std::function<void(std::string&)>& change) {
    std::string bytes = read_file(out / "manifest.jsonl");
    change(bytes);
    test::write(out / "manifest.jsonl", bytes);
  };
  for (const Case& c : {
           Case{"nothing", [](const fs::path&) {}, 6},
           Case{"a file is gone", [](const fs::path& out) { fs::remove(out / "3.svg"); }, 3},
           Case{"a file is altered", [](const fs::path& out) { test::write(out / "3.svg", "other"); }, 3},
           Case{"the first file is gone", [](const fs::path& out) { fs::remove(out / "0.svg"); }, 0},
           Case{"the last line is cut",
                [&](const fs::path& out) { edit(out, [](std::string& m) { m.resize(m.size() - 9); }); }, 5},
           Case{"the last line lacks its end",
                [&](const fs::path& out) { edit(out, [](std::string& m) { m.pop_back(); }); }, 5},
           Case{"a line is garbled",
                [&](const fs::path& out) {
                  edit(out,
                       [](std::string& m) { m.replace(m.find("\"index\":4"), 9, std::string(9, '\0')); });
                },
                4},
           Case{"a line is missing",
                [&](const fs::path& out) {
                  edit(out, [](std::string& m) {
                    const std::size_t at = m.find("{\"index\":4");
                    m.erase(at, m.find('\n', at) + 1 - at);
                  });
                },
                4},
           Case{"a killed run left its parts",
                [](const fs::path& out) {
                  test::write(out / ".manifest-part-0.part", "half");
                  test::write(out / ".manifest-part-15.part", "half");
                  test::write(out / ".manifest.lock", "");
                },
                6},
       }) {
    const TemporaryDirectory directory;
    run(directory / "whole", 6);
    run(directory / "out", 6);
    c.happen(directory / "out");
    {
      RunDirectory run(directory / "out", kSettings, {}, true);
      EXPECT_EQ(run.done(), c.trusted) << c.what;
      std::size_t kept = 0;
      while (const std::optional<ManifestEntry> entry = run.next_kept()) EXPECT_EQ(entry->index, kept++);
      EXPECT_EQ(kept, c.trusted) << c.what;
      EXPECT_EQ(read_manifest(directory / "out/manifest.jsonl").size(), c.trusted) << c.what;
      // A run that is to be made whole is not finished.
      EXPECT_EQ(read_file(directory / "out/run.json").find("rows") != std::string::npos, c.trusted == 6)
          << c.what;
      run.add(items(c.trusted, 6));
      run.finish(6);
    }
    EXPECT_EQ(test::contents(directory / "out"), test::contents(directory / "whole")) << c.what;
  }
}

TEST(RunDirectory, ResumesWhatHasNotBegun) {
  const TemporaryDirectory directory;
  RunDirectory run(directory.path(), kSettings, {}, true);
  EXPECT_EQ(run.done(), 0U);
}

TEST(RunDirectory, LeavesOtherRunsFilesAlone) {
  const TemporaryDirectory directory;
  const std::vector<std::string> others = {".attnviz-0123.part", ".manifest-part-.part",
                                           ".manifest-part-1x.part", ".manifest-1-of-2-part-1.part",
                                           "manifest-part-1.part"};
  for (const std::string& name : others) test::write(directory / name, "x");
  run(directory.path(), 1);
  for (const std::string& name : others) EXPECT_TRUE(fs::exists(directory / name)) << name;
}

TEST(RunDirectory, ReplacesOnlyWhatItsManifestListedOrItWouldWriteAlike) {
  const TemporaryDirectory directory;
  const fs::path out = directory / "out";
  run(out, 4);
  test::write(out / "9.svg", "somebody's");
  test::write(out / "6.svg", figure_of(6));  // as a run that was killed before it came to the line
  RunDirectory run(out, kSettings, {}, true);
  run.add(items(4, 8));
  EXPECT_EQ(
      error_of([&] { run.add(items(8, 10)); }),
      (out / "9.svg").string() +
          ": there is a file of this name already, which no run here wrote\n  hint: move it away, or choose "
          "another directory");
  EXPECT_EQ(read_file(out / "9.svg"), "somebody's");
  fs::remove(out / "9.svg");
  run.add(items(8, 10));
}

TEST(RunDirectory, IsOneRunsAtATime) {
  const TemporaryDirectory directory;
  const std::string out = (directory / "out").string();
  const std::string refusal =
      out + ": another run writes here now\n  hint: wait for it, or choose another directory";
  std::array<int, 2> begun{};
  ASSERT_EQ(::pipe(begun.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    RunDirectory run(out, kSettings);
    run.add(items(0, 4));
    std::ignore = ::write(begun[1], "x", 1);
    ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(begun[0], &byte, 1), 1);
  EXPECT_EQ(error_of([&] { RunDirectory second(out, kSettings); }), refusal);
  EXPECT_EQ(error_of([&] { RunDirectory second(out, kSettings, {}, true); }), refusal);
  RunDirectory shard(out, kSettings, {1, 2});
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  RunDirectory second(out, kSettings, {}, true);
  EXPECT_EQ(second.done(), 4U);
  for (const int end : begun) ::close(end);
}

TEST(RunDirectory, SaysWhyAFileCantBeWrittenAndLeavesNothingHalf) {
  const TemporaryDirectory directory;
  const fs::path out = directory / "out";
  const int status = status_of_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    RunDirectory run(out, kSettings);
    run.add(items(0, 4));
    const rlimit limit = {100'000, 100'000};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    std::vector<Finished> batch = items(4, 8);
    batch.back().entry = {.index = 7, .line = 8, .text = "x", .file = "7.svg"};
    batch.back().bytes.assign(200'000, 'x');
    EXPECT_EQ(error_of([&] { run.add(batch); }),
              (out / "7.svg").string() +
                  ": can't be written: File too large\n"
                  "  hint: raise the limit on file sizes (ulimit -f), or write to another disk");
    EXPECT_EQ(run.done(), 4U);
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(names_in(out), (std::vector<std::string>{"0.svg", "3.svg", "manifest.jsonl", "run.json"}));
  EXPECT_EQ(read_manifest(out / "manifest.jsonl").size(), 4U);
}

TEST(RunDirectory, KeepsItsManifestWholeWhereALineDoesNotFit) {
  const TemporaryDirectory directory;
  const fs::path out = directory / "out";
  const int status = status_of_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    RunDirectory run(out, kSettings);
    run.add(items(0, 4));
    const rlim_t room = fs::file_size(out / "manifest.jsonl") + 100;
    const rlimit limit = {room, room};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    Finished long_line = test::item(4);
    long_line.entry.text.assign(200, 'x');
    EXPECT_TRUE(error_of([&] {
                  run.add({&long_line, 1});
                }).starts_with((out / "manifest.jsonl").string() + ": can't be written: File too large"));
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_manifest(out / "manifest.jsonl").size(), 4U);
}

TEST(RunDirectory, SaysWhenItsDirectoryIsGone) {
  const TemporaryDirectory directory;
  const fs::path out = directory / "out";
  for (const bool replaced : {false, true}) {
    RunDirectory run(out, kSettings);
    run.add(items(0, 2));
    fs::remove_all(out);
    if (replaced) test::write(out, "a file");
    const std::string reason = replaced ? "Not a directory" : "No such file or directory";
    EXPECT_TRUE(error_of([&] {
                  run.add(items(2, 4));
                }).starts_with((out / "3.svg").string() + ": can't be written: " + reason));
    EXPECT_EQ(run.done(), 2U);
  }
}

TEST(RunDirectory, SaysWhereItMayNotWrite) {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "closed");
  ASSERT_EQ(::chmod((directory / "closed").c_str(), 0555), 0);
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  const int status = status_of_child([&] {
    fs::current_path(directory.path());  // what lies above it may be closed, too
    // Nothing is closed to root.
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0) {
      ASSERT_EQ(::seteuid(kNobody), 0);
    }
    EXPECT_EQ(
        error_of([&] { RunDirectory run("closed", kSettings); }),
        "closed/.manifest.lock: can't be written: Permission denied\n  hint: choose a place that you may "
        "write to");
    EXPECT_TRUE(error_of([&] {
                  RunDirectory run("closed/out", kSettings);
                }).starts_with("closed/out: can't be made a directory: Permission denied"));
  });
  EXPECT_EQ(status, 0);
}

/// Not even whether it is there.
TEST(RunDirectory, SaysWhereItMayNotLook) {
  const TemporaryDirectory directory;
  fs::create_directories(directory / "hidden/out");
  ASSERT_EQ(::chmod((directory / "hidden").c_str(), 0600), 0);
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  const int status = status_of_child([&] {
    fs::current_path(directory.path());
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0) {
      ASSERT_EQ(::seteuid(kNobody), 0);
    }
    EXPECT_TRUE(error_of([&] {
                  RunDirectory run("hidden/out", kSettings);
                }).starts_with("hidden/out: can't be made a directory: Permission denied"));
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace attnviz
