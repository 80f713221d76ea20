#include "cli/command.h"
#include "cli/two_maps.h"

namespace attnviz::cli {
namespace {

Flags diff_flags(TwoMapsOptions& options) {
  Flags flags(
      {"diff",
       "Draws the signed difference of two maps, the first minus the second, on a scale centred on 0: of two "
       "models, layers or heads. Tokens that differ are merged to the words that both share.",
       {"attnviz diff --layer 6 --layer 1 --head 0 \"The cat sat on the mat.\"",
        "attnviz diff --head 3 --head 7 -o heads.pdf \"The cat sat on the mat.\"",
        "attnviz diff --model minilm --model gpt2-demo \"The cat sat on the mat.\""}});
  add_two_maps_flags(flags, options, "minilm-layer6-head0-layer1-head0-diff");
  return flags;
}

int diff(const TwoMapsOptions& options, const Streams& streams) {
  Drawing drawing(options.drawing, streams);
  const TwoMaps maps = attend_two(options, drawing, true);
  const auto& [first, second] = maps.sides;
  std::vector<float> difference(first.weights.size());
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = first.weights[i] - second.weights[i];
  const std::string common = maps.title.empty() ? "" : maps.title + " · ";
  Heatmap map = first.subject.map({difference, first.subject.attention.keys},
                                  common + maps.titles[0] + " − " + maps.titles[1]);
  map.causal = first.subject.attention.causal && second.subject.attention.causal;
  map.is_signed = true;
  map.quantity = "Difference of Weights";
  map.notes = maps.notes;
  const Theme theme = options.drawing.look.look.theme;
  const Look look = options.drawing.look.with_default(theme == Theme::dark ? "berlin" : "RdBu_r");
  drawing.finish(map, look);
  return 0;
}

}  // namespace

Command diff_command() {
  return {"diff", "draw the signed difference of two models, layers or heads",
          run_command<TwoMapsOptions, diff_flags, diff>};
}

}  // namespace attnviz::cli
