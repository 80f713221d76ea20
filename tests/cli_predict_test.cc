#include "attnviz/attention.h"
#include "support/drawn.h"

namespace attnviz {
namespace {

using test::Arguments;
using test::CommandLine;
using test::joined;
using test::kText;
using test::Outcome;
using test::run;
using test::Svg;

const Arguments kGpt2 = {"render", "--model",  "gpt2-demo", "--layer", "6",    "--head",
                         "0",      "--format", "svg",       "-o",      "x.svg"};
const std::string kStory = "Once upon a";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST_F(CommandLine, PrintsTheNextTokensBeforeTheFiguresPath) {
  const Outcome outcome = run(joined(kGpt2, {"--predict", "3", kStory}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::vector<std::string> lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 6) << outcome.out;
  EXPECT_EQ(lines[0], "probability  next token");
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(lines[i].substr(0, 7), "     0.") << outcome.out;
  EXPECT_GE(lines[1].substr(5, 6), lines[2].substr(5, 6));
  EXPECT_GE(lines[2].substr(5, 6), lines[3].substr(5, 6));
  EXPECT_EQ(lines[4], "");
  EXPECT_EQ(lines[5], "x.svg");
}

TEST_F(CommandLine, SaysWhatEachAblatedHeadAndAllOfThemAreWorth) {
  const Outcome outcome = run(joined(kGpt2, {"--predict", "1", "--ablate", "5.3,6.0", kStory}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::vector<std::string> lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 7) << outcome.out;
  EXPECT_EQ(lines[0], "probability   change  ablated  next token");
  EXPECT_NE(lines[1].find("  none     "), std::string::npos) << outcome.out;
  EXPECT_NE(lines[2].find("  5.3      "), std::string::npos) << outcome.out;
  EXPECT_NE(lines[3].find("  6.0      "), std::string::npos) << outcome.out;
  EXPECT_NE(lines[4].find("  5.3,6.0  "), std::string::npos) << outcome.out;
}

TEST_F(CommandLine, DrawsTheAblatedModelAndSaysSo) {
  Arguments whole = kGpt2, ablated = kGpt2;
  whole.back() = "whole.svg";
  ablated.back() = "ablated.svg";
  ASSERT_EQ(run(joined(whole, {kStory})).status, 0);
  ASSERT_EQ(run(joined(ablated, {"--ablate", "2.1,2.3", kStory})).status, 0);
  const Svg before(read_file("whole.svg")), after(read_file("ablated.svg"));
  EXPECT_EQ(before.bytes.find("heads ablated"), std::string::npos);
  EXPECT_NE(after.bytes.find("heads ablated: 2.1,2.3"), std::string::npos);
  EXPECT_NE(before.cells(6), after.cells(6));
}

TEST_F(CommandLine, ChecksAblatedFiguresAgainstTheAblatedModel) {
  Arguments ablated = kGpt2;
  ASSERT_EQ(run(joined(ablated, {"--ablate", "2.1", kStory})).status, 0);
  const Outcome outcome = run({"check", "x.svg"});
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
}

/// "predicts “ was” 0.05, …" of an SVG.
std::string note_in(const Svg& svg) {
  for (const std::string& text : svg.texts) {
    if (text.starts_with("predicts “")) return text;
  }
  return {};
}

TEST_F(CommandLine, SaysInTheFigureWhatIsPredicted) {
  for (const Arguments& command : std::vector<Arguments>{
           {"render", "--head", "0"},
           {"grid"},
           {"layers"},
           {"flow", "--token", "0"},
           {"rollout"},
           {"summary"},
           {"compare", "--layer", "1", "--layer", "6"},
           {"diff", "--layer", "1", "--layer", "6"},
           {"view", "head"},
           {"view", "model"},
           {"view", "neuron"},
       }) {
    const Outcome outcome = run(joined(
        command, {"--model", "gpt2-demo", "--predict", "2", "--ablate", "2.1", "-o", "x.svg", kStory}));
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const Svg svg(read_file("x.svg"));
    EXPECT_NE(note_in(svg), "") << test::line_of(command);
    EXPECT_NE(svg.bytes.find("heads ablated: 2.1"), std::string::npos);
    const Outcome checked = run({"check", "x.svg"});
    EXPECT_EQ(checked.out, "check: 1 figure: 1 same\n") << test::line_of(command) << checked.err;
  }
}

TEST_F(CommandLine, RedrawsThePrediction) {
  ASSERT_EQ(run(joined(kGpt2, {"--predict", "1", kStory})).status, 0);
  std::filesystem::rename("x.svg", "whole.svg");
  ASSERT_EQ(run({"redraw", "--theme", "dark", "-o", "dark.svg", "whole.svg"}).status, 0);
  EXPECT_NE(note_in(Svg(read_file("dark.svg"))), "");
}

TEST_F(CommandLine, TellsOfBothSidesThatPredict) {
  const Outcome outcome = run({"compare", "--model", "gpt2-demo", "--against", "The cat sat", "--predict",
                               "1", "--head", "0", "-o", "x.svg", kStory});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("gpt2-demo, Once upon a\n\nprobability  next token\n")) << outcome.out;
  EXPECT_NE(outcome.out.find("\ngpt2-demo, The cat sat\n\nprobability  next token\n"), std::string::npos)
      << outcome.out;
  const Svg svg(read_file("x.svg"));
  EXPECT_NE(svg.bytes.find("Once upon a: predicts “"), std::string::npos);
  EXPECT_NE(svg.bytes.find("The cat sat: predicts “"), std::string::npos);
  EXPECT_EQ(run({"check", "x.svg"}).out, "check: 1 figure: 1 same\n");
}

TEST_F(CommandLine, PutsPredictionsIntoTensorsAndReports) {
  const Arguments model = {"--model", "gpt2-demo", "--predict", "2", "--ablate", "5.3", kStory};
  const Outcome extracted = run(joined({"extract", "--layers", "6", "-o", "x.safetensors"}, model));
  ASSERT_EQ(extracted.status, 0) << extracted.err;
  EXPECT_TRUE(extracted.out.starts_with("probability   change  ablated  next token\n")) << extracted.out;
  const Provenance about = Safetensors("x.safetensors").metadata();
  EXPECT_TRUE(about.at("predicted").starts_with("[[\"")) << about.at("predicted");
  EXPECT_TRUE(about.at("note").starts_with("heads ablated: 5.3; predicts “")) << about.at("note");
  const Outcome json = run(joined({"extract", "--layers", "6", "--format", "json", "-o", "-"}, model));
  EXPECT_TRUE(json.out.starts_with("{")) << json.out.substr(0, 80);
  const Outcome tables = run(joined({"analyze", "--table", "layers"}, model));
  EXPECT_TRUE(tables.out.starts_with("probability   change  ablated  next token\n")) << tables.out;
  const Outcome report = run(joined({"analyze", "--json"}, model));
  EXPECT_NE(report.out.find("\"predicted\":[{\"label\":\""), std::string::npos) << report.out.substr(0, 300);
  EXPECT_NE(report.out.find("heads ablated: 5.3"), std::string::npos);
}

TEST_F(CommandLine, CountsThePredictionsMemory) {
  const Arguments tight = {"--layer", "1", "--max-memory", "2M", kStory};
  const Arguments one_layer = joined({"render", "--model", "gpt2-demo", "--head", "0", "-o", "x.svg"}, tight);
  EXPECT_EQ(run(one_layer).status, 0);
  const Outcome refused = run(joined(one_layer, {"--predict", "1"}));
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.err.find("--max-memory 2.0 MiB: 4 tokens need "), std::string::npos) << refused.err;
}

TEST_F(CommandLine, PredictsOfManyTexts) {
  const Outcome outcome = run(
      {"render", "--model", "gpt2-demo", "--predict", "1", "--input", "-", "--format", "svg", "-o", "out"},
      "Once upon a\nThe cat sat\n");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  for (const char* const file : {"out/000000.svg", "out/000001.svg"})
    EXPECT_NE(note_in(Svg(read_file(file))), "") << file;
  EXPECT_EQ(run({"check", "out"}).out, "check: 2 figures: 2 same\n");
}

TEST_F(CommandLine, ChecksTheExplorersFigureOfAnAblatedModel) {
  ASSERT_EQ(run({"analyze", "--explore", "--ablate", "1.0,1.1,1.2", "--model", "gpt2-demo", "--predict", "1",
                 "-o", "x.svg", kStory})
                .status,
            0);
  EXPECT_EQ(run({"check", "x.svg"}).out, "check: 1 figure: 1 same\n");
}

TEST_F(CommandLine, RefusesWhatCannotBePredictedOrAblated) {
  const std::string form = ": expected layers and heads, such as 5.3,6.0";
  for (const auto& [arguments, message] : std::vector<std::pair<Arguments, std::string>>{
           {{"render", "--ablate", "5", kText}, "--ablate 5" + form},
           {{"render", "--ablate", "5.x", kText}, "--ablate 5.x" + form},
           {{"render", "--ablate", "5.3,", kText}, "--ablate 5.3," + form},
           {{"render", "--ablate", "-1.3", kText}, "--ablate"},
           {{"render", "--ablate", "7.0", kText}, "--ablate 7.0: minilm has heads 1.0 to 6.11"},
           {{"render", "--ablate", "0.0", kText}, "--ablate 0.0: minilm has heads 1.0 to 6.11"},
           {{"render", "--ablate", "1.0", "--backend", "torchscript", kText},
            "--ablate: a TorchScript model ablates no head\n  hint: --backend checkpoint does"},
           {{"render", "--predict", "3", "--backend", "torchscript", kText},
            "--predict: a TorchScript model gives no prediction\n  hint: --backend checkpoint does"},
           {{"render", "--predict", "3", "--window", "8", "--model", "none", kText},
            "--predict: a model predicts of a text that it reads whole, --window reads parts"},
           {{"render", "--predict", "3", kText},
            "config.json: architectures: \"BertModel\" predicts nothing of a text"},
           {{"analyze", "--predict", "3", "--csv", kText},
            "--predict: --csv holds one part, of heads or tokens\n  hint: tables and --json tell of "
            "predictions"},
           {{"analyze", "--ablate", "7.0", kText}, "--ablate 7.0: minilm has heads 1.0 to 6.11"},
           {{"serve", "--ablate", "1.0"}, "--ablate: "},
           {{"render", "--predict", "0", kText}, "--predict 0: expected a whole number from 1 to "},
       }) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2) << test::line_of(arguments);
    EXPECT_NE(outcome.err.find(message), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace attnviz
