#include "cli/command.h"
#include "cli/two_maps.h"

namespace attnviz::cli {
namespace {

Flags compare_flags(TwoMapsOptions& options) {
  Flags flags({"compare",
               "Draws two maps side by side on one scale, each with its own tokens, and the facts that tell "
               "them apart: "
               "of two models, layers, heads or texts.",
               {"attnviz compare --model minilm --model gpt2-demo --layer 5 \"The cat sat.\"",
                "attnviz compare --layer 1 --layer 6 -o depth.svg \"The cat sat on the mat.\"",
                "attnviz compare --head 3 --against \"The dog sat.\" \"The cat sat.\"",
                "attnviz compare --model minilm --model gpt2-demo --align \"Unbelievable!\""}});
  add_two_maps_flags(flags, options, "minilm-layer5-head0-gpt2-demo");
  return flags;
}

/// Of the whole text, whichever tokens are shown.
std::vector<std::pair<std::string, std::string>> facts_of(const Side& side) {
  const bool causal = side.subject->attention.causal;
  const std::size_t tokens = side.subject->queries().encoding.size();
  if (side.subject->sources) {
    return {{"Target tokens", std::to_string(tokens)},
            {"Source tokens", std::to_string(side.subject->keys().encoding.size())}};
  }
  const std::string uniform = show_fixed(uniform_entropy(tokens, causal), 2);
  std::vector<std::pair<std::string, std::string>> facts = {
      {"Tokens", std::to_string(tokens)}, {"Attends", causal ? "backwards (causal)" : "both ways"}};
  if (side.subject->selection.kind == WeightKind::norm) return facts;
  facts.emplace_back("Entropy", show_fixed(side.metrics.entropy, 2) + " nats (uniform " + uniform + ")");
  facts.emplace_back("First token", show_fixed(100 * side.metrics.first_token, 1) + " % of the weight");
  return facts;
}

void draw_comparison(const TwoMapsOptions& options, std::span<Subject> subjects, const Finish& finish) {
  const TwoMaps maps = two_maps(options, subjects);
  const bool two_models = !same_model(maps.sides[0], maps.sides[1]);
  const LookOptions& look = options.drawing.look;
  const auto compared = [&](std::size_t i) {
    const Side& side = maps.sides[i];
    const Look own = look.with_default(two_models && i == 1 ? "Reds" : "Blues");
    return Compared{side.subject->map(side.matrix(), maps.titles[i]), own.colors, facts_of(side)};
  };
  const Comparison comparison{.sides = {compared(0), compared(1)},
                              .title = maps.title,
                              .subtitle = maps.subtitle,
                              .notes = maps.notes};
  finish(comparison, look.look, "");
}

FigurePlan compare_plan(const TwoMapsOptions& options) {
  FigurePlan plan = plan_of_two(options, /*subtract=*/false);
  plan.draw = [options](std::span<Subject> subjects, const Finish& finish) {
    draw_comparison(options, subjects, finish);
  };
  return plan;
}

}  // namespace

Command compare_command() {
  return figure_command<TwoMapsOptions, compare_flags, compare_plan>(
      "compare", "draw two models, layers, heads or texts side by side");
}

}  // namespace attnviz::cli
