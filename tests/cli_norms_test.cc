#include <nlohmann/json.hpp>

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

const Arguments kNorm = {"--weights", "norm", kText};
const std::string kBar = "Norm of Weighted Vectors";

std::vector<float> numbers_of(const std::string& path, const std::string& name) {
  const Safetensors file(path);
  const std::span<const std::byte> bytes = file.tensors().at(name).bytes;
  std::vector<float> numbers(bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

TEST_F(CommandLine, DrawsNormsWithEveryCommandThatDrawsWeights) {
  for (const Arguments& command : std::vector<Arguments>{
           {"render", "--layer", "3", "--head", "5"},
           {"render", "--layer", "mean", "--scale", "log"},
           {"render", "--layer", "3", "--theme", "dark", "--pool", "mean:2"},
           {"render", "--layer", "3", "--zoom", "1:3,2:5"},
           {"render", "--layer", "3", "--window", "8"},
           {"grid", "--layer", "6"},
           {"grid", "--layers", "all"},
           {"layers", "--head", "2"},
           {"flow", "--token", "bank"},
           {"compare", "--layer", "1", "--layer", "6"},
           {"compare", "--model", "minilm", "--model", "gpt2-demo", "--align"},
           {"view", "head", "--layer", "2"},
           {"view", "head", "--layer", "2", "--heads", "1", "--token", "bank", "--threshold", "0.2"},
           {"view", "model"},
       }) {
    const Svg svg = test::drawn(joined(command, kNorm));
    EXPECT_TRUE(svg.says(kBar)) << test::line_of(command);
    EXPECT_NE(svg.description.find("norms of weighted vectors ‖αf(x)‖"), std::string::npos)
        << svg.description;
    const Outcome outcome = run({"check", "drawn.svg"});
    EXPECT_EQ(outcome.out, "check: 1 figure: 1 same\n") << test::line_of(command) << outcome.err;
  }
}

TEST_F(CommandLine, KeepsTheNumbersOfNormsInTheFigure) {
  std::ignore = test::drawn(joined({"render", "--layer", "3", "--head", "5"}, kNorm));
  ASSERT_EQ(run({"extract", "-o", "drawn.safetensors", "drawn.svg"}).status, 0);
  ASSERT_EQ(
      run({"extract", "--weights", "norm", "--layers", "3", "--heads", "5", "-o", "run.safetensors", kText})
          .status,
      0);
  EXPECT_EQ(numbers_of("drawn.safetensors", "weights"), numbers_of("run.safetensors", "norm"));
  const Safetensors file("drawn.safetensors");
  EXPECT_NE(file.metadata().at("maps").find("\"quantity\":\"" + kBar + "\""), std::string::npos);
}

TEST_F(CommandLine, SubtractsNorms) {
  const Svg svg = test::drawn(joined({"diff", "--layer", "1", "--layer", "6"}, kNorm));
  EXPECT_TRUE(svg.says("Difference of Norms"));
  EXPECT_EQ(run({"check", "drawn.svg"}).out, "check: 1 figure: 1 same\n");
  ASSERT_EQ(run(joined({"render", "--layer", "1", "-o", "a.svg"}, kNorm)).status, 0);
  ASSERT_EQ(run(joined({"render", "--layer", "6", "-o", "b.svg"}, kNorm)).status, 0);
  ASSERT_EQ(run({"render", "--layer", "6", "-o", "weights.svg", kText}).status, 0);
  ASSERT_EQ(run({"diff", "-o", "saved.svg", "a.svg", "b.svg"}).status, 0);
  EXPECT_TRUE(Svg(read_file("saved.svg")).says("Difference of Norms"));
  expect_refused(
      {"diff", "a.svg", "weights.svg"},
      "the figures differ in what their numbers are: Norm of Weighted Vectors in the first, Attention "
      "Weight in the second\n  hint: draw both with the same --weights");
}

TEST_F(CommandLine, PacksNormsExactlyIntoPages) {
  for (const Arguments& command : std::vector<Arguments>{{"view", "head"}, {"view", "model"}}) {
    ASSERT_EQ(run(joined(command, joined({"-o", "page.html"}, kNorm))).status, 0);
    ASSERT_EQ(run({"extract", "-o", "page.safetensors", "page.html"}).status, 0);
    ASSERT_EQ(run({"extract", "--weights", "norm", "-o", "run.safetensors", kText}).status, 0);
    EXPECT_EQ(numbers_of("page.safetensors", "weights"), numbers_of("run.safetensors", "norm"));
    EXPECT_EQ(run({"check", "page.html"}).out, "check: 1 figure: 1 same\n");
  }
  ASSERT_EQ(run({"redraw", "--theme", "dark", "-o", "dark.svg", "page.html"}).status, 0);
  EXPECT_TRUE(Svg(read_file("dark.svg")).says(kBar));
}

TEST_F(CommandLine, SaysWhatMergingAndHidingDoToNorms) {
  const Svg words =
      test::drawn({"render", "--weights", "norm", "--words", "--hide-special", "Unbelievable tokenization!"});
  EXPECT_NE(words.bytes.find("norms of keys summed, at least the norm of their sum"), std::string::npos);
  EXPECT_NE(words.bytes.find("special tokens hidden"), std::string::npos);
  EXPECT_EQ(words.bytes.find("rows may sum to less than 1"), std::string::npos);
  EXPECT_EQ(run({"check", "drawn.svg"}).out, "check: 1 figure: 1 same\n");
}

TEST_F(CommandLine, DrawsNormsOfManyTextsWithoutMetricsOfWeights) {
  ASSERT_EQ(
      run({"render", "--weights", "norm", "--input", "-", "-o", "out"}, "The cat sat.\nA dog.\n").status, 0);
  const std::string manifest = read_file("out/manifest.jsonl");
  EXPECT_EQ(manifest.find("entropy"), std::string::npos) << manifest;
  EXPECT_EQ(run({"check", "out"}).out, "check: 2 figures: 2 same\n");
}

TEST_F(CommandLine, RefusesNormsWhereRowsMustSumToOne) {
  const std::string shares =
      "--weights norm: rollout, summary, analyze and view neuron are of rows that sum to 1, norms do not\n  "
      "hint: "
      "render, grid, layers, flow, compare, diff, view head, view model and extract take norms";
  for (const auto& [arguments, message] : std::vector<std::pair<Arguments, std::string>>{
           {{"rollout"}, shares},
           {{"rollout", "--method", "max-flow"}, shares},
           {{"summary"}, shares},
           {{"analyze"}, shares},
           {{"view", "neuron"}, shares},
           {{"render", "--hide-special", "--renormalize"},
            "--renormalize: rows of norms do not sum to 1 in the first place\n  hint: leave --renormalize or "
            "--weights "
            "norm out"},
           {{"view", "head", "--with-qk"},
            "--with-qk: query and key vectors do not make up norms, which need the value vectors\n  hint: "
            "leave "
            "--weights norm or --with-qk out"},
           {{"render", "--backend", "torchscript", "-o", "x.svg"},
            "--weights norm: a TorchScript model gives no norms, which need its value vectors\n  hint: "
            "--backend "
            "checkpoint does"},
       }) {
    expect_refused(joined(arguments, kNorm), message);
  }
  expect_refused({"view", "head", "--threshold", "1.5", kText},
                 "--threshold 1.5: expected a weight from 0 to 1");
}

}  // namespace
}  // namespace attnviz
