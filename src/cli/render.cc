#include "cli/command.h"
#include "cli/drawing.h"

namespace attnviz::cli {
namespace {

struct RenderOptions {
  MapChoice map;
  DrawingOptions drawing;
};

Flags render_flags(RenderOptions& options) {
  Flags flags({"render",
               "Draws one head's attention as a heatmap: rows are the tokens that attend, columns the "
               "tokens attended to. Prints the path of the file it wrote.",
               {"attnviz render --layer 6 --head 0 \"The bank can refuse to lend money.\"",
                "attnviz render --head mean -o mean.pdf \"The cat sat on the mat.\"",
                "attnviz render --model gpt2-demo --layer 2 --head 5 --show \"Once upon a time\"",
                "echo \"The cat sat.\" | attnviz render - --format svg -o - > cat.svg"}});
  flags.group("What to draw");
  add_map_flags(flags, options.map);
  add_drawing_flags(flags, options.drawing, "minilm-layer6-head0");
  return flags;
}

FigurePlan render_plan(const RenderOptions& options) {
  const MapChoice& choice = options.map;
  FigurePlan plan{.drawing = options.drawing,
                  .sources = {{options.drawing.model, selector(choice.wanted())}}};
  plan.ready = [choice](std::span<Subject> subjects) {
    const ModelCard& card = subjects[0].card();
    return Ready{card.name + "-" + choice.stem(card)};
  };
  plan.draw = [choice, look = options.drawing.look.with_default(choice.colors())](std::span<Subject> subjects,
                                                                                  const Finish& finish) {
    Subject& subject = subjects[0];
    subject.show();
    const ModelCard& card = subject.card();
    const std::vector<float> weights = overall_mean(subject.attention);
    finish(subject.map({weights, subject.attention.keys}, visible(card.name) + " · " + choice.title(card)),
           look, "");
  };
  return plan;
}

}  // namespace

Command render_command() {
  return figure_command<RenderOptions, render_flags, render_plan>(
      "render", "draw one head's attention as a heatmap (PNG, SVG, PDF)");
}

}  // namespace attnviz::cli
