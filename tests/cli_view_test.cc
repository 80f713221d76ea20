#include <algorithm>

#include "attnviz/record.h"
#include "attnviz/render.h"
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
using test::Refusal;
using test::run;
using test::Svg;

const Arguments kPair = {"--pair", "It was late.", "The bank had closed."};

/// The view that a file holds.
class Stored {
 public:
  explicit Stored(const std::string& path) : record_(read_record(path).value_or(""), path) {}
  [[nodiscard]] const View& view() const { return std::get<View>(record_.record().drawn); }
  [[nodiscard]] const Arguments& arguments() const { return record_.record().arguments; }

 private:
  StoredRecord record_;
};

Stored made(const Arguments& arguments, const std::string& path) {
  const Outcome outcome = run(joined(arguments, {"-o", path}));
  EXPECT_EQ(outcome.status, 0) << line_of(arguments) << outcome.err;
  EXPECT_EQ(outcome.err, "") << line_of(arguments);
  return Stored(path);
}

TEST_F(CommandLine, NamesViewsAfterWhatTheyShowAndMakesPagesUnlessToldOtherwise) {
  for (const auto& [arguments, name] : std::vector<std::pair<Arguments, std::string>>{
           {{"view", "head", kText}, "minilm-head-view-layer6.html"},
           {{"view", "head", "--layer", "2", "--format", "svg", kText}, "minilm-head-view-layer2.svg"},
           {{"view", "model", kText}, "minilm-model-view.html"},
           {{"view", "neuron", "--head", "3", kText}, "minilm-neuron-view-layer6-head3.html"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.out, name + "\n") << outcome.err;
  }
}

TEST_F(CommandLine, HoldsInAPageEveryLayerAndInAFigureWhatItShows) {
  const std::vector<int> all_layers = {1, 2, 3, 4, 5, 6}, all_heads = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const Arguments head = {"view", "head", "--layer", "2", "--heads", "0,3", kText},
                  neuron = {"view", "neuron", "--head", "3", "--query", "bank", kText};
  const Stored stored_page = made(head, "head.html");
  const View& page = stored_page.view();
  EXPECT_EQ(page.layers, all_layers);
  EXPECT_EQ(page.heads, all_heads);
  EXPECT_EQ(page.layer, 2);
  EXPECT_EQ(page.shown_heads, (std::vector<int>{0, 3}));
  EXPECT_TRUE(page.query.empty());
  const Stored stored_still = made(head, "head.svg");
  const View& still = stored_still.view();
  EXPECT_EQ(still.layers, (std::vector<int>{2}));
  EXPECT_EQ(still.heads, (std::vector<int>{0, 3}));
  EXPECT_EQ(made({"view", "head", "--layers", "2,4", kText}, "some.html").view().layers,
            (std::vector<int>{2, 4}));
  EXPECT_EQ(made({"view", "model", "--layers", "2,4", "--heads", "1", kText}, "model.pdf").view().heads,
            (std::vector<int>{1}));

  const Stored stored_whole = made(neuron, "neuron.html");
  const View& whole = stored_whole.view();
  EXPECT_EQ(whole.layers, all_layers);
  EXPECT_EQ(whole.heads, all_heads);
  EXPECT_EQ(whole.shown_heads, (std::vector<int>{3}));
  EXPECT_EQ(whole.query.size(), 6 * 12 * whole.tokens.size() * whole.head_size);
  const Stored stored_one = made(neuron, "neuron.svg");
  const View& one = stored_one.view();
  EXPECT_EQ(one.layers, (std::vector<int>{6}));
  EXPECT_EQ(one.heads, (std::vector<int>{3}));
  EXPECT_EQ(one.query.size(), one.tokens.size() * one.head_size);
  EXPECT_EQ(one.token, 2U);
  EXPECT_FALSE(made({"view", "head", "--with-qk", kText}, "both.html").view().key.empty());
}

TEST_F(CommandLine, PutsInSightWhatViewsAreTold) {
  const Stored stored_view = made(
      joined({"view", "head", "--key", "bank", "--threshold", "0.05", "--filter", "b-a"}, kPair), "view.svg");
  const View& view = stored_view.view();
  EXPECT_EQ(view.token, 2U);
  EXPECT_TRUE(view.token_is_key);
  EXPECT_EQ(view.threshold, 0.05);
  EXPECT_EQ(view.filter, View::Filter::b_to_a);
  ASSERT_TRUE(view.second_from.has_value());
  EXPECT_EQ(view.tokens[*view.second_from].whole(), "it");
  const Stored stored_neuron = made({"view", "neuron", kText}, "neuron.svg");
  const View& neuron = stored_neuron.view();
  EXPECT_EQ(neuron.token, 1U) << "the first that is no special token";
  const Stored stored_decoder = made({"view", "neuron", "--model", "gpt2-demo", "The bank can"}, "gpt2.svg");
  EXPECT_EQ(stored_decoder.view().token, stored_decoder.view().tokens.size() - 1) << "which sees all";
  EXPECT_EQ(neuron.shown_heads, (std::vector<int>{0}));
  const Stored stored_words = made(
      {"view", "head", "--words", "--hide-special", "--filter", "a-b", "--pair", "unbelievable", "The bank"},
      "words.svg");
  const View& words = stored_words.view();
  EXPECT_EQ(words.tokens.size(), 3U);
  EXPECT_EQ(words.second_from, 2U);
}

TEST_F(CommandLine, LeavesOutOfAPageTheLayersThatDoNotFitAndSaysSo) {
  std::string text;
  for (int i = 0; i < 90; ++i) text += "the bank can refuse to lend money ";
  const Arguments shared = {"view", "head", "--truncate", "--layer", "3", text};
  const Outcome outcome = run(joined(shared, {"-o", "long.html"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Stored stored("long.html");
  EXPECT_EQ(stored.view().layers, (std::vector<int>{3}));
  EXPECT_EQ(stored.view().notes.back(),
            "layer 3 of 6: all would take more than 10 MB (--layers names others)");
}

TEST_F(CommandLine, DrawsAPageAnewAsAFigureAndAFigureAsAPage) {
  const Stored stored_page = made({"view", "head", "--heads", "0,3", kText}, "a.html");
  const View& page = stored_page.view();
  ASSERT_EQ(run({"redraw", "--theme", "dark", "-o", "b.svg", "a.html"}).status, 0);
  ASSERT_EQ(run({"redraw", "-o", "c.html", "b.svg"}).status, 0);
  EXPECT_EQ(Stored("c.html").view().shown_heads, page.shown_heads);
  EXPECT_TRUE(std::ranges::equal(Stored("c.html").view().weights, page.weights));
  ASSERT_EQ(run({"extract", "-o", "a.json", "a.html"}).status, 0);
  ASSERT_EQ(run({"render", "-o", "r.png", kText}).status, 0);
  expect_refused(
      {"redraw", "-o", "r.html", "r.png"},
      "r.png: not a view, and only a view becomes a page\n  hint: attnviz view head, model or neuron "
      "draws one");
}

TEST_F(CommandLine, ChecksViewsAndPagesAgainstTheModel) {
  std::filesystem::create_directory("saved");
  std::string many_words;
  for (int i = 0; i < 20; ++i) many_words += "the bank can refuse to lend money ";
  for (const auto& [arguments, path] : std::vector<std::pair<Arguments, std::string>>{
           {joined({"view", "head", "--filter", "a-b"}, kPair), "saved/head.html"},
           {{"view", "head", "--token", "bank", kText}, "saved/head.png"},
           {{"view", "model", "--model", "gpt2-demo", "--layers", "1-3", kText}, "saved/model.svg"},
           {{"view", "model", kText}, "saved/model.html"},
           {{"view", "neuron", "--model", "gpt2-demo", kText}, "saved/neuron.pdf"},
           // So many tokens that the rounding of a page's weights adds up.
           {{"view", "head", "--model", "gpt2-demo", many_words}, "saved/long.html"},
           {{"view", "neuron", kText}, "saved/neuron.html"}}) {
    (void)made(arguments, path);
  }
  const Outcome outcome = run({"check", "saved"});
  EXPECT_EQ(outcome.out, "check: 7 figures: 7 same\n") << outcome.err;
  EXPECT_EQ(outcome.status, 0);

  std::string page = read_file("saved/neuron.html");
  const std::size_t at = page.find("\"weights\":\"") + 20;
  page.replace(at, 8, "////////");
  test::write("saved/neuron.html", page);
  const Outcome moved = run({"check", "saved/neuron.html"});
  EXPECT_EQ(moved.status, 1) << moved.out;
  EXPECT_NE(moved.out.find("layer 1 head 0"), std::string::npos) << moved.out;
}

TEST_F(CommandLine, ShowsInTheTerminalWhatOfAViewIsInSight) {
  const Outcome outcome =
      run({"view", "head", "--layer", "2", "--heads", "0,3", "--show", "-o", "x.html", kText});
  EXPECT_NE(outcome.out.find("Layer 2 · Head 3"), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find("Head 1"), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find("Layer 1"), std::string::npos) << outcome.out;
}

TEST_F(CommandLine, RefusesViewsThatAreNone) {
  for (const Refusal& c : std::vector<Refusal>{
           {{"view"},
            "view: not a command\n  hint: attnviz view head, view model and view neuron are BertViz's three "
            "views"},
           {{"view", "tail", "x"},
            "view: not a command\n  hint: attnviz view head, view model and view neuron are BertViz's three "
            "views"},
           {{"view", "head", "--layer", "7", "x"},
            "--layer 7: minilm has layers 1 to 6\n  hint: layers count from 1, heads from 0"},
           {{"view", "neuron", "--head", "12", "x"},
            "--head 12: minilm has heads 0 to 11\n  hint: layers count from 1, heads from 0"},
           {{"view", "head", "--layers", "7", "x"},
            "--layers 7: minilm has layers 1 to 6\n  hint: layers count from 1, heads from 0"},
           {{"view", "head", "--layers", "1-3", "--layer", "6", "x"},
            "--layer 6: not among --layers, which the page holds\n  hint: add it to --layers, or leave "
            "--layer "
            "out"},
           {{"view", "head", "--layers", "1-3", "-o", "x.svg", "x"},
            "--layers: only a page (.html) holds several, the output is svg\n  hint: --layer names the one in "
            "sight"},
           {{"view", "model", "--layers", "auto", "-o", "x.svg", "x"},
            "--layers: only a page (.html) chooses them by itself, the output is svg\n  hint: name the layers, "
            "as in --layers 1-4"},
           {{"view", "head", "--with-qk", "-o", "x.png", "x"},
            "--with-qk: only a page (.html) holds query and key vectors, the output is png\n  hint: leave it "
            "out"},
           {{"view", "head", "--no-embed", "x"},
            "--no-embed: a page draws the numbers that it holds\n  hint: leave it out"},
           {{"view", "neuron", "--backend", "torchscript", "x"},
            "view neuron: a TorchScript export does not give query and key vectors\n  hint: leave --backend "
            "torchscript out"},
           {{"view", "neuron", "--words", "-o", "x.html", "seashells"},
            "view neuron: sub-words merged: keys summed, queries averaged, expected single tokens\n  hint: "
            "leave "
            "--words, --hide-special and --range out: vectors are of one token each"},
           {{"view", "head", "--filter", "a-b", "x"},
            "--filter: it parts the sentences of a pair, there is one text\n  hint: give the second with --pair"},
           {{"view", "head", "--token", "1", "--key", "2", "x"},
            "--key: --token names a token already\n  hint: leave one of them out"},
           {{"view", "head", "--threshold", "2", "x"}, "--threshold 2: expected a weight from 0 to 1"},
       }) {
    expect_refused(c.arguments, c.message);
  }
}

}  // namespace
}  // namespace attnviz
