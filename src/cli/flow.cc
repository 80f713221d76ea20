#include "cli/command.h"
#include "cli/drawing.h"
#include "cli/token_choice.h"

namespace attnviz::cli {
namespace {

struct FlowOptions {
  std::optional<Given> token;
  std::optional<int> head;  ///< unset: the mean over heads
  DrawingOptions drawing;
};

Flags flow_flags(FlowOptions& options) {
  Flags flags({"flow",
               "Draws what one token attends to in each layer: a row a layer, a column a token.",
               {"attnviz flow --token bank \"The bank can refuse to lend money.\"",
                "attnviz flow --token bank#2 --head 0 \"The bank by the river bank.\"",
                "attnviz flow --token 3 --model gpt2-demo \"Once upon a time\""}});
  flags.group("What to draw");
  flags.value(
      "--token", "T",
      "the token that attends: its position, counting from 0, or the token itself, with #2 for the second "
      "that is written so (required)",
      [&](const Given& given) { options.token = given; });
  flags.value("--head", "K|mean", "the head, counting from 0, or the mean over all (default: mean)",
              [&](const Given& given) { options.head = read_head(given); });
  add_drawing_flags(flags, options.drawing, "minilm-flow-2-mean");
  return flags;
}

/// Which of several tokens that are written alike was taken.
std::vector<std::string> remarks_on(const Given& given, std::span<const TokenLabel> labels,
                                    std::size_t token) {
  const std::vector<std::size_t> alike = tokens_named(given.value, labels);
  if (alike.size() < 2 || alike.front() != token) return {};
  const std::string shown = shown_value(given.value);
  return {"--token " + shown + ": the first of " + std::to_string(alike.size()) + ", at position " +
          std::to_string(token) + "; " + shown + "#2 is the second"};
}

Ready ready(const FlowOptions& options, const Subject& subject) {
  const std::vector<TokenLabel>& labels = subject.tokens.labels;
  const std::size_t token = find_token(*options.token, labels);
  return {subject.card().name + "-flow-" + std::to_string(token) + "-" + head_stem(options.head),
          remarks_on(*options.token, labels, token)};
}

void draw_flow(const FlowOptions& options, Subject& subject, const Finish& finish) {
  const std::size_t token = find_token(*options.token, subject.tokens.labels);
  const TokenLabel& label = subject.tokens.labels[token];
  subject.show();
  const Attention& attention = subject.attention;
  std::vector<float> weights;
  std::vector<TokenLabel> layers;
  for (const int layer : attention.layers) {
    const std::vector<float> mean = head_mean(attention, layer);
    const auto row = mean.begin() + static_cast<std::ptrdiff_t>(token * attention.keys);
    weights.insert(weights.end(), row, row + static_cast<std::ptrdiff_t>(attention.keys));
    layers.push_back({"", "Layer " + std::to_string(layer), false});
  }
  Heatmap map = subject.map({weights, attention.keys}, visible(subject.card().name) + " · From “" +
                                                           label.whole() + "” (" + std::to_string(token) +
                                                           ") · " + head_title(subject.card(), options.head));
  map.queries = layers;
  map.rows_are_layers = true;
  map.causal = false;  // what the token can't see is behind it, not above a diagonal
  if (attention.causal && token + 1 < attention.keys)
    map.notes.push_back("tokens behind it are masked: always 0");
  finish(map, options.drawing.look.with_default(options.head ? "Blues" : "Reds"), "");
}

FigurePlan flow_plan(const FlowOptions& options) {
  if (!options.token) throw Error("--token: missing", "name the token that attends, as in --token bank");
  Wanted wanted = MapChoice{.head = options.head}.wanted();
  wanted.layers = NumberRanges{};
  FigurePlan plan{.drawing = options.drawing, .sources = {{options.drawing.model, selector(wanted)}}};
  plan.ready = [options](std::span<Subject> subjects) { return ready(options, subjects[0]); };
  plan.draw = [options](std::span<Subject> subjects, const Finish& finish) {
    draw_flow(options, subjects[0], finish);
  };
  return plan;
}

}  // namespace

Command flow_command() {
  return figure_command<FlowOptions, flow_flags, flow_plan>(
      "flow", "draw what one token attends to through all layers");
}

}  // namespace attnviz::cli
