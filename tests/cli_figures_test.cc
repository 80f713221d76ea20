#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>

#include "support/drawn.h"

namespace attnviz {
namespace {

using nlohmann::json;
using test::Arguments;
using test::CommandLine;
using test::drawn;
using test::joined;
using test::kText;
using test::line_of;
using test::Outcome;
using test::run;
using test::Svg;

/// One request of each command that draws.
const std::vector<Arguments> kEach = {
    {"render", "--layer", "2", kText},
    {"grid", "--layer", "2", "--heads", "0,3", kText},
    {"grid", "--layers", "1,2", kText},
    {"layers", "--layers", "1-3", kText},
    {"compare", "--layer", "1", "--layer", "2", kText},
    {"diff", "--head", "0", "--head", "1", kText},
    {"flow", "--token", "bank", kText},
    {"rollout", kText},
    {"rollout", "--method", "max-flow", kText},
    {"summary", kText},
};

TEST_F(CommandLine, NamesEveryFigureAfterWhatItShows) {
  struct Case {
    Arguments arguments;
    std::string stem;
  };
  const Arguments gpt2 = {"--model", "gpt2-demo", "to lend"}, both = {"--model", "minilm", "to lend"};
  for (const auto& [arguments, stem] : {
           Case{joined({"grid"}, gpt2), "gpt2-demo-layer6-heads"},
           Case{joined({"grid", "--layer", "3", "--heads", "1"}, gpt2), "gpt2-demo-layer3-heads"},
           Case{joined({"grid", "--layers", "all"}, gpt2), "gpt2-demo-layers-heads"},
           Case{joined({"layers"}, gpt2), "gpt2-demo-layers-mean"},
           Case{joined({"layers", "--head", "0", "--layers", "1"}, gpt2), "gpt2-demo-layers-head0"},
           Case{joined({"compare", "--layer", "1", "--layer", "mean"}, gpt2),
                "gpt2-demo-layer1-mean-all-mean"},
           Case{joined({"compare", "--against", "to go"}, gpt2), "gpt2-demo-layer6-mean-against"},
           Case{joined({"compare", "--model", "gpt2-demo", "--layer", "5", "--head", "0"}, both),
                "gpt2-demo-layer5-head0-minilm"},
           Case{joined({"diff", "--head", "0", "--head", "mean"}, gpt2),
                "gpt2-demo-layer6-head0-layer6-mean-diff"},
           Case{joined({"flow", "--token", "to"}, gpt2), "gpt2-demo-flow-0-mean"},
           Case{joined({"flow", "--token", "1", "--head", "3"}, gpt2), "gpt2-demo-flow-1-head3"},
           Case{joined({"rollout", "--layers", "1,2"}, gpt2), "gpt2-demo-rollout"},
           Case{joined({"rollout", "--head", "2", "--method", "max-flow"}, gpt2), "gpt2-demo-max-flow-head2"},
           Case{joined({"summary"}, gpt2), "gpt2-demo-summary"},
       }) {
    for (const std::string& name : {stem + ".svg", stem + "-2.svg"}) {
      const Outcome outcome = run(joined(arguments, {"--format", "svg"}));
      EXPECT_EQ(outcome.status, 0) << outcome.err;
      EXPECT_TRUE(("\n" + outcome.out).ends_with("\n" + name + "\n")) << outcome.out;
    }
    EXPECT_EQ(read_file(stem + ".svg"), read_file(stem + "-2.svg"));
  }
}

TEST_F(CommandLine, WritesEveryFigureInEachFormat) {
  for (const Arguments& arguments : kEach) {
    for (const auto& [path, magic] : std::vector<std::pair<std::string, std::string>>{
             {"a.png", "\x89PNG\r\n"}, {"a.svg", "<?xml"}, {"a.pdf", "%PDF-"}}) {
      const Outcome outcome = run(joined(arguments, {"-o", path}));
      EXPECT_EQ(outcome.status, 0) << line_of(arguments);
      EXPECT_EQ(outcome.err, "") << line_of(arguments);
      EXPECT_TRUE(("\n" + outcome.out).ends_with("\n" + path + "\n")) << outcome.out;
      EXPECT_TRUE(read_file(path).starts_with(magic)) << line_of(arguments);
    }
    const Outcome streamed = run(joined(arguments, {"-o", "-", "--format", "svg"}));
    EXPECT_TRUE(streamed.out == read_file("a.svg")) << line_of(arguments);
  }
}

TEST_F(CommandLine, SaysInTheFigureWhatItShows) {
  struct Case {
    Arguments arguments;
    std::string title;
    std::vector<std::string> texts;
  };
  const std::string less = ": rows may sum to less than 1";
  for (const auto& [arguments, title, texts] : {
           Case{{"grid", "--layer", "3", "--heads", "7,0", "the cat"},
                "minilm · Layer 3",
                {"the cat", "Layer 3 · Head 7", "Layer 3 · Head 0", "[SEP]", "Attention Weight"}},
           Case{{"grid", "--layers", "2,1", "--heads", "4-6", "the cat"},
                "minilm · 2 layers × 3 heads",
                {"the cat", "Layer 2", "Layer 1", "Head 4", "Head 5", "Head 6",
                 "each map: rows are the tokens that attend, columns the tokens attended to, in the "
                 "sentence's order"}},
           Case{{"grid", "--hide-special", "--renormalize", "--heads", "0-2", "the cat"},
                "minilm · Layer 6",
                {"special tokens hidden, rows renormalised"}},
           Case{{"layers", "--layers", "6,1", "--range", "1:3", "the cat"},
                "minilm · Mean of 12 heads through the layers",
                {"Layer 6", "Layer 1", "tokens 1 to 2 of 4" + less}},
           Case{{"layers", "--head", "3", "--pair", "It sat.", "the cat"},
                "minilm · Head 3 through the layers",
                {"the cat  |  It sat.", "Layer 2"}},
           Case{{"render", "--model", "gpt2-demo", "--words", "--layer", "mean", "to lend it"},
                "gpt2-demo · Mean of 6 layers · Mean of 12 heads",
                {"lend", "sub-words merged: keys summed, queries averaged", "masked"}},
           Case{{"flow", "--token", "3", "--head", "2", "the bank by the bank"},
                "minilm · From “by” (3) · Head 2",
                {"the bank by the bank", "Layer 1", "Layer 6", "Keys (attending to)"}},
           Case{{"flow", "--token", "bank#1", "the bank by the bank"},
                "minilm · From “bank” (2) · Mean of 12 heads",
                {"Layer 1"}},
           Case{{"flow", "--token", "Bank#2", "the bank by the bank"},
                "minilm · From “bank” (5) · Mean of 12 heads",
                {"Layer 1"}},
           Case{{"flow", "--token", "lend", "--words", "--model", "gpt2-demo", "to lend it"},
                "gpt2-demo · From “lend” (1) · Mean of 12 heads",
                {"tokens behind it are masked: always 0"}},
           Case{{"rollout", "the cat"},
                "minilm · Rollout · Mean of 12 heads · Layers 1 to 6",
                {"the cat", "Rollout", "Queries (attending from)"}},
           Case{{"rollout", "--layers", "1", "--head", "0", "the cat"},
                "minilm · Rollout · Head 0 · Layer 1",
                {"the cat", "Rollout"}},
           Case{{"rollout", "--layers", "4,1", "the cat"},
                "minilm · Rollout · Mean of 12 heads",
                {"Layers 1 to 4", "Layer 1", "Rollout"}},
           Case{{"rollout", "--method", "max-flow", "the cat"},
                "minilm · Attention flow (maximum flow) · Mean of 12 heads · Layers 1 to 6",
                {"the cat", "Maximum Flow"}},
           Case{{"summary", "the cat"},
                "minilm · Summary",
                {"the cat", "Mean over all layers and heads", "Mean weight by layer", "1/4 = 0.250",
                 "Entropy by layer (nats)", "uniform 1.39", "Attention received by each token"}},
           Case{{"summary", "--title", "A <b> title", "the cat"}, "A &lt;b&gt; title", {"A &lt;b&gt; title"}},
       }) {
    const Svg svg = drawn(arguments);
    EXPECT_EQ(svg.title, title);
    EXPECT_TRUE(svg.says(title)) << line_of(arguments);
    for (const std::string& text : texts) EXPECT_TRUE(svg.says(text)) << line_of(arguments) << ": " << text;
    EXPECT_NE(svg.description, "");
  }
}

/// The attention of `extract`, of all layers and heads.
struct Extracted {
  json attention;
  std::size_t tokens;

  Extracted(const std::string& model, const std::string& text)
      : attention(json::parse(
            run({"extract", "--model", model, "-o", "-", "--format", "json", text}).out)["attention"]),
        tokens(attention[0][0].size()) {}

  /// The mean over layers and heads, whose first and last are named as the command line counts.
  [[nodiscard]] double mean(std::array<std::size_t, 2> layers, std::array<std::size_t, 2> heads,
                            std::size_t query, std::size_t key) const {
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t layer = layers[0]; layer <= layers[1]; ++layer) {
      for (std::size_t head = heads[0]; head <= heads[1]; ++head, ++count)
        sum += attention[layer - 1][head][query][key].get<double>();
    }
    return sum / static_cast<double>(count);
  }
};

TEST_F(CommandLine, DrawsTheNumbersThatExtractGives) {
  const Extracted given("minilm", kText);
  const std::size_t n = given.tokens;
  using Cell = std::function<double(std::size_t panel, std::size_t query, std::size_t key)>;
  struct Case {
    Arguments arguments;
    std::size_t panels, rows;
    Cell expected;
  };
  const auto diagonal = [](std::size_t query, std::size_t key) { return query == key ? 1.0 : 0.0; };
  for (const auto& [arguments, panels, rows, expected] : {
           Case{{"render", "--layer", "2", "--head", "mean"},
                1,
                n,
                [&](auto, auto q, auto k) {
                  return given.mean({2, 2}, {0, 11}, q, k);
                }},
           Case{{"render", "--layer", "mean", "--head", "3"},
                1,
                n,
                [&](auto, auto q, auto k) {
                  return given.mean({1, 6}, {3, 3}, q, k);
                }},
           Case{{"render", "--layer", "mean"},
                1,
                n,
                [&](auto, auto q, auto k) {
                  return given.mean({1, 6}, {0, 11}, q, k);
                }},
           Case{{"grid", "--layer", "4", "--heads", "5,6"},
                2,
                n,
                [&](auto p, auto q, auto k) {
                  return given.mean({4, 4}, {5 + p, 5 + p}, q, k);
                }},
           Case{{"layers", "--layers", "5,6"},
                2,
                n,
                [&](auto p, auto q, auto k) {
                  return given.mean({5 + p, 5 + p}, {0, 11}, q, k);
                }},
           Case{{"layers", "--head", "1", "--layers", "1,2"},
                2,
                n,
                [&](auto p, auto q, auto k) {
                  return given.mean({1 + p, 1 + p}, {1, 1}, q, k);
                }},
           Case{{"compare", "--head", "8", "--head", "9"},
                2,
                n,
                [&](auto p, auto q, auto k) {
                  return given.mean({6, 6}, {8 + p, 8 + p}, q, k);
                }},
           Case{{"diff", "--layer", "6", "--layer", "1", "--head", "2"},
                1,
                n,
                [&](auto, auto q, auto k) {
                  return given.mean({6, 6}, {2, 2}, q, k) - given.mean({1, 1}, {2, 2}, q, k);
                }},
           Case{{"flow", "--token", "bank"},
                1,
                6,
                [&](auto, auto layer, auto k) {
                  return given.mean({layer + 1, layer + 1}, {0, 11}, 2, k);
                }},
           Case{{"rollout", "--layers", "1"},
                1,
                n,
                [&](auto, auto q, auto k) {
                  return (given.mean({1, 1}, {0, 11}, q, k) + diagonal(q, k)) / 2;
                }},
       }) {
    const std::vector<double> cells =
        drawn(joined(arguments, {"--annotate", "always", kText})).cells(panels * rows * n);
    ASSERT_EQ(cells.size(), panels * rows * n) << line_of(arguments);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      ASSERT_NEAR(cells[i], expected(i / (rows * n), i / n % rows, i % n), 0.005 + 1e-5)
          << line_of(arguments) << ", cell " << i;
    }
  }
}

TEST_F(CommandLine, SaysWhereRolloutMisleads) {
  const std::string note =
      "attnviz: note: through the layers of a causal model attention piles up on the first tokens\n"
      "  hint: --range 1: --renormalize leaves the first out\n";
  const Arguments gpt2 = {"rollout", "--model", "gpt2-demo", "-o", "a.svg", kText};
  EXPECT_EQ(run(gpt2).err, note);
  EXPECT_EQ(run(joined(gpt2, {"--layers", "1,2"})).err, note);
  EXPECT_EQ(run(joined(gpt2, {"--method", "max-flow"})).err, note);
  EXPECT_EQ(run(joined(gpt2, {"--range", "1:", "--renormalize"})).err, "");
}

TEST_F(CommandLine, SaysWhichOfSeveralTokensWasTaken) {
  struct Case {
    std::string token, note;
  };
  for (const auto& [token, note] : {
           Case{"bank", "--token bank: the first of 2, at position 1; bank#2 is the second\n"},
           Case{"Bank", "--token Bank: the first of 2, at position 1; Bank#2 is the second\n"},
           Case{"bank#1", ""},
           Case{"1", ""},
           Case{"4", ""},
           Case{"3", ""},
           Case{"river", ""},
       }) {
    EXPECT_EQ(run({"flow", "--token", token, "-o", "a.svg", "bank river 4 4 bank"}).err,
              note.empty() ? "" : "attnviz: note: " + note);
  }
}

TEST_F(CommandLine, PrintsTheSummaryInNumbers) {
  const Outcome outcome = run({"summary", "--model", "gpt2-demo", "-o", "a.svg", "to lend"});
  EXPECT_EQ(outcome.out,
            "Model          gpt2-demo\n"
            "Layers         6\n"
            "Heads a layer  12\n"
            "Tokens         3\n"
            "Mean weight    0.3333\n"
            "Mean entropy   0.5240 nats (uniform 0.5973)\n"
            "Most attended  “to” (0), receives 2.00 of 3\n"
            "a.svg\n");
}

TEST_F(CommandLine, DescribesEveryFigureAsItsFileDoes) {
  for (const Arguments& arguments : kEach) {
    const Outcome outcome = run(joined(arguments, {"--describe", "-o", "a.svg"}));
    std::string description = Svg(read_file("a.svg")).description, printed = outcome.out;
    std::replace(printed.begin(), printed.end(), '\n', ' ');
    EXPECT_NE(printed.find(description + " a.svg "), std::string::npos) << outcome.out;
  }
}

TEST_F(CommandLine, ShowsEveryMapInTheTerminal) {
  for (const Arguments& arguments : kEach) {
    const Outcome outcome = run(joined(arguments, {"--show", "-o", "a.svg"}));
    EXPECT_TRUE(outcome.out.ends_with("\na.svg\n")) << outcome.out;
    EXPECT_NE(outcome.out.find("0123456789"), std::string::npos) << outcome.out;
    EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);
  }
  const std::string two = run({"compare", "--layer", "1", "--layer", "2", "--show", "x", "-o", "a.svg"}).out;
  const std::size_t second = two.find("Layer 2 · Mean of 12 heads\n");
  ASSERT_NE(second, std::string::npos);
  EXPECT_LT(two.find("Layer 1 · Mean of 12 heads\n"), second);
  const auto legend = [&](std::size_t from) { return two.substr(two.find("0123456789", from), 15); };
  EXPECT_EQ(legend(0), legend(second));  // one scale
}

TEST_F(CommandLine, GivesEveryFigureTheLookThatIsAskedFor) {
  for (const Arguments& arguments : kEach) {
    const bool differs = arguments.front() == "diff";
    const Svg plain = drawn(arguments);
    EXPECT_NE(plain.bytes.find("fill=\"#ffffff\"/>"), std::string::npos);
    EXPECT_NE(drawn(joined(arguments, {"--theme", "dark"})).bytes.find("fill=\"#10141a\"/>"),
              std::string::npos);
    // The ends of viridis.
    const Svg viridis = drawn(joined(arguments, {"--cmap", "viridis"}));
    EXPECT_NE(viridis.bytes.find("fill=\"#fde725\""), std::string::npos) << line_of(arguments);
    EXPECT_EQ(plain.bytes.find("fill=\"#fde725\""), std::string::npos) << line_of(arguments);
    if (differs) continue;
    for (const char* scale : {"sqrt", "log"})
      EXPECT_TRUE(drawn(joined(arguments, {"--scale", scale})).bytes != plain.bytes) << line_of(arguments);
    const Svg cut = drawn(joined(arguments, {"--vmin", "0.1", "--vmax", "0.2"}));
    EXPECT_TRUE(cut.says("≥ 0.2")) << line_of(arguments);
  }
}

}  // namespace
}  // namespace attnviz
