#include "cli/command.h"
#include "cli/diff_figures.h"
#include "cli/two_maps.h"

namespace attnviz::cli {
namespace {

Flags diff_flags(TwoMapsOptions& options) {
  Flags flags(
      {"diff",
       "Draws the signed difference of two maps, the first minus the second, on a scale centred on 0: of two "
       "models, layers or heads. Tokens that differ are merged to the words that both share. With two "
       "figures "
       "that attnviz wrote in place of TEXT, the difference of the numbers that they show.",
       {"attnviz diff --layer 6 --layer 1 --head 0 \"The cat sat on the mat.\"",
        "attnviz diff --head 3 --head 7 -o heads.pdf \"The cat sat on the mat.\"",
        "attnviz diff --model minilm --model gpt2-demo \"The cat sat on the mat.\"",
        "attnviz diff before.png after.png"}});
  add_two_maps_flags(flags, options, "minilm-layer6-head0-layer1-head0-diff");
  return flags;
}

void draw_difference(const TwoMapsOptions& options, std::span<Subject> subjects, const Finish& finish) {
  const TwoMaps maps = two_maps(options, subjects);
  const auto& [first, second] = maps.sides;
  std::vector<float> difference(first.weights.size());
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = first.weights[i] - second.weights[i];
  const std::string common = maps.title.empty() ? "" : maps.title + " · ";
  Heatmap map = first.subject->map({difference, first.subject->attention.keys},
                                   common + maps.titles[0] + " − " + maps.titles[1]);
  map.causal = first.subject->attention.causal && second.subject->attention.causal;
  map.is_signed = true;
  map.quantity = map.quantity == kNorms ? kNormDifferences : "Difference of Weights";
  map.notes = maps.notes;
  const Theme theme = options.drawing.look.look.theme;
  finish(map, options.drawing.look.with_default(theme == Theme::dark ? "berlin" : "RdBu_r"), "");
}

FigurePlan diff_plan(const TwoMapsOptions& options) {
  FigurePlan plan = plan_of_two(options, /*subtract=*/true);
  plan.draw = [options](std::span<Subject> subjects, const Finish& finish) {
    draw_difference(options, subjects, finish);
  };
  return plan;
}

/// Of a text, or of two saved figures.
Task read_diff(std::span<const std::string> arguments, const Streams& streams) {
  if (names_figures(arguments)) return figures_task(arguments, streams);
  return read_figure_command<TwoMapsOptions, diff_flags, diff_plan>(arguments, streams);
}

}  // namespace

Command diff_command() {
  return {"diff", "draw the signed difference of two models, layers, heads or saved figures", read_diff,
          read_plan<TwoMapsOptions, diff_flags, diff_plan>};
}

}  // namespace attnviz::cli
