#include "support/command_line.h"

namespace attnviz {
namespace {

using test::CommandLine;
using test::Refusal;
using test::run;

const std::string kCounting = "\n  hint: layers count from 1, heads from 0";
const std::string kSame =
    "nothing to compare: both sides are the same\n  hint: give a second --model, --layer or --head, or "
    "another text with --against";

TEST_F(CommandLine, RefusesGridsThatNoModelHas) {
  for (const Refusal& c : std::vector<Refusal>{
           {{"grid", "--layer", "7", "x"}, "--layer 7: minilm has layers 1 to 6" + kCounting},
           {{"grid", "--layer", "mean", "x"}, "--layer mean: expected a whole number"},
           {{"grid", "--layers", "1,9", "x"}, "--layers 9: minilm has layers 1 to 6"},
           {{"grid", "--layers", "3-1", "x"}, "--layers 3-1: expected ranges that go up, such as 1-4"},
           {{"grid", "--heads", "3,12", "x"}, "--heads 12: minilm has heads 0 to 11" + kCounting},
           {{"grid", "--heads", "", "x"}, "--heads '': expected whole numbers such as 1,4,8 or 1-4, or all"},
           {{"grid", "--head", "3", "x"},
            "--head: not an option of attnviz grid\n  hint: did you mean --heads?"},
           {{"grid", "--layers", "2", "--layer", "1", "x"},
            "--layers: --layer names one layer already\n  hint: leave one of them out"},
           {{"grid", "--columns", "3", "--layers", "2", "x"},
            "--columns: the overview of --layers has a row a layer\n  hint: leave one of them out"},
           {{"grid", "--columns", "0", "x"}, "--columns 0: expected a whole number from 1 to 64"},
           {{"grid", "--columns", "65", "x"}, "--columns 65: expected a whole number from 1 to 64"},
           {{"layers", "--layer", "3", "x"},
            "--layer: not an option of attnviz layers\n  hint: did you mean --layers?"},
           {{"layers", "--layers", "0,2", "x"}, "--layers 0: minilm has layers 1 to 6" + kCounting},
           {{"layers", "--head", "12", "x"}, "--head 12: minilm has heads 0 to 11" + kCounting},
           {{"layers", "--head", "men", "x"}, "--head men: expected a whole number, or mean"},
           {{"layers", "--columns", "0", "x"}, "--columns 0: expected a whole number from 1 to 64"},
           {{"summary", "--layer", "1", "x"},
            "--layer: not an option of attnviz summary\n  hint: attnviz summary --help lists its options"},
           {{"summary", "--renormalize", "x"},
            "--renormalize: nothing is left out\n  hint: use it with --hide-special or --range"},
       }) {
    expect_refused(c.arguments, c.message);
  }
}

TEST_F(CommandLine, RefusesToCompareWhatIsTheSame) {
  const std::string minilm = (models() / "minilm").string();
  for (const char* command : {"compare", "diff"}) {
    for (const Refusal& c : std::vector<Refusal>{
             {{command, "x"}, kSame},
             {{command, "--layer", "3", "--head", "2", "x"}, kSame},
             {{command, "--layer", "3", "--layer", "3", "x"}, kSame},
             {{command, "--head", "mean", "--head", "mean", "x"}, kSame},
             {{command, "--model", "minilm", "--model", minilm, "x"}, kSame},
             {{command, "--against", "x", "x"}, kSame},
             {{command, "--model", "minilm", "--model", "minilm", "--model", "gpt2-demo", "x"},
              "--model: given 3 times, expected at most 2 times"},
             {{command, "--layer", "1", "--layer", "2", "--layer", "3", "x"},
              "--layer: given 3 times, expected at most 2 times"},
             {{command, "--head", "1", "--head", "2", "--head", "3", "x"},
              "--head: given 3 times, expected at most 2 times"},
             {{command, "--against", "y", "--against", "z", "x"}, "--against: given 2 times, expected once"},
         }) {
      expect_refused(c.arguments, c.message);
    }
  }
}

TEST_F(CommandLine, RefusesToCompareWhatASideLacks) {
  for (const Refusal& c : std::vector<Refusal>{
           {{"compare", "--layer", "1", "--layer", "7", "x"},
            "--layer 7: minilm has layers 1 to 6" + kCounting},
           {{"compare", "--head", "1", "--head", "99", "x"}, "--head 99: minilm has heads 0 to 11"},
           {{"compare", "--against", "", "x"}, "--against: empty, expected a text"},
           {{"compare", "--against", " ", "x"}, "--against: no token in it, expected words"},
           {{"compare", "--against", "a\xE4z", "x"},
            "--against: not UTF-8 at byte 1 (0xE4)\n  hint: convert it to UTF-8, or use --invalid-utf8 "
            "replace"},
           {{"compare", "--model", "minilm", "--model", "gpt2-demo", "--pair", "y", "x"},
            "--pair: gpt2-demo takes one text"},
           {{"compare", "--align", "--against", "The dog", "The cat"},
            "--against: the two texts have different tokens\n  hint: only tokens of one text can be aligned"},
           {{"diff", "--head", "1", "--against", "The dog", "The cat"},
            "--against: the two texts have different tokens\n  hint: only tokens of one text can be aligned"},
           {{"diff", "--head", "1", "--head", "2", "--scale", "log", "x"},
            "colour scale: differences need a linear scale\n  hint: leave --scale out"},
           {{"diff", "--head", "1", "--head", "2", "--vmax", "-1", "x"},
            "--vmax -1: expected more than 0, the low end"},
           {{"diff", "A", "B"},
            "B: one argument too many for attnviz diff\n  hint: put the whole TEXT in quotes"},
       }) {
    expect_refused(c.arguments, c.message);
  }
}

TEST_F(CommandLine, RefusesTokensThatTheTextLacks) {
  const std::string expected = ": expected a token of the text, or its position from 0 to 3";
  for (const Refusal& c : std::vector<Refusal>{
           {{"flow", "the cat"}, "--token: missing\n  hint: name the token that attends, as in --token bank"},
           {{"flow", "--token", "a", "--token", "b", "x"}, "--token: given 2 times, expected once"},
           {{"flow", "--token", "cta", "the cat"}, "--token cta" + expected + "\n  hint: did you mean cat?"},
           {{"flow", "--token", "dogs", "the cat"},
            "--token dogs" + expected + "\n  hint: attnviz tokens \"…\" lists a text's tokens"},
           {{"flow", "--token", "4", "the cat"}, "--token 4: expected a position from 0 to 3"},
           {{"flow", "--token", "1984", "in 1984"},
            "--token 1984: expected a position from 0 to 3\n  hint: the token that is written so is 1984#1"},
           {{"flow", "--token", "cat#3", "the cat the cat"}, "--token cat#3: expected #1 to #2"},
           {{"flow", "--token", "cat#2", "the cat"}, "--token cat#2: expected #1, the only one"},
           {{"flow", "--token", "1", "--head", "12", "x"}, "--head 12: minilm has heads 0 to 11" + kCounting},
           {{"flow", "--token", "1", "--layers", "2", "x"},
            "--layers: not an option of attnviz flow\n  hint: attnviz flow --help lists its options"},
       }) {
    expect_refused(c.arguments, c.message);
  }
}

TEST_F(CommandLine, RefusesRolloutsThatAreNone) {
  std::string text;
  for (int i = 0; i < 63; ++i) text += "cat ";
  for (const Refusal& c : std::vector<Refusal>{
           {{"rollout", "--layers", "1", "--method", "max-flow", "x"},
            "--layers: --method max-flow goes through all layers and draws one map\n  hint: leave one of them "
            "out"},
           {{"rollout", "--method", "max-flow", text},
            "--method max-flow: 65 tokens, expected at most 64\n  hint: --method rollout takes any number"},
           {{"rollout", "--method", "flow", "x"}, "--method flow: expected rollout or max-flow"},
           {{"rollout", "--method", "maxflow", "x"},
            "--method maxflow: expected rollout or max-flow\n  hint: did you mean max-flow?"},
           {{"rollout", "--layers", "7", "x"}, "--layers 7: minilm has layers 1 to 6" + kCounting},
           {{"rollout", "--layers", "0,2", "x"}, "--layers 0: minilm has layers 1 to 6" + kCounting},
           {{"rollout", "--layer", "3", "x"},
            "--layer: not an option of attnviz rollout\n  hint: did you mean --layers?"},
           {{"rollout", "--head", "12", "x"}, "--head 12: minilm has heads 0 to 11" + kCounting},
       }) {
    expect_refused(c.arguments, c.message);
  }
  EXPECT_EQ(run({"rollout", "--method", "max-flow", "-o", "a.svg", text.substr(4)}).status, 0);
}

TEST_F(CommandLine, RefusesOutputsThatNoFigureCanGoTo) {
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"grid"},
           {"layers"},
           {"compare", "--head", "1", "--head", "2"},
           {"diff", "--head", "1", "--head", "2"},
           {"flow", "--token", "x"},
           {"rollout"},
           {"summary"},
       }) {
    const auto with = [&](std::vector<std::string> more) {
      more.insert(more.begin(), command.begin(), command.end());
      more.emplace_back("x");
      return more;
    };
    const std::string taken =
        ": standard output takes the figure already (-o -)\n  hint: name a file with -o";
    expect_refused(with({"-o", "-", "--format", "svg", "--describe"}), "--describe" + taken);
    expect_refused(with({"-o", "-", "--format", "svg", "--show"}), "--show" + taken);
    expect_refused(with({"-o", "-"}), "-o -: the format is not known\n  hint: add --format png, svg or pdf");
    expect_refused(with({"-o", "a.gif"}),
                   "-o a.gif: unknown extension, expected .png, .svg or .pdf\n  hint: --format says it "
                   "whatever the name is");
    expect_refused(with({"-o", "missing/a.png"}),
                   "missing/a.png: can't be written: No such file or directory\n  hint: make its directory "
                   "first: mkdir -p missing");
    expect_refused(with({"--cmap", "Blue"}), "colour map Blue: no such map\n  hint: did you mean Blues?");
    expect_refused(with({"--color", "sometimes"}), "--color sometimes: expected auto, always or never");
  }
}

}  // namespace
}  // namespace attnviz
