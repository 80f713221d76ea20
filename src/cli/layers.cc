#include "cli/command.h"
#include "cli/drawing.h"

namespace attnviz::cli {
namespace {

struct LayersOptions {
  NumberRanges layers;      ///< empty: all
  std::optional<int> head;  ///< unset: the mean over heads
  std::optional<std::size_t> columns;
  DrawingOptions drawing;
};

Flags layers_flags(LayersOptions& options) {
  constexpr int kMostColumns = 64;
  Flags flags(
      {"layers",
       "Draws one head, or the mean of the heads, through the layers: one panel a layer, on one scale.",
       {"attnviz layers --head 0 \"The bank can refuse to lend money.\"",
        "attnviz layers --layers 1,4,8,12 --model bert-base-uncased \"The cat sat.\""}});
  flags.group("What to draw");
  flags.value("--head", "K|mean", "the head, counting from 0, or the mean over all (default: mean)",
              [&](const Given& given) { options.head = read_head(given); });
  flags.value("--layers", "LIST|all", "layers, counting from 1: 1,4,8,12 or 1-4 (default: all)",
              [&](const Given& given) { options.layers = read_ranges(given); });
  flags.value("--columns", "N", "panels in a row (default: as many as fill the rows best)",
              [&](const Given& given) {
                options.columns = static_cast<std::size_t>(read_integer(given, 1, kMostColumns));
              });
  add_drawing_flags(flags, options.drawing, "minilm-layers-head0");
  return flags;
}

void draw_layers(const LayersOptions& options, Subject& subject, const Finish& finish) {
  subject.show();
  const Attention& attention = subject.attention;
  std::vector<std::vector<float>> means;
  HeatmapGrid grid{.panels = {}, .columns = options.columns.value_or(good_columns(attention.layers.size()))};
  for (const int layer : attention.layers) {
    const bool one = attention.heads.size() == 1;
    if (!one) means.push_back(head_mean(attention, layer));
    const MatrixView map =
        one ? attention.at(layer, attention.heads.front()) : MatrixView{means.back(), attention.keys};
    grid.panels.push_back(subject.map(map, "Layer " + std::to_string(layer)));
  }
  grid.title = subject.title() + " · " + head_title(subject.card(), options.head) + " through the layers";
  grid.subtitle = subject.prepared.sentence.shown();
  grid.notes = subject.notes();
  finish(grid, options.drawing.look.with_default(options.head ? "Blues" : "Reds"), "");
}

FigurePlan layers_plan(const LayersOptions& options) {
  Wanted wanted = MapChoice{.head = options.head}.wanted();
  wanted.layer_flag = "--layers";
  wanted.layers = options.layers;
  FigurePlan plan{
      .drawing = options.drawing,
      .sources = {
          {options.drawing.model, selector(wanted), {}, /*takes_windows=*/true, /*takes_targets=*/true}}};
  plan.ready = [head = options.head](std::span<Subject> subjects) {
    return Ready{subjects[0].stem() + "-layers-" + head_stem(head)};
  };
  plan.draw = [options](std::span<Subject> subjects, const Finish& finish) {
    draw_layers(options, subjects[0], finish);
  };
  return plan;
}

}  // namespace

Command layers_command() {
  return figure_command<LayersOptions, layers_flags, layers_plan>("layers",
                                                                  "draw one head through the layers");
}

}  // namespace attnviz::cli
