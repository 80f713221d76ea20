#include <fstream>
#include <numeric>
#include <tuple>

#include "attnviz/attention.h"
#include "attnviz/record.h"
#include "cli/text_window.h"
#include "support/drawn.h"

namespace attnviz::test {
namespace {

using cli::run_windows;
using cli::TextWindow;
using cli::windows_of;

/// `before` special tokens, the text's own, `behind` special tokens; ids count from 0.
Encoding encoded(std::size_t before, std::size_t own, std::size_t behind) {
  const std::size_t count = before + own + behind;
  Encoding encoding;
  for (std::size_t i = 0; i < count; ++i) {
    const bool special = i < before || i >= before + own;
    encoding.tokens.push_back(special ? "[S]" : "t" + std::to_string(i));
    encoding.ids.push_back(static_cast<std::int64_t>(i));
    encoding.offsets.push_back({});
    encoding.types.push_back(0);
    encoding.special.push_back(special);
    encoding.typed.push_back(0);
    encoding.sequence.push_back(special ? -1 : 0);
  }
  return encoding;
}

std::string shown(const std::vector<TextWindow>& windows) {
  std::string text;
  for (const TextWindow& window : windows) {
    text += (text.empty() ? "" : " ") + std::to_string(window.begin) + "-" + std::to_string(window.end);
  }
  return text;
}

TEST(TextWindows, OverlapByHalfAndEndWithTheText) {
  struct Case {
    std::size_t before, own, behind, length;
    std::string expected;
  };
  for (const auto& [before, own, behind, length, expected] : {
           Case{1, 10, 1, 12, ""},
           Case{1, 10, 1, 20, ""},
           Case{1, 10, 1, 0, ""},
           Case{1, 10, 1, 11, "1-10 2-11"},
           Case{1, 10, 1, 6, "1-5 3-7 5-9 7-11"},
           Case{1, 9, 1, 6, "1-5 3-7 5-9 6-10"},
           Case{0, 10, 0, 4, "0-4 2-6 4-8 6-10"},
           Case{0, 5, 0, 2, "0-2 1-3 2-4 3-5"},
           Case{0, 5, 0, 3, "0-3 1-4 2-5"},
       }) {
    EXPECT_EQ(shown(windows_of(encoded(before, own, behind), length)), expected) << own << " by " << length;
  }
}

TEST(TextWindows, HaveRoomForTwoTokensBesideTheSpecialOnes) {
  EXPECT_EQ(error_of([] { (void)windows_of(encoded(1, 10, 1), 3); }),
            "--window 3: expected at least 4, two tokens of the text and 2 special ones\n"
            "  hint: --window max takes as many as the model does");
  EXPECT_EQ(error_of([] { (void)windows_of(encoded(0, 10, 0), 1); }),
            "--window 1: expected at least 2, two tokens of the text\n"
            "  hint: --window max takes as many as the model does");
}

/// Gives a map that tells which ids were run together: weights grow with the key's id.
class Echo final : public Model {
 public:
  [[nodiscard]] const ModelCard& card() const override { return card_; }
  [[nodiscard]] Backend backend() const override { return Backend::checkpoint; }
  [[nodiscard]] std::string device() const override { return "cpu"; }
  [[nodiscard]] std::vector<Attention> run(std::span<const Encoding> encodings, std::span<const Encoding>,
                                           const Selection&) override {
    const std::vector<std::int64_t>& ids = encodings[0].ids;
    const double sum = std::accumulate(ids.begin(), ids.end(), static_cast<double>(ids.size()));
    Attention attention{
        .layers = {2}, .heads = {1}, .queries = ids.size(), .keys = ids.size(), .weights = {}};
    for (std::size_t row = 0; row < ids.size(); ++row) {
      for (const std::int64_t id : ids) attention.weights.push_back(static_cast<float>(double(id + 1) / sum));
    }
    return {attention};
  }
  [[nodiscard]] Prediction predict(const Encoding&, std::span<const HeadPlace>) override { return {}; }

 private:
  ModelCard card_;
};

TEST(TextWindows, GiveEachRowTheWindowInWhichItIsMostCentral) {
  const Encoding whole = encoded(1, 10, 1);
  const std::vector<TextWindow> windows = windows_of(whole, 6);  // 1-5 3-7 5-9 7-11
  Echo model;
  const Attention attention = run_windows(model, whole, windows, {});
  validate(attention);
  const MatrixView map = attention.at(2, 1);
  const std::vector<std::pair<std::size_t, std::size_t>> expected = {
      {1, 5}, {1, 5}, {1, 5}, {1, 5}, {3, 7}, {3, 7}, {5, 9}, {5, 9}, {7, 11}, {7, 11}, {7, 11}, {7, 11}};
  for (std::size_t row = 0; row < 12; ++row) {
    for (std::size_t column = 0; column < 12; ++column) {
      const bool held =
          column == 0 || column == 11 || (column >= expected[row].first && column < expected[row].second);
      EXPECT_EQ(map(row, column) > 0, held) << row << " " << column;
    }
  }
}

const std::string kLong = "The bank can refuse to lend money to the person by the river bank.";

TEST_F(CommandLine, ReadsLongTextsInWindows) {
  ASSERT_EQ(
      run({"extract", "--window", "10", "--layers", "2", "--heads", "0,3", "-o", "whole.safetensors", kLong})
          .status,
      0);
  const Safetensors whole("whole.safetensors");
  EXPECT_EQ(whole.tensors().at("attention").shape, (std::vector<std::int64_t>{1, 2, 17, 17}));
  EXPECT_EQ(
      whole.metadata().at("note"),
      "read in 3 windows of 10 tokens: each row is that of the window in which its token lies most central");
  for (const Arguments& command :
       {Arguments{"render", "--words"}, Arguments{"grid", "--layer", "2", "--hide-special"},
        Arguments{"layers", "--head", "3", "--model", "gpt2-demo"}}) {
    const Svg svg = drawn(joined(command, {"--window", "10", kLong}));
    EXPECT_TRUE(svg.says("not computed") || svg.says("masked or not computed")) << line_of(command);
    const Outcome checked = run({"check", "drawn.svg"});
    EXPECT_EQ(checked.out, "check: 1 figure: 1 same\n") << line_of(command);
    EXPECT_EQ(run({"redraw", "--theme", "dark", "-o", "dark.png", "drawn.svg"}).status, 0);
    EXPECT_EQ(run({"check", "dark.png"}).out, "check: 1 figure: 1 same\n") << line_of(command);
  }
  EXPECT_FALSE(drawn({"render", "--window", "17", kLong}).says("not computed"));
}

TEST_F(CommandLine, ReadsFilesOfTextsInWindows) {
  std::ofstream("texts.txt") << "The cat sat.\n" << kLong << "\n";
  const Outcome outcome =
      run({"render", "-q", "--window", "8", "--input", "texts.txt", "-o", "out", "--format", "svg"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(run({"check", "out"}).out, "check: 2 figures: 2 same\n");
}

TEST_F(CommandLine, RefusesWindowsWhereTheySayNothing) {
  const std::string hint =
      "\n  hint: layers can't be followed between tokens that no window holds; --truncate cuts the text";
  const std::string only = "--window: only render, grid, layers and extract read a text in windows" + hint;
  for (const Refusal& c : std::vector<Refusal>{
           {{"rollout", "--window", "max", "x"}, only},
           {{"flow", "--token", "0", "--window", "8", "x"}, only},
           {{"summary", "--window", "8", "x"}, only},
           {{"tokens", "--window", "8", "x"}, only},
           {{"render", "--window", "8", "--truncate", "x"},
            "--window: reads all of a text that --truncate would cut\n  hint: give one of them"},
           {{"render", "--window", "8", "--pair", "y", "x"},
            "--window: reads one text, --pair gives two\n  hint: join them, or shorten them"},
           {{"render", "--window", "513", "x"}, "--window 513: minilm takes at most 512 tokens"},
           {{"render", "--window", "3", kLong},
            "--window 3: expected at least 4, two tokens of the text and 2 special ones\n"
            "  hint: --window max takes as many as the model does"},
           {{"render", "--window", "0", "x"}, "--window 0: expected a whole number from 1 to 1048576"},
           {{"render", "--window", "all", "x"}, "--window all: expected a whole number from 1 to 1048576"},
           {{"extract", "--with-qk", "--window", "8", "x"},
            "--with-qk: a token of two windows has two query and two key vectors\n  hint: leave one of them "
            "out"},
       }) {
    expect_refused(c.arguments, c.message);
  }
}

TEST_F(CommandLine, DrawsPooledMapsAndPartsOfThem) {
  for (const Arguments& command :
       {Arguments{"render", "--pool", "mean:3", "--zoom", "2:6,0:4", "-o", "a.png"},
        Arguments{"grid", "--layer", "2", "--heads", "0,3", "--pool", "max:2", "-o", "a.pdf"},
        Arguments{"flow", "--token", "2", "--pool", "max:4", "-o", "a.svg"},
        Arguments{"diff", "--layer", "1", "--layer", "3", "--pool", "mean:2", "-o", "a.svg"},
        Arguments{"render", "--model", "gpt2-demo", "--window", "10", "--pool", "max:2", "--zoom", "4:9,6:9",
                  "--annotate", "always", "-o", "a.png"}}) {
    const std::string file = command.back();
    ASSERT_EQ(run(joined(command, {kLong})).status, 0) << line_of(command);
    EXPECT_EQ(run({"check", file}).out, "check: 1 figure: 1 same\n") << line_of(command);
    ASSERT_EQ(run({"redraw", "--cmap", "magma", "-o", "b.svg", file}).status, 0) << line_of(command);
    EXPECT_EQ(run({"check", "b.svg"}).out, "check: 1 figure: 1 same\n") << line_of(command);
    EXPECT_EQ(run({"extract", "-o", "a.npz", "b.svg"}).status, 0) << line_of(command);
    for (const std::string& made : {file, std::string("b.svg"), std::string("a.npz")})
      std::filesystem::remove(made);
  }
}

TEST_F(CommandLine, SubtractsPooledMapsWithTheirParts) {
  for (const auto& [file, head, pool] :
       {std::tuple("a.svg", "0", "mean:2"), std::tuple("b.svg", "3", "mean:2"),
        std::tuple("c.svg", "3", "max:2")}) {
    ASSERT_EQ(run({"render", "--head", head, "--pool", pool, "--zoom", "2:6,0:4", "-o", file, kLong}).status,
              0);
  }
  ASSERT_EQ(run({"diff", "-o", "d.svg", "a.svg", "b.svg"}).status, 0);
  const Svg difference(read_file("d.svg"));
  EXPECT_TRUE(difference.says("Queries 2 to 5, keys 0 to 3"));
  expect_refused({"diff", "-o", "e.svg", "a.svg", "c.svg"},
                 "the figures differ in what their cells stand for (map 0, minilm · Layer 6 · Head 0)\n  "
                 "hint: draw both with the same --pool and --zoom");
}

TEST_F(CommandLine, RefusesPartsThatAreNotThere) {
  const std::string places = ", expected a range in 0 to 17",
                    counts = "\n  hint: it counts what would be shown without it";
  for (const Refusal& c : std::vector<Refusal>{
           {{"render", "--zoom", "2:6", kLong},
            "--zoom 2:6: expected queries and keys, such as 100:120,40:60"},
           {{"render", "--zoom", "2:6,", kLong}, "--zoom '': expected a range such as 3:9, 3: or :9"},
           {{"render", "--zoom", "2:6,1", kLong}, "--zoom 1: expected a range such as 3:9, 3: or :9"},
           {{"render", "--zoom", "6:2,0:3", kLong}, "--zoom 6:2: empty" + places},
           {{"render", "--zoom", "2:6,5:5", kLong}, "--zoom 5:5: empty" + places},
           {{"render", "--zoom", "2:6,4:18", kLong}, "--zoom 4:18: beyond the tokens" + places + counts},
           {{"render", "--zoom", "-99:6,0:3", kLong}, "--zoom -99:6: beyond the tokens" + places + counts},
           {{"render", "--model", "gpt2-demo", "--zoom", "0:3,3:5", kLong},
            "--zoom 0:3,3:5: all of it is masked, gpt2-demo attends backwards\n"
            "  hint: take keys that come before the queries"},
           {{"render", "--pool", "min", kLong}, "--pool min: expected max or mean"},
           {{"render", "--pool", "max:0", kLong}, "--pool 0: expected a whole number from 1 to 65536"},
       }) {
    expect_refused(c.arguments, c.message);
  }
}

}  // namespace
}  // namespace attnviz::test
