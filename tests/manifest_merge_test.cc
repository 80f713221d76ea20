#include <gtest/gtest.h>

#include <functional>

#include "attnviz/file.h"
#include "attnviz/manifest.h"
#include "support/runs.h"
#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using test::contents;
using test::error_of;
using test::TemporaryDirectory;

const RunSettings kSettings = {{"program", "attnviz 0.1.0"}, {"model", "minilm"}};

/// A shard's run over the first `done` rows of `rows`; a run that is not done is not finished.
void run(const fs::path& directory, Shard shard, std::size_t rows, std::size_t done,
         const RunSettings& settings = kSettings) {
  RunDirectory run(directory, settings, shard);
  std::vector<Finished> items;
  for (std::size_t i = run.next_index(); i < done; i += shard.count) items.push_back(test::item(i));
  run.add(items);
  if (done == rows) run.finish(rows);
}

std::string merge_fault(const std::vector<fs::path>& directories, const fs::path& out) {
  return error_of([&] { merge(directories, out); });
}

std::string fault_text(const fs::path& out, const std::string& faults) {
  return out.string() + ": the shards are not one whole run: " + faults +
         "\n  hint: finish each shard with --resume, then merge again";
}

TEST(Merge, MakesOfShardsWhatOneRunWouldHaveWritten) {
  for (const std::size_t count : {1U, 3U, 16U}) {
    for (const std::size_t rows : {0U, 10U, 40U}) {
      const TemporaryDirectory directory;
      run(directory / "whole", {}, rows, rows);
      std::vector<fs::path> parts;
      for (std::size_t k = 1; k <= count; ++k) {
        parts.push_back(directory / ("part-" + std::to_string(k)));
        run(parts.back(), {k, count}, rows, rows);
      }
      const Merged merged = merge(parts, directory / "out");
      EXPECT_EQ(merged.items, rows);
      EXPECT_EQ(merged.files + merged.errors + merged.skipped, rows);
      EXPECT_EQ(contents(directory / "out"), contents(directory / "whole")) << count << " shards, " << rows;
      merge(parts, directory / "out");
      EXPECT_EQ(contents(directory / "out"), contents(directory / "whole"));
    }
  }
}

TEST(Merge, CanBeDoneInThePlaceOfTheShards) {
  const TemporaryDirectory directory;
  const fs::path out = directory / "out";
  run(directory / "whole", {}, 20, 20);
  for (const std::size_t k : {2U, 1U, 3U}) run(out, {k, 3}, 20, 20);
  for (int again = 0; again < 2; ++again) {
    merge({{out}}, out);
    EXPECT_EQ(read_file(out / "manifest.jsonl"), read_file(directory / "whole/manifest.jsonl"));
    EXPECT_EQ(read_file(out / "run.json"), read_file(directory / "whole/run.json"));
  }
  EXPECT_EQ(test::names_in(out).size(), test::names_in(directory / "whole").size() + 6);
}

TEST(Merge, LinksFilesInsteadOfCopyingThem) {
  const TemporaryDirectory directory;
  run(directory / "a", {}, 4, 4);
  fs::create_directory(directory / "out");
  merge({{directory / "a"}}, directory / "out");
  EXPECT_TRUE(fs::equivalent(directory / "a/0.svg", directory / "out/0.svg"));
  EXPECT_EQ(read_file(directory / "out/3.svg"), read_file(directory / "a/3.svg"));
}

TEST(Merge, ReplacesWhatAMergeHasWrittenAndNothingElse) {
  const TemporaryDirectory directory;
  run(directory / "a", {}, 4, 4);
  fs::create_directory(directory / "out");
  const fs::path file = directory / "out/3.svg";
  test::write(file, "somebody's");
  EXPECT_EQ(merge_fault({directory / "a"}, directory / "out"),
            file.string() +
                ": there is a file of this name already, which no run here wrote\n  hint: move it away, or "
                "choose another directory");
  EXPECT_EQ(test::names_in(directory / "out"), (std::vector<std::string>{"3.svg"}));
  fs::remove(file);
  merge({{directory / "a"}}, directory / "out");
  fs::remove(file);
  test::write(file, "altered since");
  merge({{directory / "a"}}, directory / "out");
  EXPECT_EQ(read_file(file), read_file(directory / "a/3.svg"));
}

TEST(Merge, GathersAnalysesInOrder) {
  const TemporaryDirectory directory;
  for (const std::size_t k : {1U, 2U}) {
    RunDirectory run(directory / "out", kSettings, {k, 2});
    std::vector<Finished> items;
    for (std::size_t i = k - 1; i < 5; i += 2) {
      Finished item{{.index = i, .line = i + 1, .text = "x"},
                    "{\n \"index\": " + std::to_string(i) + "}\r\n\n"};
      item.entry.file = std::to_string(i) + ".json";
      if (i == 2) item = {{.index = 2, .line = 3, .text = "x", .error = "too long"}, {}};
      items.push_back(item);
    }
    run.add(items);
    run.finish(5);
  }
  merge({{directory / "out"}}, directory / "out");
  EXPECT_EQ(read_file(directory / "out/analysis.jsonl"),
            "{  \"index\": 0}\n{  \"index\": 1}\n{  \"index\": 3}\n{  \"index\": 4}\n");
}

/// What may be wrong with shards 1/3, 2/3 and 3/3 of 10 rows in directories a, b and c.
TEST(Merge, NamesEveryGap) {
  struct Case {
    const char* what;
    std::function<void(const fs::path&)> happen;
    std::string faults;  ///< with @ for the place of the directories
  };
  const auto again = [](const fs::path& place, const char* name, Shard shard, std::size_t rows,
                        std::size_t done, const RunSettings& settings) {
    fs::remove_all(place / name);
    run(place / name, shard, rows, done, settings);
  };
  for (const Case& c : {
           Case{"a shard is missing", [](const fs::path& at) { fs::remove(at / "b/manifest-2-of-3.jsonl"); },
                "shard 2/3 is missing"},
           Case{"a shard was killed",
                [&](const fs::path& at) {
                  again(at, "b", {2, 3}, 10, 4, kSettings);
                },
                "@/b/manifest-2-of-3.jsonl lacks index 4 to 7 in steps of 3"},
           Case{"a shard was killed before its last item",
                [&](const fs::path& at) {
                  again(at, "a", {1, 3}, 10, 9, kSettings);
                },
                "@/a/manifest-1-of-3.jsonl lacks index 9"},
           Case{"a shard was killed before it could know that it is done",
                [&](const fs::path& at) {
                  again(at, "b", {2, 3}, 11, 10, kSettings);
                },
                "@/b/manifest-2-of-3.jsonl is not finished: nothing says that index 10 is not to come"},
           Case{
               "other settings",
               [&](const fs::path& at) {
                 again(at, "c", {3, 3}, 10, 10, {{"program", "attnviz 0.1.0"}, {"model", "gpt2-demo"}});
               },
               "@/c/manifest-3-of-3.jsonl had other settings than @/a/manifest-1-of-3.jsonl: model: expected "
               "minilm, got gpt2-demo"},
           Case{"another number of shards",
                [&](const fs::path& at) {
                  again(at, "c", {3, 4}, 10, 10, kSettings);
                },
                "@/c/manifest-3-of-4.jsonl is shard 3/4, expected one of 3; shard 3/3 is missing"},
           Case{"a shard twice",
                [&](const fs::path& at) {
                  again(at, "c", {2, 3}, 10, 10, kSettings);
                },
                "shard 2/3 is there twice: @/b/manifest-2-of-3.jsonl and @/c/manifest-2-of-3.jsonl; shard "
                "3/3 is "
                "missing"},
           Case{"another input",
                [&](const fs::path& at) {
                  again(at, "c", {3, 3}, 9, 9, kSettings);
                },
                "@/c/manifest-3-of-3.jsonl has read 9 rows, @/a/manifest-1-of-3.jsonl 10"},
           Case{"files that are gone or altered",
                [](const fs::path& at) {
                  fs::remove(at / "a/3.svg");
                  test::write(at / "a/6.svg", "x");
                },
                "index 3: @/a/3.svg is missing; index 6: @/a/6.svg is not what its run wrote"},
           Case{"a line is gone",
                [](const fs::path& at) {
                  const std::string bytes = read_file(at / "a/manifest-1-of-3.jsonl");
                  test::write(at / "a/manifest-1-of-3.jsonl", bytes.substr(bytes.find('\n') + 1));
                },
                "@/a/manifest-1-of-3.jsonl:1: expected index 0, got 3"},
           Case{"a line too many",
                [](const fs::path& at) {
                  const std::string path = (at / "b/manifest-2-of-3.jsonl").string();
                  const ManifestEntry more{.index = 10, .line = 11, .text = "x", .error = "e"};
                  test::write(path, read_file(path) + to_json(more) + "\n");
                },
                "@/b/manifest-2-of-3.jsonl has more items than the input's 10"},
       }) {
    const TemporaryDirectory directory;
    const std::string place = directory.path().string();
    const std::vector<fs::path> parts = {directory / "a", directory / "b", directory / "c"};
    for (std::size_t k = 1; k <= 3; ++k) run(parts[k - 1], {k, 3}, 10, 10);
    c.happen(directory.path());
    // Removing b's manifest leaves a directory without any.
    const bool no_manifest = c.faults == "shard 2/3 is missing";
    const std::vector<fs::path> given = no_manifest ? std::vector<fs::path>{parts[0], parts[2]} : parts;
    std::string expected = c.faults;
    for (std::size_t at = 0; (at = expected.find('@')) != std::string::npos;) expected.replace(at, 1, place);
    EXPECT_EQ(merge_fault(given, directory / "out"), fault_text(directory / "out", expected)) << c.what;
    EXPECT_FALSE(fs::exists(directory / "out")) << c.what;
  }
}

TEST(Merge, SaysEveryFaultAtOnce) {
  const TemporaryDirectory directory;
  run(directory / "a", {2, 4}, 12, 6);
  EXPECT_EQ(
      merge_fault({directory / "a"}, directory / "out"),
      fault_text(directory / "out", "shard 1/4 is missing; shard 3/4 is missing; shard 4/4 is missing; " +
                                        (directory / "a/manifest-2-of-4.jsonl").string() +
                                        " is not finished: nothing says that index 9 is not to come"));
}

TEST(Merge, RefusesWhatIsNoRunAndWhatIsAnothersPlace) {
  const TemporaryDirectory directory;
  const std::string place = directory.path().string();
  fs::create_directory(directory / "empty");
  EXPECT_EQ(merge_fault({directory / "empty"}, directory / "out"),
            place + "/empty: there is no run's manifest\n  hint: name directories that runs wrote to");
  EXPECT_EQ(merge_fault({directory / "none"}, directory / "out"),
            place + "/none: can't be read: No such file or directory");
  run(directory / "a", {}, 3, 3);
  run(directory / "other", {}, 3, 3, {{"program", "attnviz 0.1.0"}, {"model", "gpt2-demo"}});
  const auto before = contents(directory / "other");
  EXPECT_EQ(merge_fault({directory / "a"}, directory / "other"),
            place +
                "/other/manifest.jsonl: there is another run's manifest already: model: expected gpt2-demo, "
                "got minilm\n  hint: choose another directory");
  RunDirectory live(directory / "live", kSettings);
  EXPECT_EQ(merge_fault({directory / "a"}, directory / "live"),
            place + "/live: another run writes here now\n  hint: wait for it, or choose another directory");
  EXPECT_EQ(contents(directory / "other"), before);
  test::write(directory / "a/run.json", R"({"format": 9})");
  EXPECT_EQ(
      merge_fault({directory / "a"}, directory / "out"),
      place +
          "/a/run.json: format 9, expected 2\n  hint: another version of the program wrote it: finish it "
          "with that one, or start anew in another directory");
}

TEST(Merge, RefusesNamesThatLeadOutOfTheDirectory) {
  const TemporaryDirectory directory;
  run(directory / "a", {}, 1, 1);
  const std::string path = (directory / "a/manifest.jsonl").string();
  std::string line = read_file(path);
  line.replace(line.find("0.svg"), 5, "../x");
  test::write(path, line);
  EXPECT_EQ(merge_fault({directory / "a"}, directory / "out"),
            path + ":1: file is ../x, which is no name for one");
}

TEST(Merge, CopiesAcrossFileSystems) {
  const fs::path memory = "/dev/shm";
  const TemporaryDirectory directory;
  if (!fs::is_directory(memory)) GTEST_SKIP() << "there is one file system only";
  run(directory / "a", {}, 4, 4);
  const fs::path out = memory / directory.path().filename();
  merge({{directory / "a"}}, out);
  const auto copied = contents(out);
  fs::remove_all(out);
  EXPECT_EQ(copied, contents(directory / "a"));
}

}  // namespace
}  // namespace attnviz
