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
            "minilm: a TorchScript model ablates no head\n  hint: --backend checkpoint does"},
           {{"render", "--predict", "3", "--backend", "torchscript", kText},
            "minilm: a TorchScript model gives no prediction\n  hint: --backend checkpoint does"},
           {{"render", "--predict", "3", kText},
            "config.json: architectures: \"BertModel\" predicts nothing of a text"},
           {{"render", "--predict", "3", "--format", "svg", "-o", "-", kText},
            "--predict: standard output takes the figure already (-o -)"},
           {{"render", "--predict", "3", "--input", "texts.txt", "-o", "out"},
            "--predict: tells of one text, --input gives many"},
           {{"render", "--predict", "0", kText}, "--predict 0: expected a whole number from 1 to "},
       }) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2) << test::line_of(arguments);
    EXPECT_NE(outcome.err.find(message), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace attnviz
