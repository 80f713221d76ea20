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

int render(const RenderOptions& options, const Streams& streams) {
  Drawing drawing(options.drawing, streams);
  Subject subject = drawing.prepare(options.map.wanted());
  const ModelCard& card = subject.card();
  drawing.open(card.name + "-" + options.map.stem(card));
  drawing.attend(subject);
  const std::vector<float> weights = overall_mean(subject.attention);
  const Heatmap map =
      subject.map({weights, subject.attention.keys}, visible(card.name) + " · " + options.map.title(card));
  const Look look = options.drawing.look.with_default(options.map.colors());
  drawing.finish(map, look);
  return 0;
}

}  // namespace

Command render_command() {
  return {"render", "draw one head's attention as a heatmap (PNG, SVG, PDF)",
          run_command<RenderOptions, render_flags, render>};
}

}  // namespace attnviz::cli
