#include <algorithm>
#include <cmath>
#include <iterator>

#include "cli/command.h"
#include "cli/drawing.h"

namespace attnviz::cli {
namespace {

enum class Method { rollout, max_flow };
const Choices<Method> kMethods = {{"rollout", Method::rollout}, {"max-flow", Method::max_flow}};

struct RolloutOptions {
  Method method = Method::rollout;
  std::optional<int> head;             ///< unset: the mean over heads
  std::optional<NumberRanges> layers;  ///< unset: the last only
  DrawingOptions drawing;
};

Flags rollout_flags(RolloutOptions& options) {
  Flags flags({"rollout",
               "Draws attention through all layers at once (Abnar & Zuidema 2020): rollout, the product of "
               "½(A + I) over the "
               "layers, or the maximum flow from each token of the last layer to each input token.",
               {"attnviz rollout \"The bank can refuse to lend money.\"",
                "attnviz rollout --layers 1,3,6 -o depth.pdf \"The cat sat on the mat.\"",
                "attnviz rollout --method max-flow \"The cat sat on the mat.\"",
                "attnviz rollout --model gpt2-demo --range 1: --renormalize \"Once upon a time\""}});
  flags.group("What to draw");
  flags.value("--method", "rollout|max-flow",
              "the product of the layers, or the maximum flow through them, of at most " +
                  std::to_string(kMostFlowTokens) + " tokens (default: rollout)",
              [&](const Given& given) { options.method = read_choice(given, kMethods); });
  flags.value("--head", "K|mean", "through one head of each layer, or the mean over all (default: mean)",
              [&](const Given& given) { options.head = read_head(given); });
  flags.value("--layers", "LIST|all",
              "a panel for the rollout up to each of these layers (default: the last)",
              [&](const Given& given) {
                if (options.method == Method::max_flow) {
                  throw Error("--layers: --method max-flow goes through all layers and draws one map",
                              "leave one of them out");
                }
                options.layers = read_ranges(given);
              });
  add_drawing_flags(flags, options.drawing, "minilm-rollout");
  return flags;
}

/// The layers that the product needs: all up to the deepest that is asked for.
Wanted wanted(const RolloutOptions& options) {
  Wanted wanted = MapChoice{.head = options.head}.wanted();
  wanted.layer_flag = "--layers";
  wanted.layers = NumberRanges{};
  if (!options.layers || options.layers->ranges.empty()) return wanted;
  int lowest = 1, deepest = 1;
  for (const auto& [first, last] : options.layers->ranges) {
    lowest = std::min(lowest, first);
    deepest = std::max(deepest, last);
  }
  wanted.layers->ranges = {{lowest, deepest}};
  return wanted;
}

/// The layers to draw.
std::vector<int> drawn_layers(const RolloutOptions& options, const Attention& attention) {
  if (!options.layers) return {attention.layers.back()};
  return options.layers->ranges.empty() ? attention.layers : options.layers->numbers();
}

/// `attention` with the rollout up to each drawn layer, or the maximum flow, in place of its weights.
Attention through_layers(const RolloutOptions& options, Attention attention) {
  const std::vector<int> layers = drawn_layers(options, attention);
  std::vector<float> weights;
  if (options.method == Method::max_flow) {
    weights = attention_flow(attention, options.head);
  } else {
    const std::vector<std::vector<float>> products = rollout(attention, options.head);
    for (const int layer : layers) {
      const std::vector<float>& product = products[static_cast<std::size_t>(layer) - 1];
      weights.insert(weights.end(), product.begin(), product.end());
    }
  }
  attention.layers = layers;
  attention.heads = {options.head.value_or(0)};
  attention.weights = std::move(weights);
  return attention;
}

std::string method_title(Method method) {
  return method == Method::rollout ? "Rollout" : "Attention flow (maximum flow)";
}

HeatmapGrid grid_of(const Subject& subject, const std::string& title) {
  const Attention& attention = subject.attention;
  HeatmapGrid grid{.panels = {}, .columns = good_columns(attention.layers.size()), .title = title};
  for (const int layer : attention.layers) {
    grid.panels.push_back(subject.map(attention.at(layer, attention.heads[0]),
                                      layer == 1 ? "Layer 1" : "Layers 1 to " + std::to_string(layer)));
    grid.panels.back().quantity = "Rollout";
  }
  grid.subtitle = subject.prepared.sentence.shown();
  grid.notes = subject.notes();
  return grid;
}

/// A twentieth at or below the smallest that is finite.
double low_end(std::span<const float> weights) {
  std::vector<float> finite;
  std::copy_if(weights.begin(), weights.end(), std::back_inserter(finite),
               [](float weight) { return std::isfinite(weight); });
  return finite.empty() ? 0 : std::floor(*std::min_element(finite.begin(), finite.end()) * 20) / 20;
}

/// Said where it would mislead: what all paths of a causal model lead to.
std::vector<std::string> remarks_on(const RolloutOptions& options, const ModelCard& card) {
  if (!card.causal || options.drawing.tokens.range) return {};
  return {
      "through the layers of a causal model attention piles up on the first tokens\n"
      "  hint: --range 1: --renormalize leaves the first out"};
}

Ready ready(const RolloutOptions& options, const Subject& subject) {
  const bool flow = options.method == Method::max_flow;
  const std::size_t tokens = subject.prepared.encoding.size();
  if (flow && tokens > kMostFlowTokens) {
    throw Error("--method max-flow: " + std::to_string(tokens) + " tokens, expected at most " +
                    std::to_string(kMostFlowTokens),
                "--method rollout takes any number");
  }
  return {subject.card().name + (flow ? "-max-flow" : "-rollout") +
              (options.head ? "-" + head_stem(options.head) : ""),
          remarks_on(options, subject.card())};
}

void draw_rollout(const RolloutOptions& options, Subject& subject, const Finish& finish) {
  const bool flow = options.method == Method::max_flow;
  subject.attention = through_layers(options, std::move(subject.attention));
  subject.show();
  const std::string title = visible(subject.card().name) + " · " + method_title(options.method) + " · " +
                            head_title(subject.card(), options.head);
  Look look = options.drawing.look.with_default(options.head ? "Blues" : "Reds");
  const Attention& attention = subject.attention;
  if (attention.layers.size() > 1) return finish(grid_of(subject, title), look, "");
  const int depth = attention.layers.front();
  Heatmap map =
      subject.map(attention.at(depth, attention.heads[0]),
                  title + " · " + (depth == 1 ? "Layer 1" : "Layers 1 to " + std::to_string(depth)));
  map.quantity = flow ? "Maximum Flow" : "Rollout";
  // Flows lie close together, far from 0: the colours spread over what there is.
  if (flow && !attention.causal && !look.vmin) look.vmin = low_end(attention.weights);
  finish(map, look, "");
}

FigurePlan rollout_plan(const RolloutOptions& options) {
  FigurePlan plan{.drawing = options.drawing,
                  .sources = {{options.drawing.model, selector(wanted(options))}}};
  plan.sources.front().of_shares = true;
  plan.ready = [options](std::span<Subject> subjects) { return ready(options, subjects[0]); };
  plan.draw = [options](std::span<Subject> subjects, const Finish& finish) {
    draw_rollout(options, subjects[0], finish);
  };
  return plan;
}

}  // namespace

Command rollout_command() {
  return figure_command<RolloutOptions, rollout_flags, rollout_plan>(
      "rollout", "draw attention through all layers: rollout, or maximum flow");
}

}  // namespace attnviz::cli
