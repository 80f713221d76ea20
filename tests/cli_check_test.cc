#include <nlohmann/json.hpp>

#include "attnviz/file.h"
#include "support/check_samples.h"
#include "support/command_line.h"

namespace attnviz::test {
namespace {

namespace fs = std::filesystem;

/// Figures and their baselines in directories of these names.
class CheckCommand : public CommandLine {
 protected:
  CheckCommand() {
    unsetenv("CI");
    for (const char* const directory : {"figures/deep", "baselines/deep"}) fs::create_directories(directory);
    for (const char* const name : {"a.png", "b.svg", "deep/c.pdf"}) {
      draw("figures/" + std::string(name));
      draw("baselines/" + std::string(name));
    }
  }

  static void draw(const std::string& path, unsigned seed = 1) {
    write_sample(make_sample("render", seed).record(), path);
  }

  static Outcome check(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"check", "figures", "--baseline", "baselines"});
    return run(more);
  }
};

TEST_F(CheckCommand, PassesWhatIsTheSame) {
  for (const char* const threads : {"1", "3"}) {
    const Outcome outcome = check({"--threads", threads});
    EXPECT_EQ(outcome.out, "check: 3 figures: 3 same\n");
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.status, 0);
  }
  EXPECT_EQ(run({"check", "figures/a.png", "figures/b.svg", "--baseline", "baselines"}).out,
            "check: 2 figures: 2 same\n");
}

TEST_F(CheckCommand, FailsOnADifferenceAndOnAMissingBaseline) {
  draw("figures/b.svg", 2);
  fs::remove("baselines/deep/c.pdf");
  const Outcome outcome = check();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.out.find("figures/b.svg: request: "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("figures/deep/c.pdf: file: no baseline: baselines/deep/c.pdf\n"),
            std::string::npos)
      << outcome.out;
  EXPECT_TRUE(outcome.out.ends_with("check: 3 figures: 1 same, 1 different, 1 missing\n")) << outcome.out;
}

TEST_F(CheckCommand, GoesOnAfterAFileThatCannotBeRead) {
  write("figures/a.png", read_file("figures/a.png").substr(0, 300));
  draw("figures/b.svg", 2);
  const Outcome outcome = check();
  EXPECT_EQ(outcome.status, 2);
  EXPECT_TRUE(outcome.out.ends_with("check: 3 figures: 1 same, 1 different, 1 failed\n")) << outcome.out;
}

TEST_F(CheckCommand, ReportsABaselineWhoseFigureIsGone) {
  fs::remove("figures/a.png");
  EXPECT_EQ(check().out,
            "baselines/a.png: obsolete: no such figure any more\ncheck: 2 figures: 2 same, 1 obsolete\n");
  EXPECT_EQ(check().status, 0);
  EXPECT_EQ(check({"--strict"}).status, 1);
  EXPECT_EQ(run({"check", "figures/b.svg", "--baseline", "baselines"}).out, "check: 1 figure: 1 same\n");
}

TEST_F(CheckCommand, UpdatesWhatDiffersAndSaysWhat) {
  draw("figures/b.svg", 2);
  fs::remove_all("baselines/deep");
  const Outcome outcome = check({"--update"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("updated baselines/b.svg\nupdated baselines/deep/c.pdf\n"), std::string::npos)
      << outcome.out;
  EXPECT_EQ(read_file("baselines/b.svg"), read_file("figures/b.svg"));
  EXPECT_EQ(check().out, "check: 3 figures: 3 same\n");
}

TEST_F(CheckCommand, MakesNoBaselineOfAFigureThatIsAtOddsWithItself) {
  write_sample(make_sample("render", 1).record(), "figures/b.svg", [](Figure& figure) {
    std::get<Rectangle>(figure.items.front()).fill = {1, 99, 1};
  });
  const std::string before = read_file("baselines/b.svg");
  const Outcome outcome = check({"--update"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("figures/b.svg: not made a baseline"), std::string::npos) << outcome.err;
  EXPECT_EQ(read_file("baselines/b.svg"), before);
}

TEST_F(CheckCommand, UpdatesNothingInContinuousIntegrationUnlessForced) {
  draw("figures/b.svg", 2);
  const std::string before = read_file("baselines/b.svg");
  setenv("CI", "true", 1);
  EXPECT_EQ(check({"--update"}).status, 2);
  EXPECT_EQ(read_file("baselines/b.svg"), before);
  EXPECT_EQ(check({"--update", "--force"}).status, 0);
  EXPECT_NE(read_file("baselines/b.svg"), before);
  draw("figures/b.svg", 3);
  setenv("CI", "false", 1);
  EXPECT_EQ(check({"--update"}).status, 0);
  unsetenv("CI");
}

TEST_F(CheckCommand, WritesReports) {
  draw("figures/b.svg", 2);
  const Outcome outcome =
      check({"--report", "r.html", "--report", "r.xml", "--report", "r.json", "--github", "-q"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(outcome.out.starts_with("::error file=figures/b.svg,")) << outcome.out;
  EXPECT_EQ(nlohmann::json::parse(read_file("r.json"))["totals"]["different"], 1);
  EXPECT_TRUE(read_file("r.html").starts_with("<!DOCTYPE html>"));
  EXPECT_NE(read_file("r.xml").find("failures=\"1\""), std::string::npos);
  EXPECT_EQ(check({"-q"}).out, "");
}

TEST_F(CheckCommand, RefusesWhatItCannotDo) {
  fs::create_directory("empty");
  const std::vector<Refusal> refusals = {
      {{"check"},
       "FIGURES: missing\n  hint: name figures or a directory, as in attnviz check figures --baseline "
       "baselines"},
      {{"check", "none", "--baseline", "baselines"}, "none: no such file or directory"},
      {{"check", "empty", "--baseline", "baselines"},
       "empty: no figure in it\n  hint: check looks for .png, .svg, .pdf and .html"},
      {{"check", "figures", "--baseline", "nowhere"},
       "--baseline nowhere: no such directory\n  hint: --update makes it"},
      {{"check", "figures", "--update"},
       "--update: no baselines\n  hint: name their directory with --baseline"},
      {{"check", "figures", "figures", "--baseline", "baselines"},
       "figures/a.png: another figure has the same baseline, baselines/a.png\n  hint: check them one "
       "directory at a time"},
      {{"check", "figures", "--baseline", "baselines", "--report", "r.txt"},
       "--report r.txt: expected a file that ends in .html, .xml (JUnit) or .json"},
      {{"check", "figures", "--baseline", "baselines", "--atol", "-1"}, "--atol -1: expected 0 or more"},
  };
  for (const Refusal& refusal : refusals) expect_refused(refusal.arguments, refusal.message);
}

}  // namespace
}  // namespace attnviz::test
