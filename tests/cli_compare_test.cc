#include <filesystem>

#include "support/drawn.h"

namespace attnviz {
namespace {

using test::Arguments;
using test::CommandLine;
using test::drawn;
using test::joined;
using test::kText;
using test::line_of;
using test::Outcome;
using test::run;
using test::Svg;

TEST_F(CommandLine, ComparesWhatTellsTheSidesApart) {
  struct Case {
    Arguments arguments;
    std::string title;
    std::vector<std::string> texts;
  };
  const std::string aligned = "tokens aligned: the words that both models share";
  const std::string hidden = "minilm: special tokens hidden: rows may sum to less than 1";
  const std::string merged = "gpt2-demo: sub-words merged: keys summed, queries averaged";
  const Arguments models = {"--model", "minilm", "--model", "gpt2-demo"};
  for (const auto& [arguments, title, texts] : {
           Case{joined({"compare", "--layer", "5", "--head", "0", kText}, models),
                "Layer 5 · Head 0",
                {kText, "minilm", "gpt2-demo", "Tokens", "Attends", "both ways", "backwards (causal)", "10",
                 "9", "Entropy", "1.66 nats (uniform 2.30)", "0.96 nats (uniform 1.42)", "First token",
                 "43.4 % of the weight", "64.6 % of the weight", "masked"}},
           Case{joined({"compare", "--head", "1", "--head", "mean", kText}, models),
                "",
                {"minilm · Layer 6 · Head 1", "gpt2-demo · Layer 6 · Mean of 12 heads"}},
           Case{{"compare", "--layer", "1", "--layer", "mean", kText},
                "minilm",
                {"Layer 1 · Mean of 12 heads", "Mean of 6 layers · Mean of 12 heads"}},
           Case{{"compare", "--head", "3", "--head", "7", kText},
                "minilm",
                {"Layer 6 · Head 3", "Layer 6 · Head 7", kText}},
           Case{{"compare", "--head", "3", "--against", "the dog", "the cat"},
                "minilm · Layer 6 · Head 3",
                {"the cat", "the dog", "cat", "dog"}},
           Case{{"compare", "--layer", "1", "--layer", "2", "--against", "the dog", "the cat"},
                "minilm",
                {"Layer 1 · Mean of 12 heads · the cat", "Layer 2 · Mean of 12 heads · the dog"}},
           Case{joined({"compare", "--align", "to lend"}, models),
                "Layer 6 · Mean of 12 heads",
                {"lend", aligned, hidden, merged}},
           Case{joined({"compare", "to lend", "--hide-special"}, models),
                "Layer 6 · Mean of 12 heads",
                {"lend", "␣le", "nd", hidden}},
           Case{joined({"compare", "--words", "--range", "0:1", "to lend"}, models),
                "Layer 6 · Mean of 12 heads",
                {"to", "minilm: word 0 of 4: rows may sum to less than 1",
                 "gpt2-demo: word 0 of 2: rows may sum to less than 1"}},
           Case{joined({"diff", "to lend"}, models),
                "Layer 6 · Mean of 12 heads · minilm − gpt2-demo",
                {"to lend", "lend", aligned, hidden, merged, "Difference of Weights"}},
           Case{{"diff", "--layer", "6", "--layer", "1", "--head", "2", "--hide-special", kText},
                "minilm · Layer 6 · Head 2 − Layer 1 · Head 2",
                {kText, "special tokens hidden: rows may sum to less than 1", "Difference of Weights"}},
       }) {
    const Svg svg = drawn(arguments);
    EXPECT_EQ(svg.title, title);
    for (const std::string& text : texts) EXPECT_TRUE(svg.says(text)) << line_of(arguments) << ": " << text;
  }
}

TEST_F(CommandLine, TellsModelsOfOneNameApartByWhereTheyAre) {
  for (const char* run_of : {"first", "second"}) {
    std::filesystem::create_directory(run_of);
    copy_gpt2(std::string(run_of) + "/final");
  }
  const Svg svg = drawn({"compare", "--model", "first/final", "--model", "second/final", "to lend"});
  EXPECT_TRUE(svg.says("first/final") && svg.says("second/final"));
}

TEST_F(CommandLine, ReadsStandardInputOnceForBothSides) {
  const Svg expected = drawn({"compare", "--layer", "1", "--layer", "2", "--pair", "It sat.", "the cat"});
  for (const auto& [text, pair, input] : std::vector<std::array<std::string, 3>>{
           {"-", "It sat.", "the cat\n"}, {"the cat", "-", "It sat.\n"}}) {
    const Outcome outcome =
        run({"compare", "--layer", "1", "--layer", "2", "--pair", pair, "-o", "a.svg", text}, input);
    EXPECT_EQ(outcome.err, "");
    EXPECT_TRUE(read_file("a.svg") == expected.bytes);
  }
}

}  // namespace
}  // namespace attnviz
