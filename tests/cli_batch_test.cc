#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "attnviz/attention.h"
#include "attnviz/file.h"
#include "attnviz/manifest.h"
#include "attnviz/render.h"
#include "cli/progress.h"
#include "support/command_line.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::CommandLine;
using test::Outcome;
using test::Refusal;
using test::run;

constexpr char kLines[] = "The cat sat.\nA much longer sentence about the river bank.\nThe dog ran.\n";

class Batch : public CommandLine {
 protected:
  static void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  /// Runs it into the directory and returns its manifest.
  static std::vector<ManifestEntry> manifest_of(std::vector<std::string> arguments,
                                                const std::string& directory, int status = 0,
                                                const std::string& input = "") {
    arguments.insert(arguments.end(), {"-q", "-o", directory});
    const Outcome outcome = run(arguments, input);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    EXPECT_EQ(outcome.out, directory + "/manifest.jsonl\n");
    return read_manifest(directory + "/manifest.jsonl");
  }

  static std::map<std::string, std::string> contents(const std::string& directory) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(directory)) {
      files[entry.path().filename()] = read_file(entry.path());
    }
    return files;
  }

  static std::vector<std::string> texts(const std::vector<ManifestEntry>& entries) {
    std::vector<std::string> texts;
    for (const ManifestEntry& entry : entries) texts.push_back(entry.text);
    return texts;
  }
};

TEST_F(Batch, ReadsTheSameTextsFromEveryFormat) {
  write("a.txt", "\xEF\xBB\xBFSay \"hi\", please\r\nThe cat\r\n");
  write("a.csv", "id,text\r\n1,\"Say \"\"hi\"\", please\"\r\n2,The cat\r\n");
  write("a.tsv", "The cat was here\tnobody\nSay \"hi\", please\tx\nThe cat\ty\n");
  write("a.jsonl", "{\"body\": \"Say \\\"hi\\\", please\"}\n\n{\"body\": \"The cat\"}\n");
  const std::vector<std::string> expected = {"Say \"hi\", please", "The cat"};
  const std::vector<ManifestEntry> lines = manifest_of({"render", "--input", "a.txt"}, "txt");
  EXPECT_EQ(texts(lines), expected);
  const std::vector<std::pair<std::vector<std::string>, std::string>> others = {
      {{"render", "--input", "a.csv"}, "csv"},
      {{"render", "--input", "a.tsv", "--column", "1", "--no-header", "--skip", "1"}, "tsv"},
      {{"render", "--input", "a.jsonl", "--field", "body"}, "jsonl"}};
  for (const auto& [arguments, directory] : others) {
    const std::vector<ManifestEntry> entries = manifest_of(arguments, directory);
    EXPECT_EQ(texts(entries), expected) << directory;
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(entries[i].sha256, lines[i].sha256) << directory;
  }
  const std::vector<ManifestEntry> piped =
      manifest_of({"render", "--input", "-", "--input-format", "csv"}, "piped", 0, read_file("a.csv"));
  EXPECT_EQ(piped[1].sha256, lines[1].sha256);
}

TEST_F(Batch, DrawsWithEveryCommand) {
  write("a.txt", kLines);
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"render", "--layer", "2", "--head", "3"},
           {"grid", "--layer", "2", "--heads", "0,3"},
           {"layers", "--layers", "1,2"},
           {"compare", "--layer", "1", "--layer", "2"},
           {"compare", "--model", "minilm", "--model", "gpt2-demo", "--align"},
           {"compare", "--against", "The bird flew."},
           {"diff", "--layer", "1", "--layer", "2"},
           {"flow", "--token", "1"},
           {"rollout"},
           {"summary"},
           {"extract", "--layers", "2"},
           {"analyze", "--json"},
           {"analyze", "--explore"},
       }) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.end(), {"--input", "a.txt"});
    std::string name = command[0] + std::to_string(files().size());
    const std::vector<ManifestEntry> entries = manifest_of(arguments, name);
    ASSERT_EQ(entries.size(), 3U) << name;
    for (const ManifestEntry& entry : entries) {
      EXPECT_EQ(sha256_of_file(fs::path(name) / entry.file), entry.sha256) << name;
      EXPECT_GT(entry.tokens, 4U);
      EXPECT_GT(entry.metrics.at("entropy"), 0);
    }
    const bool figures = command[0] != "extract" && command.back() != "--json";
    EXPECT_EQ(fs::exists(fs::path(name) / "index.html"), figures) << name;
  }
}

/// Whatever it is batched with, a text's numbers are those that it has alone.
TEST_F(Batch, GivesEachTextTheNumbersThatItHasAlone) {
  write("a.txt", kLines);
  for (const char* model : {"minilm", "gpt2-demo"}) {
    for (const char* backend : {"checkpoint", "torchscript"}) {
      const std::string directory = std::string(model) + backend;
      const std::vector<ManifestEntry> entries = manifest_of(
          {"extract", "--format", "json", "--model", model, "--backend", backend, "--input", "a.txt"},
          directory);
      for (const ManifestEntry& entry : entries) {
        const json batched = json::parse(read_file(fs::path(directory) / entry.file));
        const Outcome outcome = run(
            {"extract", "--format", "json", "-o", "-", "--model", model, "--backend", backend, entry.text});
        const json alone = json::parse(outcome.out);
        const auto a = batched["attention"].flatten(), b = alone["attention"].flatten();
        ASSERT_EQ(a.size(), b.size());
        double worst = 0;
        for (auto left = a.begin(), right = b.begin(); left != a.end(); ++left, ++right) {
          if (left->is_number()) {
            worst = std::max(worst, std::abs(left->get<double>() - right->get<double>()));
          }
        }
        EXPECT_LE(worst, 1e-5) << model << backend;
      }
    }
  }
}

TEST_F(Batch, TellsWhatWasPassedOverAndWhatFailed) {
  std::string words;
  for (int i = 0; i < 600; ++i) words += "word ";
  write("a.txt", "one\nThe cat sat on the mat.\n\n" + words + "\nbad \xFF byte\nThe dog ran.\nNot read.\n");
  const Outcome outcome =
      run({"render", "--input", "a.txt", "--min-tokens", "4", "--limit", "2", "-q", "-o", "out"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err, "attnviz: 3 of 6 texts could not be done\n  hint: out/manifest.jsonl says why\n");
  const std::vector<ManifestEntry> entries = read_manifest("out/manifest.jsonl");
  ASSERT_EQ(entries.size(), 6U);
  EXPECT_EQ(entries[0].skipped, "3 tokens, --min-tokens is 4");
  EXPECT_EQ(entries[1].file, "000001.png");
  EXPECT_EQ(entries[2].error, "text: empty");
  EXPECT_EQ(entries[3].error, "text: 602 tokens, minilm takes at most 512");
  EXPECT_EQ(entries[4].error, "text: not UTF-8 at byte 4 (0xFF)");
  EXPECT_EQ(entries[5].file, "000005.png");
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(entries[i].index, i);
    EXPECT_EQ(entries[i].line, i + 1);
  }
}

/// What is wrong with a model is told once, and not of every text.
TEST_F(Batch, StopsWhereTheModelCannotRun) {
  write("a.txt", kLines);
  copy_gpt2("broken");
  fs::resize_file("broken/model.safetensors", 100'000);
  const Outcome outcome = run({"render", "--model", "./broken", "--input", "a.txt", "-q", "-o", "out"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err.find("attnviz: ./broken/model.safetensors: "), 0U) << outcome.err;
  EXPECT_FALSE(fs::exists("out"));
}

TEST_F(Batch, TakesPairsAndNamesFilesAfterIds) {
  write("a.csv",
        "premise,hypothesis,key\nIt rained.,It was wet.,../../etc/passwd\nIt snowed.,,b\nThe sun.,The "
        "moon.,\n");
  const std::vector<ManifestEntry> entries =
      manifest_of({"render", "--input", "a.csv", "--column", "premise", "--pair-column", "hypothesis",
                   "--id-column", "key", "--format", "svg"},
                  "out", 2);
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].pair, "It was wet.");
  EXPECT_EQ(entries[0].id, "../../etc/passwd");
  EXPECT_EQ(entries[0].file, "000000-etc-passwd.svg");
  EXPECT_EQ(entries[1].error, "text: pair: empty");
  for (const auto& [name, bytes] : contents("out")) EXPECT_EQ(name.find('/'), std::string::npos);
  const std::optional<std::string> record = read_record(fs::path("out") / entries[0].file);
  ASSERT_TRUE(record);
  EXPECT_EQ(json::parse(*record)["texts"][0]["pair"], "It was wet.");
}

/// A resumed run ends with the bytes of one that nothing disturbed, wherever it stopped.
TEST_F(Batch, ResumesToTheBytesOfAnUndisturbedRun) {
  const std::string comments = (test::data("comments.csv")).string();
  const std::vector<std::string> command = {"render",   "--head",  "2",       "--input", comments,
                                            "--column", "comment", "--limit", "40",      "-q"};
  const auto into = [&](const std::string& directory, bool resume) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.end(), {"-o", directory});
    if (resume) arguments.emplace_back("--resume");
    return run(arguments);
  };
  ASSERT_EQ(into("whole", false).status, 0);
  const auto whole = contents("whole");
  for (const std::size_t lines : {0, 1, 17, 40}) {
    const std::string directory = "part" + std::to_string(lines);
    fs::copy("whole", directory);
    std::string manifest = whole.at("manifest.jsonl");
    std::size_t end = 0;
    for (std::size_t line = 0; line < lines; ++line) end = manifest.find('\n', end) + 1;
    write(directory + "/manifest.jsonl", manifest.substr(0, end) + "{\"index\": 4");
    fs::remove(directory + "/000039.png");
    if (lines > 1) write(directory + "/000001.png", "altered");
    const Outcome outcome = into(directory, true);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(contents(directory), whole) << lines;
  }
}

TEST_F(Batch, RefusesToResumeAnotherRun) {
  write("a.txt", kLines);
  const std::vector<std::string> command = {"render", "--input", "a.txt", "-o", "out", "-q"};
  ASSERT_EQ(run(command).status, 0);
  expect_refused(
      command,
      "out/manifest.jsonl: there is a run's manifest already\n  hint: go on with --resume, or choose "
      "another directory");
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), command.begin(), command.end());
    more.emplace_back("--resume");
    return run(more);
  };
  EXPECT_EQ(with({}).status, 0);
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{{"--layer", "2"},
                                                                                    {"--format", "svg"},
                                                                                    {"--threads", "1"},
                                                                                    {"--model", "gpt2-demo"},
                                                                                    {"--skip", "1"}}) {
    const Outcome outcome = with(more);
    EXPECT_EQ(outcome.status, 2) << more[0];
    EXPECT_NE(outcome.err.find("the run to go on with had other settings"), std::string::npos) << outcome.err;
  }
  write("a.txt", "The cat sat.\nAnother sentence.\nThe dog ran.\n");
  EXPECT_EQ(
      with({}).err,
      "attnviz: --resume: line 2 of the input is another than before\n  hint: go on with the same input, or "
      "choose another directory\n");
}

/// Another byte near the file's end: of weights a number, of a tokenizer.json or config.json white space.
void alter(const std::string& path) {
  std::string bytes = read_file(path);
  if (path.ends_with(".json")) {
    bytes += "\n";
  } else {
    bytes[bytes.size() - 4] = static_cast<char>(bytes[bytes.size() - 4] ^ 1);
  }
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST_F(Batch, RefusesToGoOnWithOtherFilesOfTheModel) {
  write("a.txt", kLines);
  copy_gpt2("a");
  fs::copy("a", "sharded");
  json index = {{"weight_map", json::object()}};
  const Safetensors weights("a/model.safetensors");
  for (const auto& [name, view] : weights.tensors())
    index["weight_map"][name] = "model-00001-of-00001.safetensors";
  write("sharded/model.safetensors.index.json", index.dump());
  fs::rename("sharded/model.safetensors", "sharded/model-00001-of-00001.safetensors");
  fs::copy("a", "stale");
  write("stale/attnviz.json",
        R"({"format": 1, "sha256": {"model.safetensors": ")" + std::string(64, '0') + "\"}}");
  fs::copy(models() / "gpt2-demo", "traced");
  struct Case {
    std::string model, file;
    std::vector<std::string> more = {};
  };
  for (const Case& c : std::vector<Case>{{"a", "model.safetensors"},
                                         {"a", "config.json"},
                                         {"a", "tokenizer.json"},
                                         {"stale", "model.safetensors"},
                                         {"stale", "attnviz.json"},
                                         {"sharded", "model-00001-of-00001.safetensors"},
                                         {"sharded", "model.safetensors.index.json"},
                                         {"traced", "model.safetensors"},
                                         {"traced", "attnviz.json", {"--backend", "torchscript"}}}) {
    SCOPED_TRACE(c.model + "/" + c.file);
    std::vector<std::string> command = {"render", "--model", "./" + c.model, "--input",
                                        "a.txt",  "-o",      "out",          "-q"};
    command.insert(command.end(), c.more.begin(), c.more.end());
    ASSERT_EQ(run(command).status, 0);
    const auto before = contents("out");
    command.emplace_back("--resume");
    const std::string path = c.model + "/" + c.file;
    fs::copy_file(path, "kept");
    alter(path);
    const Outcome refused = run(command);
    EXPECT_EQ(refused.status, 2);
    EXPECT_NE(refused.err.find("had other settings: model/" + c.file + ": expected xxh64 "),
              std::string::npos)
        << refused.err;
    EXPECT_EQ(contents("out"), before);
    // Another time, another inode: the same bytes are the same file.
    fs::remove(path);
    fs::rename("kept", path);
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
    EXPECT_EQ(run(command).status, 0);
    fs::remove_all("out");
  }
}

TEST_F(Batch, RefusesToGoOnWithAFileMoreOrAnotherDirectory) {
  write("a.txt", kLines);
  copy_gpt2("a");
  const std::vector<std::string> command = {"render", "--model", "./a", "--input",
                                            "a.txt",  "-o",      "out", "-q"};
  ASSERT_EQ(run(command).status, 0);
  std::vector<std::string> resumed = command;
  resumed.emplace_back("--resume");
  write("a/README.md", "no file that is read");
  EXPECT_EQ(run(resumed).status, 0);
  write("a/attnviz.json", R"({"format": 1})");
  EXPECT_EQ(run(resumed).status, 2);
  fs::remove_all("a");
  fs::copy(models() / "minilm", "a");
  const Outcome other = run(resumed);
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.err.find("had other settings: model"), std::string::npos) << other.err;
}

TEST_F(Batch, KnowsBothModelsOfAComparison) {
  write("a.txt", kLines);
  copy_gpt2("a");
  fs::copy("a", "b");
  for (const char* const command : {"compare", "diff"}) {
    std::vector<std::string> arguments = {command,  "--model", "./a", "--model", "./b",   "--layer", "2",
                                          "--head", "0",       "-q",  "--input", "a.txt", "-o",      command};
    ASSERT_EQ(run(arguments).status, 0);
    arguments.emplace_back("--resume");
    EXPECT_EQ(run(arguments).status, 0);
    for (const auto& [model, name] : {std::pair{"a", "model/"}, std::pair{"b", "model 2/"}}) {
      const std::string path = std::string(model) + "/model.safetensors";
      alter(path);
      const Outcome outcome = run(arguments);
      EXPECT_EQ(outcome.status, 2);
      EXPECT_NE(outcome.err.find(std::string(name) + "model.safetensors: expected"), std::string::npos)
          << outcome.err;
      alter(path);
    }
  }
}

TEST_F(Batch, MergesShardsOfEqualFilesOnly) {
  write("a.txt", kLines);
  for (const char* const machine : {"one", "two"}) {
    fs::create_directory(machine);
    copy_gpt2(std::string(machine) + "/m");
  }
  const auto shard = [&](const std::string& machine, const std::string& number) {
    setenv("ATTNVIZ_MODELS", machine.c_str(), 1);
    return run(
        {"render", "--model", "m", "--input", "a.txt", "-o", "out" + number, "-q", "--shard", number + "/2"});
  };
  fs::last_write_time("two/m/model.safetensors", fs::file_time_type::clock::now() - std::chrono::hours(1));
  ASSERT_EQ(shard("one", "1").status, 0);
  ASSERT_EQ(shard("two", "2").status, 0);
  EXPECT_EQ(run({"merge", "out1", "out2", "-o", "whole"}).status, 0);
  fs::remove_all("out2");
  alter("two/m/model.safetensors");
  ASSERT_EQ(shard("two", "2").status, 0);
  const Outcome refused = run({"merge", "out1", "out2", "-o", "mixed"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.err.find(
                "had other settings than out1/manifest-1-of-2.jsonl: model/model.safetensors: expected"),
            std::string::npos)
      << refused.err;
  EXPECT_FALSE(fs::exists("mixed"));
}

TEST_F(Batch, ReplacesNoFileOfSomebodyElse) {
  write("a.txt", kLines);
  for (const char* const name : {"000001.png", "000007-mine.png", "index.html", "run.json"}) {
    fs::create_directory("out");
    const std::string path = std::string("out/") + name;
    write(path, "mine");
    const Outcome outcome = run({"render", "--input", "a.txt", "-q", "-o", "out"});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.err.find("attnviz: " + path + ": there is a file "), 0U) << outcome.err;
    EXPECT_EQ(read_file(path), "mine");
    EXPECT_EQ(contents("out").size(), 1U);
    fs::remove_all("out");
  }
  // None of these is a name that the run gives.
  fs::create_directory("out");
  for (const char* const name : {"000001.svg", "1.png", "2024-report.png", "manifest.txt"})
    write(std::string("out/") + name, "mine");
  EXPECT_EQ(run({"render", "--input", "a.txt", "-q", "-o", "out"}).status, 0);
  EXPECT_EQ(read_file("out/000001.svg"), "mine");
  // Its own are replaced where they are to be made again.
  write("out/000001.png", "altered");
  EXPECT_EQ(run({"render", "--input", "a.txt", "-q", "-o", "out", "--resume"}).status, 0);
  EXPECT_NE(read_file("out/000001.png"), "altered");
  EXPECT_EQ(run({"analyze", "--json", "--input", "a.txt", "-q", "-o", "shards", "--shard", "1/2"}).status, 0);
  EXPECT_EQ(run({"analyze", "--json", "--input", "a.txt", "-q", "-o", "shards", "--shard", "2/2"}).status, 0);
  for (const char* const name : {"000000.json", "index.html", "analysis.jsonl"}) {
    fs::create_directory("whole");
    write(std::string("whole/") + name, "mine");
    const Outcome outcome = run({"merge", "shards", "-o", "whole"});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.err.find(std::string("attnviz: whole/") + name + ": there is a file "), 0U)
        << outcome.err;
    EXPECT_EQ(contents("whole").size(), 1U);
    fs::remove_all("whole");
  }
  EXPECT_EQ(run({"merge", "shards"}).status, 0);
  EXPECT_EQ(run({"merge", "shards"}).status, 0);
}

TEST_F(Batch, MergesShardsToTheWholeRun) {
  const std::string comments = (test::data("comments.csv")).string();
  const std::vector<std::string> command = {"analyze", "--json",    "--input", comments, "--column",
                                            "comment", "--threads", "1",       "-q",     "-o"};
  const auto into = [&](const std::string& directory, const std::string& shard) {
    std::vector<std::string> arguments = command;
    arguments.push_back(directory);
    if (!shard.empty()) arguments.insert(arguments.end(), {"--shard", shard});
    return run(arguments);
  };
  ASSERT_EQ(into("whole", "").status, 0);
  for (const char* shard : {"1/3", "3/3"}) ASSERT_EQ(into("parts", shard).status, 0);
  const Outcome missing = run({"merge", "parts"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_NE(missing.err.find("2"), std::string::npos) << missing.err;
  setenv("SLURM_ARRAY_TASK_ID", "11", 1);
  setenv("SLURM_ARRAY_TASK_MIN", "10", 1);
  setenv("SLURM_ARRAY_TASK_MAX", "12", 1);
  setenv("SLURM_ARRAY_TASK_COUNT", "3", 1);
  ASSERT_EQ(into("parts", "slurm").status, 0);
  for (const char* name : {"ID", "MIN", "MAX", "COUNT"}) {
    unsetenv((std::string("SLURM_ARRAY_TASK_") + name).c_str());
  }
  const Outcome merged = run({"merge", "parts"});
  ASSERT_EQ(merged.status, 0) << merged.err;
  EXPECT_EQ(merged.out, "parts/manifest.jsonl\n");
  // Other batches, other sixth decimals: what is listed is the same.
  const std::vector<ManifestEntry> whole = read_manifest("whole/manifest.jsonl"),
                                   parts = read_manifest("parts/manifest.jsonl");
  ASSERT_EQ(whole.size(), parts.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(whole[i].file, parts[i].file);
    EXPECT_EQ(whole[i].text, parts[i].text);
    EXPECT_NEAR(whole[i].metrics.at("entropy"), parts[i].metrics.at("entropy"), 1e-5);
  }
  std::ifstream lines("parts/analysis.jsonl");
  std::size_t index = 0;
  for (std::string line; std::getline(lines, line); ++index) EXPECT_EQ(json::parse(line)["index"], index);
  EXPECT_EQ(index, whole.size());
}

TEST_F(Batch, PrintsWhatHasNoFilesOneTextAfterAnother) {
  write("a.txt", "The cat sat.\n\nThe dog ran.\n");
  const Outcome lines = run({"tokens", "--json", "--input", "a.txt", "-q"});
  EXPECT_EQ(lines.status, 2);
  EXPECT_EQ(lines.err, "attnviz: line 2: text: empty\nattnviz: 1 of 3 texts could not be done\n");
  std::istringstream stream(lines.out);
  std::vector<json> objects;
  for (std::string line; std::getline(stream, line);) objects.push_back(json::parse(line));
  ASSERT_EQ(objects.size(), 3U);
  EXPECT_EQ(objects[0]["tokens"][2], "cat");
  EXPECT_EQ(objects[1], json::parse(R"({"index": 1, "line": 2, "text": "", "error": "text: empty"})"));
  EXPECT_EQ(objects[2]["index"], 2);
  EXPECT_EQ(lines.out.substr(0, lines.out.find('\n') + 1), run({"tokens", "--json", "The cat sat."}).out);

  const Outcome csv = run({"analyze", "--csv", "--table", "layers", "--input", "a.txt", "-q"});
  EXPECT_EQ(csv.out.substr(0, csv.out.find('\n')), "index,layer,mean_weight,entropy");
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 1 + 2 * 6);
  EXPECT_NE(csv.out.find("\n2,6,"), std::string::npos);
  const Outcome tables = run({"analyze", "--table", "layers", "--input", "a.txt", "-q"});
  EXPECT_EQ(tables.out.find("== 0: The cat sat.\n"), 0U);
  EXPECT_NE(tables.out.find("\n== 2: The dog ran.\n"), std::string::npos);
}

TEST_F(Batch, RefusesWhatManyTextsCannotHave) {
  write("a.txt", kLines);
  write("a.log", kLines);
  write("a.csv", "id,comment\n1,x\n");
  write("empty.csv", "");
  fs::create_directory("folder.txt");
  const auto with = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"render", "--input", "a.txt"});
    return more;
  };
  const std::string out = "\n  hint: name the directory that the files go to, as in -o figures";
  for (
      const Refusal& c : std::vector<Refusal>{
          {with({}), "-o: missing" + out},
          {with({"-o", "-"}), "-o -: --input writes a file a text\n  hint: name a directory"},
          {with({"-o", "a.png"}),
           "-o a.png: --input writes a file a text, expected a directory\n  hint: --format png says of which "
           "format they are"},
          {with({"-o", "out", "The cat"}), "TEXT: --input gives the texts already\n  hint: leave one out"},
          {with({"-o", "out", "--pair", "x"}),
           "--pair: --input gives many texts\n  hint: --pair-column names their second sentences"},
          {with({"-o", "out", "--show"}), "--show: draws one text, --input gives many\n  hint: leave it out"},
          {with({"-o", "out", "--describe"}),
           "--describe: draws one text, --input gives many\n  hint: leave it out"},
          {with({"-o", "out", "--timings"}),
           "--timings: it times one text, --input gives many\n  hint: leave it out"},
          {with({"-o", "missing/out"}),
           "missing/out: can't be made a directory: No such file or directory\n  hint: make its parent "
           "first: "
           "mkdir -p missing"},
          {with({"-o", "a.log"}),
           "a.log: can't be made a directory: Not a directory\n  hint: choose another directory"},
          {with({"-o", "out", "--layer", "9"}), "--layer 9: minilm has layers 1 to 6"},
          {with({"-o", "out", "--shard", "4/3"}),
           "--shard 4/3: expected the part and how many there are, such as 3/16, or slurm"},
          {with({"-o", "out", "--shard", "slurm"}),
           "--shard slurm: expected SLURM_ARRAY_TASK_ID, _COUNT, _MIN and _MAX in the environment\n  hint: "
           "submit "
           "with sbatch --array=1-16, or name the shard: --shard 3/16"},
          {with({"-o", "out", "--shard", "1/2", "--limit", "3"}),
           "--limit: --shard's parts do not know of each other's texts, nor when there are enough\n  hint: cut "
           "the input instead: head -n"},
          {{"render", "--input", "a.log", "-o", "out"},
           "--input a.log: unknown extension, expected .txt, .jsonl, .csv or .tsv\n  hint: --input-format "
           "says it "
           "whatever the name is"},
          {{"render", "--input", "nothing.txt", "-o", "out"},
           "--input nothing.txt: can't be read: No such file or directory"},
          {{"render", "--input", "folder.txt", "-o", "out"},
           "--input folder.txt: can't be read: Is a directory"},
          {{"render", "--limit", "3", "The cat"},
           "--limit: there is but one text\n  hint: --input FILE gives many"},
          {{"render", "--resume", "The cat"},
           "--resume: there is but one text\n  hint: --input FILE gives many"},
          {{"merge", "nowhere"}, "nowhere: can't be read: No such file or directory"},
          {{"merge", "a", "b"},
           "-o: missing\n  hint: name the directory that the whole goes to, as in -o figures"},
      }) {
    expect_refused(c.arguments, c.message);
  }
  const Outcome columns = run({"render", "--input", "a.csv", "--column", "coment", "-o", "out"});
  EXPECT_NE(columns.err.find("did you mean comment?"), std::string::npos) << columns.err;
  EXPECT_EQ(run({"render", "--input", "empty.csv", "-o", "out"}).status, 2);
  EXPECT_FALSE(fs::exists("out"));
}

TEST_F(Batch, TellsItsProgressToPeopleAndPrograms) {
  write("a.txt", kLines);
  const Outcome plain = run({"tokens", "--json", "--input", "a.txt"});
  EXPECT_EQ(plain.err.find("attnviz: 3 done, "), 0U) << plain.err;
  const Outcome machine = run({"tokens", "--json", "--input", "a.txt", "--progress", "json"});
  const json last = json::parse(machine.err.substr(machine.err.rfind('{')));
  EXPECT_EQ(last["done"], 3);
  EXPECT_EQ(last["failed"], 0);
  EXPECT_EQ(last["share"], 1.0);
}

TEST(ProgressBar, FitsTheTerminalHoweverNarrow) {
  const cli::Tally tally{.done = 1234, .failed = 5, .skipped = 67};
  for (std::size_t columns = 0; columns < 200; ++columns) {
    const std::string bar = cli::progress_bar(tally, 0.5, 61.3, 125.0, columns);
    EXPECT_TRUE(bar.size() < columns || bar.empty()) << columns;
  }
  EXPECT_EQ(cli::progress_bar(tally, 0.5, 61.3, 125.0, 40), "1234 done, 5 failed, 2:05 left, 61/s");
  EXPECT_EQ(cli::progress_bar(tally, 0.5, 61.3, 125.0, 80),
            "[############............] 1234 done, 5 failed, 2:05 left, 61/s, 67 passed over");
  EXPECT_EQ(cli::progress_bar({.done = 3}, std::nullopt, 2, std::nullopt, 80), "3 done, 2.0/s");
  EXPECT_EQ(cli::show_duration(59.2), "1:00");
  EXPECT_EQ(cli::show_duration(3725), "1:02:05");
}

}  // namespace
}  // namespace attnviz
