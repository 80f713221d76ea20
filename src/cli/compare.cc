#include "cli/command.h"
#include "cli/two_maps.h"

namespace attnviz::cli {
namespace {

Flags compare_flags(TwoMapsOptions& options) {
  Flags flags({"compare",
               "Draws two maps side by side on one scale, each with its own tokens, and the facts that tell "
               "them apart: "
               "of two models, layers, heads or texts.",
               {"attnviz compare --model minilm --model gpt2-demo --layer 5 --head 0 \"The cat sat.\"",
                "attnviz compare --layer 1 --layer 6 -o depth.svg \"The cat sat on the mat.\"",
                "attnviz compare --head 3 --against \"The dog sat.\" \"The cat sat.\"",
                "attnviz compare --model minilm --model gpt2-demo --align \"The unbelievable cat\""}});
  add_two_maps_flags(flags, options, "minilm-layer5-head0-gpt2-demo");
  return flags;
}

/// What the map's numbers come to.
std::vector<std::pair<std::string, std::string>> facts_of(const Side& side) {
  const Attention& attention = side.subject.attention;
  const Attention shown{.layers = {1},
                        .heads = {0},
                        .queries = attention.queries,
                        .keys = attention.keys,
                        .causal = attention.causal,
                        .weights = side.weights};
  const HeadMetrics metrics = head_metrics(shown, side.subject.tokens.labels).front();
  const double uniform = uniform_entropy(attention.keys, attention.causal);
  return {{"Tokens", std::to_string(attention.keys)},
          {"Attends", attention.causal ? "backwards (causal)" : "both ways"},
          {"Entropy", show_fixed(metrics.entropy, 2) + " nats (uniform " + show_fixed(uniform, 2) + ")"},
          {"First token", show_fixed(100 * metrics.first_token, 1) + " % of the weight"}};
}

int compare(const TwoMapsOptions& options, const Streams& streams) {
  Drawing drawing(options.drawing, streams);
  TwoMaps maps = attend_two(options, drawing, false);
  const bool two_models =
      !maps.titles[0].empty() && maps.sides[0].subject.card().name != maps.sides[1].subject.card().name;
  const LookOptions& look = options.drawing.look;
  const auto compared = [&](std::size_t i) {
    const Side& side = maps.sides[i];
    const Look own = look.with_default(two_models && i == 1 ? "Reds" : "Blues");
    return Compared{side.subject.map(side.matrix(), maps.titles[i]), own.colors, facts_of(side)};
  };
  const Comparison comparison{.sides = {compared(0), compared(1)},
                              .title = maps.title,
                              .subtitle = maps.subtitle,
                              .notes = maps.notes};
  const std::array<Heatmap, 2> shown_maps = {comparison.sides[0].map, comparison.sides[1].map};
  drawing.finish(comparison_figure(comparison, look.look, text_measure()), shown_maps, look.look);
  return 0;
}

}  // namespace

Command compare_command() {
  return {"compare", "draw two models, layers, heads or texts side by side",
          run_command<TwoMapsOptions, compare_flags, compare>};
}

}  // namespace attnviz::cli
