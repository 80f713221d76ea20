#include <cstring>

#include "attnviz/attention.h"
#include "attnviz/file.h"
#include "support/command_line.h"

namespace attnviz::test {
namespace {

using SavedFigure = CommandLine;

/// A figure of each kind, of the model that is always there.
const std::vector<std::vector<std::string>>& figures() {
  static const std::vector<std::vector<std::string>> kFigures = {
      {"render", "--layer", "2", "--head", "3", "--title", "\"Mine\""},
      {"grid", "--layer", "1", "--heads", "0-4"},
      {"grid", "--layers", "all", "--theme", "dark"},
      {"layers", "--head", "mean", "--words"},
      {"compare", "--head", "0", "--head", "5", "--scale", "sqrt"},
      {"diff", "--layer", "1", "--layer", "6"},
      {"flow", "--token", "1"},
      {"rollout", "--cmap", "cividis", "--vmax", "0.5"},
      {"summary", "--range", "1:"},
  };
  return kFigures;
}

Outcome draw(std::vector<std::string> arguments, const std::string& path) {
  for (const char* more : {"--model", "gpt2-demo", "-o"}) arguments.emplace_back(more);
  arguments.push_back(path);
  arguments.emplace_back(kText);
  return run(arguments);
}

std::string bytes_of(const TensorView& tensor) {
  return {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()};
}

TEST_F(SavedFigure, IsDrawnAnewAsItWasInEveryFormat) {
  for (const std::vector<std::string>& figure : figures()) {
    ASSERT_EQ(draw(figure, "a.png").status, 0) << figure[0];
    const std::string original = read_file("a.png");
    // Each file is made of the one before: no bit is lost on the way.
    for (const char* step : {"b.svg", "c.pdf", "d.png"}) {
      const std::string before = step[0] == 'b' ? "a.png" : step[0] == 'c' ? "b.svg" : "c.pdf";
      const Outcome outcome = run({"redraw", before, "-o", step});
      EXPECT_EQ(outcome.status, 0) << figure[0] << " " << outcome.err;
    }
    EXPECT_TRUE(read_file("d.png") == original) << figure[0];
  }
}

TEST_F(SavedFigure, OfTheExplorerIsDrawnAnewToo) {
  ASSERT_EQ(run({"analyze", "--explore", "--model", "gpt2-demo", "-o", "a.png", kText}).status, 0);
  ASSERT_EQ(run({"redraw", "-o", "b.png", "a.png"}).status, 0);
  EXPECT_TRUE(read_file("a.png") == read_file("b.png"));
}

TEST_F(SavedFigure, TakesAnotherLookAndKeepsTheRest) {
  ASSERT_EQ(draw({"render", "--layer", "2", "--vmax", "0.5"}, "a.png").status, 0);
  ASSERT_EQ(run({"redraw", "--cmap", "viridis", "--theme", "dark", "-o", "b.svg", "a.png"}).status, 0);
  ASSERT_EQ(draw({"render", "--layer", "2", "--vmax", "0.5", "--cmap", "viridis", "--theme", "dark"}, "c.svg")
                .status,
            0);
  const auto picture = [](const std::string& path) {
    const std::string svg = read_file(path);
    const std::size_t begin = svg.find("<metadata"), end = svg.find("</metadata>");
    return svg.substr(0, begin) + svg.substr(end);
  };
  EXPECT_EQ(picture("b.svg"), picture("c.svg"));
}

TEST_F(SavedFigure, GivesItsNumbersBackBitForBit) {
  ASSERT_EQ(draw({"render", "--layer", "2", "--head", "3"}, "a.pdf").status, 0);
  ASSERT_EQ(run({"extract", "-o", "figure.safetensors", "a.pdf"}).status, 0);
  ASSERT_EQ(run({"extract", "--model", "gpt2-demo", "--layers", "2", "--heads", "3", "-o",
                 "model.safetensors", kText})
                .status,
            0);
  const Safetensors figure("figure.safetensors"), model("model.safetensors");
  EXPECT_EQ(bytes_of(figure.tensors().at("weights")), bytes_of(model.tensors().at("attention")));
  EXPECT_EQ(figure.metadata().at("request"),
            R"(["render","--layer","2","--head","3","--model","gpt2-demo"])");
  EXPECT_NE(figure.metadata().at("texts").find(kText), std::string::npos);
}

TEST_F(SavedFigure, GivesAllItsMaps) {
  ASSERT_EQ(draw({"grid", "--layer", "1", "--heads", "0,3"}, "a.svg").status, 0);
  ASSERT_EQ(run({"extract", "-o", "a.safetensors", "a.svg"}).status, 0);
  EXPECT_EQ(Safetensors("a.safetensors").tensors().at("weights").shape[0], 2);
  for (const char* path : {"a.npz", "a.json"})
    EXPECT_EQ(run({"extract", "-o", path, "a.svg"}).status, 0) << path;
  ASSERT_EQ(draw({"compare", "--against", "The dog."}, "b.svg").status, 0);
  ASSERT_EQ(run({"extract", "-o", "b.safetensors", "b.svg"}).status, 0);
  EXPECT_EQ(Safetensors("b.safetensors").tensors().count("weights_1"), 1U);
}

TEST_F(SavedFigure, IsNumberedRatherThanReplaced) {
  ASSERT_EQ(draw({"render"}, "a.png").status, 0);
  EXPECT_EQ(run({"redraw", "--theme", "dark", "a.png"}).out, "a-2.png\n");
}

TEST_F(SavedFigure, IsRefusedWithoutARecord) {
  ASSERT_EQ(draw({"render", "--no-embed"}, "a.png").status, 0);
  const std::string hint = "\n  hint: only figures that attnviz wrote without --no-embed carry their numbers";
  expect_refused({"redraw", "a.png"}, "a.png: no record in it" + hint);
  expect_refused({"extract", "a.png"}, "a.png: no record in it" + hint);
  expect_refused({"extract", "--layers", "1", "a.png"},
                 "a.png: a figure holds what it shows, and takes no --layers, --heads, --weights, --ablate "
                 "or --with-qk\n"
                 "  hint: give the text to run a model");
  expect_refused(
      {"redraw"},
      "FIGURE: missing\n  hint: name a figure that attnviz wrote, as in attnviz redraw --cmap viridis "
      "-o paper.pdf figure.png");
}

TEST_F(SavedFigure, HoldsNothingOfWhereItWasWritten) {
  ASSERT_EQ(draw({"render", "--threads", "1"}, "a.png").status, 0);
  std::filesystem::create_directory("elsewhere");
  ASSERT_EQ(
      draw({"render", "--threads", "1", "--timings", "--backend", "checkpoint"}, "elsewhere/b.png").status,
      0);
  EXPECT_TRUE(read_file("a.png") == read_file("elsewhere/b.png"));
}

}  // namespace
}  // namespace attnviz::test
