#include "attnviz/check.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

#include "attnviz/file.h"
#include "attnviz/render.h"
#include "attnviz/text.h"
#include "cli/checked_files.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/rerun.h"

namespace attnviz::cli {
namespace {

namespace fs = std::filesystem;
using Status = CheckResult::Status;

struct CheckCommand {
  std::vector<std::string> figures;
  fs::path baseline;  ///< empty: today's model
  CheckOptions options;
  std::vector<std::string> reports;
  bool update = false, force = false, strict = false, github = false, quiet = false;
  ModelOptions model;
  Sandbox sandbox = Sandbox::automatic;
};

const Choices<double> kTolerances = {
    {"fp32", usual_atol("fp32")}, {"fp16", usual_atol("fp16")}, {"bf16", usual_atol("bf16")}};

double read_tolerance(const Given& given) {
  const double number = read_number(given);
  if (number < 0) refuse(given, "0 or more");
  return number;
}

std::string read_report(const Given& given) {
  const std::string extension = fs::path(given.value).extension().string();
  if (extension != ".html" && extension != ".xml" && extension != ".json")
    refuse(given, "a file that ends in .html, .xml (JUnit) or .json");
  return given.value;
}

void add_comparing_flags(Flags& flags, CheckCommand& command) {
  CheckOptions& options = command.options;
  flags.group("Comparing");
  flags.value("--baseline", "DIR",
              "compare with the figures of the same names in this directory, and run no model",
              [&](const Given& given) {
                if (given.value.empty()) refuse(given, "a directory");
                command.baseline = given.value;
              });
  flags.value("--dtype", "fp32|fp16|bf16",
              "the precision whose numbers are compared: --atol is 1e-4, 1e-2 or 8e-2 (default: as the "
              "figure says of itself)",
              [&](const Given& given) { options.atol = read_choice(given, kTolerances); });
  flags.value("--atol", "X", "numbers may differ by so much (default: 1e-4, or as --dtype says) …",
              [&](const Given& given) { options.atol = read_tolerance(given); });
  flags.value("--rtol", "X", "… and by this share of what was expected (default: 1e-3)",
              [&](const Given& given) { options.rtol = read_tolerance(given); });
  flags.flag("--same-model", "fail when the model's or tokenizer's files changed, even if no number did",
             options.same_model);
  flags.flag("--pixels", "compare what is drawn, too: everything but text within one level a channel",
             options.pixels);
  flags.flag("--strict", "fail on a baseline whose figure is gone", command.strict);
}

Flags check_flags(CheckCommand& command) {
  Flags flags(
      {"check",
       "Compares saved figures with a directory of baselines, or their recorded requests with what "
       "today's model gives: request, tokens, invariants, numbers, and whether the pictures show those "
       "numbers. The exit status is 1 when a figure differs or has no baseline or no record.",
       {"attnviz check figures", "attnviz check figures --baseline baselines",
        "attnviz check figures --baseline baselines --report check.html --report check.xml",
        "attnviz check figures --baseline baselines --update"}});
  flags.arguments("FIGURES", "PNGs, SVGs and PDFs that attnviz wrote, or directories of them",
                  "name figures or a directory, as in attnviz check figures --baseline baselines",
                  [&](const Given& given) { command.figures.push_back(given.value); });
  add_comparing_flags(flags, command);
  flags.group("Baselines");
  flags.flag("--update", "make the figures that differ, or have no baseline, the new baselines",
             command.update);
  flags.flag("--force", "--update even where the environment variable CI is set", command.force);
  flags.group("Reports");
  constexpr std::size_t kMostReports = 10;
  flags.value(
      "--report", "FILE", "write a report too, .html, .xml (JUnit) or .json; may be given several times",
      [&](const Given& given) { command.reports.push_back(read_report(given)); }, kMostReports);
  flags.flag("--github", "print annotations for GitHub's workflows", command.github);
  flags.flag("-q,--quiet", "print nothing but errors", command.quiet);
  add_device_flags(flags, command.model, command.sandbox);
  flags.value("--backend", "auto|checkpoint|torchscript",
              "how models run (default: auto, as the figure says of itself)",
              [&](const Given& given) { command.model.backend = read_backend(given); });
  return flags;
}

/// Calls `work` with 0 to count − 1, several at a time; it may not throw.
void in_parallel(std::size_t count, int threads, const std::function<void(std::size_t)>& work) {
  const std::size_t wanted =
      threads > 0 ? static_cast<std::size_t>(threads) : std::max(1U, std::thread::hardware_concurrency());
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> others;
  others.reserve(std::min(wanted, count));
  try {
    while (others.size() + 1 < std::min(wanted, count)) others.emplace_back(run);
  } catch (const std::exception&) {
    // No more threads are to be had, or no memory for them: fewer do as well.
  }
  run();
  for (std::thread& other : others) other.join();
}

/// What `compare` gives, or that it could not.
CheckResult result_of(const fs::path& figure, const std::function<CheckResult()>& compare) {
  std::string fault;
  try {
    return compare();
  } catch (const std::bad_alloc&) {
    fault = "not enough memory";
  } catch (const std::exception& error) {
    fault = error.what();
  }
  return {.name = figure.string(), .status = Status::failed, .findings = {{CheckStep::file, fault}}};
}

std::vector<CheckResult> check_against_baselines(const CheckCommand& command,
                                                 std::span<const CheckedFile> files) {
  std::vector<CheckResult> results(files.size());
  in_parallel(files.size(), command.model.threads, [&](std::size_t i) {
    const fs::path& figure = files[i].figure;
    results[i] = result_of(
        figure, [&] { return compare_files(command.baseline / files[i].place, figure, command.options); });
  });
  for (const fs::path& baseline : obsolete_baselines(command.figures, files, command.baseline))
    results.push_back({.name = baseline.string(), .status = Status::obsolete});
  return results;
}

/// A figure to be compared with what its models give now.
struct Recomputed {
  std::optional<StoredRecord> stored;
  std::optional<Redone> now;
  CheckResult result;  ///< where that could not be done
};

/// The part that runs models.
Recomputed recompute(Rerun& rerun, const fs::path& figure) {
  Recomputed recomputed;
  recomputed.result = result_of(figure, [&]() -> CheckResult {
    const std::optional<std::string> json = read_record(figure);
    if (!json) {
      return {.name = figure.string(),
              .status = Status::missing,
              .findings = {{CheckStep::file, figure.string() + ": no record in it"}}};
    }
    recomputed.stored.emplace(*json, figure.string());
    recomputed.now = rerun(recomputed.stored->record());
    return {};
  });
  return recomputed;
}

CheckResult compare_recomputed(Recomputed& recomputed, const fs::path& figure, const CheckOptions& options) {
  CheckResult result;
  draw(recomputed.now->plan, recomputed.now->subjects, [&](const Record& now, const std::string&) {
    result = compare({recomputed.stored->record(), figure}, {now}, options);
  });
  return result;
}

/// Models run in one thread, some figures ahead of the threads that compare.
std::vector<CheckResult> check_against_models(const CheckCommand& command,
                                              std::span<const CheckedFile> files) {
  constexpr std::size_t kMostFigures = 64, kMostFloats = 64 << 20;
  Rerun rerun(command.model);
  std::vector<CheckResult> results(files.size());
  for (std::size_t begin = 0, end = 0; begin < files.size(); begin = end) {
    std::vector<Recomputed> ahead;
    for (std::size_t floats = 0; end < files.size() && end - begin < kMostFigures && floats < kMostFloats;
         ++end) {
      ahead.push_back(recompute(rerun, files[end].figure));
      if (!ahead.back().now) continue;
      for (const Subject& subject : ahead.back().now->subjects) floats += subject.attention.weights.size();
    }
    in_parallel(ahead.size(), command.model.threads, [&](std::size_t i) {
      const fs::path& figure = files[begin + i].figure;
      results[begin + i] = !ahead[i].now ? std::move(ahead[i].result) : result_of(figure, [&] {
        return compare_recomputed(ahead[i], figure, command.options);
      });
    });
  }
  return results;
}

bool runs_in_ci() {
  const char* const value = std::getenv("CI");
  const std::string set = value ? value : "";
  return !set.empty() && set != "false" && set != "0";
}

/// Copies what differs over its baseline, unless the figure is at odds with itself.
void update(const CheckCommand& command, std::span<const CheckedFile> files,
            std::vector<CheckResult>& results, const Streams& streams) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    CheckResult& result = results[i];
    if (result.status == Status::same) continue;
    const fs::path& figure = files[i].figure;
    const fs::path baseline = command.baseline / files[i].place;
    if (result_of(figure, [&] { return compare_files(figure, figure, {}); }).status != Status::same) {
      streams.err << "attnviz: note: " << visible(figure.string())
                  << ": not made a baseline: it can't be one\n";
      continue;
    }
    std::error_code fault;
    fs::create_directories(baseline.parent_path(), fault);
    OutputFile copy(baseline);
    copy.write(read_file(figure));
    copy.commit();
    if (!command.quiet) print(streams.out, "updated " + visible(baseline.native()) + "\n");
    result = {.name = result.name};
  }
}

void write_report(const std::string& path, OutputFile& file, std::span<const CheckResult> results) {
  const std::string extension = fs::path(path).extension().string();
  const std::string report = extension == ".html"  ? report_html(results)
                             : extension == ".xml" ? report_junit(results)
                                                   : report_json(results);
  file.write(report);
  file.commit();
}

int status_of(const CheckCommand& command, std::span<const CheckResult> results) {
  int status = 0;
  for (const CheckResult& result : results) {
    const bool fails = result.status == Status::different || result.status == Status::missing ||
                       (command.strict && result.status == Status::obsolete);
    status = std::max(status, result.status == Status::failed ? 2 : fails ? 1 : 0);
  }
  return status;
}

int check(const CheckCommand& command, std::span<OutputFile> reports, const Streams& streams) {
  const std::vector<CheckedFile> files = checked_files(command.figures, command.baseline);
  std::vector<CheckResult> results = command.baseline.empty() ? check_against_models(command, files)
                                                              : check_against_baselines(command, files);
  const std::string found = report_text(results);
  if (!command.quiet) print(streams.out, found);
  if (command.github) print(streams.out, report_github(results));
  for (std::size_t i = 0; i < reports.size(); ++i) write_report(command.reports[i], reports[i], results);
  if (command.update) update(command, files, results, streams);
  if (!command.quiet) print(streams.out, totals(results) + "\n");
  return status_of(command, results);
}

Task check_task(const CheckCommand& command, const Streams& streams) {
  if (command.update && command.baseline.empty())
    throw Error("--update: no baselines", "name their directory with --baseline");
  if (command.update && runs_in_ci() && !command.force) {
    throw Error("--update: not in continuous integration (CI is set), where nobody looks at what it accepts",
                "run it on your machine and commit the baselines, or add --force");
  }
  if (!command.baseline.empty() && !command.update && !fs::is_directory(command.baseline))
    throw Error("--baseline " + shown_value(command.baseline.string()) + ": no such directory",
                "--update makes it");
  Writes writes{.files = {command.reports.begin(), command.reports.end()}, .sandbox = command.sandbox};
  if (command.update) {
    std::error_code fault;  // which making the directory itself tells
    fs::create_directories(command.baseline.parent_path(), fault);
    writes.directories = {command.baseline};
  }
  return {std::move(writes),
          [command, &streams](Outputs& outputs) { return check(command, outputs.files, streams); }};
}

}  // namespace

Command check_command() {
  return {"check", "compare saved figures with baselines, or with what the model gives now",
          read_command<CheckCommand, check_flags, check_task>};
}

}  // namespace attnviz::cli
