#include "attnviz/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "attnviz/file.h"
#include "support/check_samples.h"
#include "support/support.h"

namespace attnviz::test {
namespace {

using Status = CheckResult::Status;

/// Two versions of one figure, the second to be changed.
struct Versions {
  Sample before, after;

  explicit Versions(const std::string& kind, unsigned seed = 1)
      : before(make_sample(kind, seed)), after(make_sample(kind, seed)) {}

  [[nodiscard]] CheckResult compared(const CheckOptions& options = {}) const {
    const Record expected = before.record(), actual = after.record();
    return compare({expected}, {actual}, options);
  }

  float& cell(std::size_t map, std::size_t row, std::size_t column) {
    return after.weights[map][row * after.keys[map].size() + column];
  }
};

std::string first_line(const CheckResult& result) {
  const std::string text = report_text({&result, 1});
  return text.substr(0, text.find('\n'));
}

bool has_detail(const CheckResult& result, const std::string& line) {
  for (const CheckFinding& finding : result.findings) {
    for (const std::string& detail : finding.details) {
      if (detail == line) return true;
    }
  }
  return false;
}

TEST(Check, FindsNothingInAFigureThatIsTheSame) {
  for (const std::string& kind : sample_kinds()) {
    for (unsigned seed = 0; seed < 20; ++seed) {
      const CheckResult result = Versions(kind, seed).compared();
      EXPECT_EQ(result.status, Status::same) << kind << " " << report_text({&result, 1});
    }
  }
}

TEST(Check, NamesTheCellsThatMovedMost) {
  Versions versions("grid", 4);
  versions.before.weights[3][0] = 0.412F;
  versions.before.weights[3][1] = 0.3F;
  versions.before.weights[3][2] = 0.288F;
  std::fill(versions.before.weights[3].begin() + 3,
            versions.before.weights[3].begin() + static_cast<std::ptrdiff_t>(versions.before.keys[3].size()),
            0.0F);
  versions.after.weights = versions.before.weights;
  for (Sample* const sample : {&versions.before, &versions.after}) {
    for (Heatmap& panel : std::get<HeatmapGrid>(sample->prototype.drawn).panels) panel.causal = false;
  }
  versions.cell(3, 0, 0) = 0.173F;
  versions.cell(3, 0, 1) = 0.539F;
  const CheckResult result = versions.compared();
  EXPECT_EQ(result.status, Status::different);
  EXPECT_EQ(result.findings.front().step, CheckStep::numbers);
  EXPECT_TRUE(has_detail(result, "layer 2 head 3 \"[CLS]\"(0) → \"[CLS]\"(0): 0.412 → 0.173"))
      << report_text({&result, 1});
  EXPECT_TRUE(has_detail(result, "layer 2 head 3 row \"[CLS]\"(0): strongest key \"[CLS]\"(0) → \"bank\"(1)"))
      << report_text({&result, 1});
  ASSERT_EQ(result.maps.size(), 1U);
  EXPECT_EQ(result.maps[0].title, "layer 2 head 3");
}

TEST(Check, AllowsWhatTheTolerancesAllow) {
  const auto status = [](float moved, const CheckOptions& options) {
    Versions versions("render", 2);
    versions.cell(0, 1, 0) += moved;
    versions.cell(0, 1, 1) -= moved;
    return versions.compared(options).status;
  };
  EXPECT_EQ(status(0.00009F, {}), Status::same);
  EXPECT_EQ(status(0.005F, {}), Status::different);
  EXPECT_EQ(status(0.005F, {.atol = 1e-2}), Status::same);
  EXPECT_EQ(status(0.00009F, {.atol = 0, .rtol = 0}), Status::different);
}

TEST(Check, AllowsWhatThePrecisionThatAFigureTellsOfAllows) {
  const auto status = [](const std::string& precision, float moved) {
    Versions versions("render", 2);
    for (Sample* const sample : {&versions.before, &versions.after}) {
      sample->prototype.arguments.insert(sample->prototype.arguments.end(), {"--precision", precision});
    }
    versions.cell(0, 1, 0) += moved;
    versions.cell(0, 1, 1) -= moved;
    return versions.compared().status;
  };
  EXPECT_EQ(status("fp32", 0.005F), Status::different);
  EXPECT_EQ(status("fp16", 0.005F), Status::same);
  EXPECT_EQ(status("fp16", 0.02F), Status::different);
  EXPECT_EQ(status("bf16", 0.02F), Status::same);
}

TEST(Check, NamesTheFirstTokenThatDiffers) {
  Versions versions("render");
  versions.after.texts[0].tokens[2] += "s";
  EXPECT_EQ(first_line(versions.compared()), ": tokens: token 2: \"can\" → \"cans\"");
  versions.after.texts[0].tokens = versions.before.texts[0].tokens;
  versions.before.texts[0].ids[2] = 2064;
  versions.after.texts[0].ids[2] = 2065;
  EXPECT_EQ(first_line(versions.compared()), ": tokens: token 2 \"can\": id 2064 → 2065");
}

TEST(Check, TakesTheSameRequestInOtherWords) {
  Versions versions("grid");
  versions.after.prototype.arguments = {"grid", "--layer", "2", "--heads", "0,1,2-3", "--theme", "dark"};
  EXPECT_TRUE(versions.compared().notes.empty());
  versions.after.prototype.arguments.emplace_back("--truncate");
  EXPECT_EQ(versions.compared().notes, std::vector<std::string>{"--truncate only in the figure"});
  versions.after.prototype.arguments[2] = "3";
  EXPECT_EQ(first_line(versions.compared()), ": request: --layer 2 → --layer 3");
}

TEST(Check, NotesAnotherModelAndFailsOnlyWhenAsked) {
  Versions versions("render");
  versions.after.texts[0].sha256["model.safetensors"] = "ffff";
  versions.after.texts[0].sha256["vocab.txt"] = "0000";
  versions.after.texts[0].model = "minilm-v2";
  std::get<Heatmap>(versions.after.prototype.drawn).title = "minilm-v2 · Layer 6 · Head 3";
  const CheckResult result = versions.compared();
  EXPECT_EQ(result.status, Status::same);
  EXPECT_EQ(result.notes,
            (std::vector<std::string>{"model \"minilm\" → \"minilm-v2\"", "model.safetensors changed",
                                      "vocab.txt of the model is new"}));
  EXPECT_EQ(versions.compared({.same_model = true}).status, Status::different);
}

TEST(Check, EndsWithTheFirstStepThatFails) {
  Versions versions("render");
  versions.after.texts[0].text = "Another.";
  versions.after.texts[0].tokens[0] = "x";
  versions.cell(0, 0, 0) += 1;
  for (const CheckFinding& finding : versions.compared().findings)
    EXPECT_EQ(finding.step, CheckStep::request);
  versions.after.texts[0].text = versions.before.texts[0].text;
  for (const CheckFinding& finding : versions.compared().findings) EXPECT_EQ(finding.step, CheckStep::tokens);
}

TEST(Check, KnowsWhatEachKindPromises) {
  struct Case {
    std::string kind, note;
    float factor;
    CheckStep step;
  };
  for (const Case& c : std::vector<Case>{
           {"render", "", 0.9F, CheckStep::invariants},
           {"render", "special tokens hidden: rows may sum to less than 1", 0.9F, CheckStep::numbers},
           {"render", "special tokens hidden: rows may sum to less than 1", 1.1F, CheckStep::invariants},
           {"render", "special tokens hidden, rows renormalised", 0.9F, CheckStep::invariants},
           {"render", "special tokens hidden, rows renormalised", 0.0F, CheckStep::numbers},
           {"rollout", "", 0.9F, CheckStep::invariants},
           {"flow", "", 0.9F, CheckStep::invariants},
           {"max-flow", "", 0.9F, CheckStep::numbers},
           {"diff", "", 0.9F, CheckStep::numbers}}) {
    Versions versions(c.kind);
    for (Sample* const sample : {&versions.before, &versions.after}) {
      auto& map = std::get<Heatmap>(sample->prototype.drawn);
      if (!c.note.empty()) map.notes = {c.note};
    }
    for (float& weight : versions.after.weights[0]) weight *= c.factor;
    const CheckResult result = versions.compared();
    ASSERT_FALSE(result.findings.empty()) << c.kind << " " << c.note;
    EXPECT_EQ(name_of(result.findings.front().step), name_of(c.step))
        << c.kind << " " << c.note << " " << c.factor;
  }
}

TEST(Check, KnowsThatNormsAreNotBelowZeroAndSumToNothing) {
  struct Case {
    std::string kind, quantity;
    float factor;
    CheckStep step;
  };
  for (const Case& c :
       std::vector<Case>{{"render", kNorms, 70, CheckStep::numbers},
                         {"render", kNorms, -1, CheckStep::invariants},
                         {"render", kNorms, std::numeric_limits<float>::infinity(), CheckStep::invariants},
                         {"diff", kNormDifferences, -70, CheckStep::numbers}}) {
    Versions versions(c.kind);
    for (Sample* const sample : {&versions.before, &versions.after})
      std::get<Heatmap>(sample->prototype.drawn).quantity = c.quantity;
    for (float& weight : versions.after.weights[0]) weight = weight == 0 ? 0 : weight * c.factor;
    const CheckResult result = versions.compared();
    ASSERT_FALSE(result.findings.empty()) << c.factor;
    EXPECT_EQ(name_of(result.findings.front().step), name_of(c.step)) << c.factor;
    if (c.factor == -1) {
      EXPECT_NE(first_line(result).find("below 0, "), std::string::npos) << first_line(result);
    }
  }
}

TEST(Check, KnowsThatDifferencesOfDifferencesGoTwiceAsFar) {
  for (const std::string quantity : {"Difference of Weights", "Difference of Differences"}) {
    Versions versions("diff");
    for (Sample* const sample : {&versions.before, &versions.after}) {
      Heatmap& map = std::get<Heatmap>(sample->prototype.drawn);
      map.quantity = quantity;
      std::vector<float>& weights = sample->weights[0];
      const std::size_t columns = sample->texts[0].tokens.size();
      std::fill(weights.end() - static_cast<long>(columns), weights.end(), 0);
      weights[weights.size() - columns] = 1.5F;
      weights.back() = -1.5F;
    }
    const CheckResult result = versions.compared();
    EXPECT_EQ(result.findings.empty(), quantity == "Difference of Differences") << first_line(result);
  }
}

TEST(Check, ComparesWhatIsPredictedAsNumbers) {
  Versions versions("render");
  const auto predict = [](Sample& sample, const std::vector<RecordedPrediction>& predicted) {
    sample.texts[0].predicted = predicted;
    std::get<Heatmap>(sample.prototype.drawn).notes = {"cut", prediction_note(predicted)};
  };
  predict(versions.before, {{"good", 0.90501}, {"bad", 0.05}});
  predict(versions.after, {{"good", 0.90499}, {"worse", 0.05}});
  EXPECT_EQ(versions.compared().status, Status::same) << "the note says 0.91, then 0.90; ties may swap";
  predict(versions.after, {{"good", 0.8}, {"bad", 0.05}});
  EXPECT_TRUE(has_detail(versions.compared(), "\"good\": 0.905 → 0.800"))
      << report_text(std::vector{versions.compared()});
  predict(versions.after, {{"good", 0.90501}, {"ugly", 0.09}});
  EXPECT_TRUE(has_detail(versions.compared(), "\"bad\": no longer among what is predicted"));
  EXPECT_TRUE(has_detail(versions.compared(), "\"ugly\": not predicted before"));
  predict(versions.after, {{"good", 0.90501}, {"bad", 0.05}});
  std::get<Heatmap>(versions.after.prototype.drawn).notes.back() = "predicts “good” 0.99, “bad” 0.01";
  EXPECT_EQ(versions.compared().findings.front().step, CheckStep::request);
}

TEST(Check, SaysWhichFileIsMissingCutOrWithoutARecord) {
  const TemporaryDirectory directory;
  const Sample sample = make_sample("render", 1);
  const std::filesystem::path whole = directory / "whole.png", cut = directory / "cut.svg",
                              bare = directory / "bare.pdf", none = directory / "none.png";
  write_sample(sample.record(), whole);
  write_sample(sample.record(), cut);
  write_sample(sample.record(), bare, [](Figure& figure) { figure.record.clear(); });
  write(cut, read_file(cut).substr(0, 2000));
  const auto told = [&](const std::filesystem::path& expected, const std::filesystem::path& actual) {
    return first_line(compare_files(expected, actual, {}));
  };
  EXPECT_EQ(told(none, whole), whole.string() + ": file: no baseline: " + none.string());
  EXPECT_EQ(told(whole, bare), bare.string() + ": file: " + bare.string() + ": no record in it");
  EXPECT_EQ(told(bare, whole), whole.string() + ": file: baseline " + bare.string() + ": no record in it");
  EXPECT_EQ(told(whole, cut),
            cut.string() + ": file: " + cut.string() + ": it is cut: its end, </svg>, is missing");
  EXPECT_EQ(compare_files(whole, cut, {}).status, Status::failed);
  EXPECT_EQ(compare_files(whole, bare, {}).status, Status::missing);
}

TEST(Check, ComparesPixelsOnRequestAndLeavesTextsOut) {
  const TemporaryDirectory directory;
  const Sample sample = make_sample("render", 2);
  for (const char* const name : {"a.png", "a.svg", "a.pdf"}) {
    const std::filesystem::path before = directory / name, after = directory / (std::string("b") + name);
    write_sample(sample.record(), before);
    write_sample(sample.record(), after, [](Figure& figure) {
      for (Item& item : figure.items) {
        if (auto* const text = std::get_if<Text>(&item)) text->size *= 1.005;
      }
    });
    EXPECT_EQ(compare_files(before, after, {.pixels = true}).status, Status::same) << name;
    write_sample(sample.record(), after, [](Figure& figure) {
      figure.items.emplace_back(Line{figure.width - 3, 1, figure.width - 3, 20, 1, {200, 0, 0}});
    });
    EXPECT_EQ(compare_files(before, after, {}).status, Status::same) << name;
    EXPECT_EQ(compare_files(before, after, {.pixels = true}).findings.at(0).step, CheckStep::pixels) << name;
  }
}

/// One of each status, with characters that formats give a meaning.
std::vector<CheckResult> results() {
  return {
      {.name = "a.png", .notes = {"model.safetensors changed"}},
      {.name = "b, 50%: \"x\" <&>.png",
       .status = Status::different,
       .findings = {{CheckStep::numbers,
                     "1 of 4 cells changed",
                     {"\"<b>\"(0) → \"\u0001\"(1): 0.1 → 0.2", "x ]]> -- y"}}},
       .maps = {{.title = "layer 1 <head> 2",
                 .expected = {1, 0, 0.5F, 0.5F},
                 .actual = {1, 0, 0.4F, 0.6F},
                 .queries = {{"", "<b>", false}, {"", "&", false}},
                 .keys = {{"", "<b>", false}, {"", "&", false}},
                 .causal = true}}},
      {.name = "c.svg", .status = Status::missing, .findings = {{CheckStep::file, "no baseline: x/c.svg"}}},
      {.name = "d.pdf", .status = Status::obsolete},
      {.name = "e.png", .status = Status::failed, .findings = {{CheckStep::file, "e.png: it is cut"}}}};
}

TEST(CheckReport, TellsInText) {
  EXPECT_EQ(report_text(results()),
            "a.png: note: model.safetensors changed\n"
            "b, 50%: \"x\" <&>.png: numbers: 1 of 4 cells changed\n"
            "  \"<b>\"(0) → \"␁\"(1): 0.1 → 0.2\n"
            "  x ]]> -- y\n"
            "c.svg: file: no baseline: x/c.svg\n"
            "d.pdf: obsolete: no such figure any more\n"
            "e.png: file: e.png: it is cut\n");
  EXPECT_EQ(totals(results()), "check: 4 figures: 1 same, 1 different, 1 missing, 1 obsolete, 1 failed");
  EXPECT_EQ(totals({}), "check: 0 figures: 0 same");
}

TEST(CheckReport, EscapesGithubsCommands) {
  const std::string report = report_github(results());
  EXPECT_NE(report.find("::notice file=a.png,title=attnviz check::note: model.safetensors changed\n"),
            std::string::npos)
      << report;
  EXPECT_NE(
      report.find(
          "::error file=b%2C 50%25%3A \"x\" <&>.png,title=attnviz check::numbers: 1 of 4 cells changed%0A"),
      std::string::npos)
      << report;
  EXPECT_NE(report.find("::warning file=d.pdf"), std::string::npos) << report;
  EXPECT_EQ(std::count(report.begin(), report.end(), '\n'), 5);
}

TEST(CheckReport, IsJson) {
  const nlohmann::json report = nlohmann::json::parse(report_json(results()));
  EXPECT_EQ(report["totals"]["different"], 1);
  EXPECT_EQ(report["figures"][1]["findings"][0]["step"], "numbers");
  EXPECT_EQ(report["figures"][1]["name"], "b, 50%: \"x\" <&>.png");
  EXPECT_EQ(report["figures"][4]["status"], "failed");
}

TEST(CheckReport, IsAPageThatLoadsNothing) {
  const std::string html = report_html(results());
  EXPECT_EQ(html.find("<b>"), std::string::npos);
  EXPECT_NE(html.find("layer 1 &lt;head&gt; 2"), std::string::npos);
  for (const char* const loads : {"src=\"http", "srcset=\"http", " href=\"", "url(", "<script", "<link"})
    EXPECT_EQ(html.find(loads), std::string::npos) << loads;
}

}  // namespace
}  // namespace attnviz::test
