#include "cli/command.h"
#include "cli/drawing.h"

namespace attnviz::cli {
namespace {

struct GridOptions {
  std::optional<int> layer;            ///< unset: the last
  std::optional<NumberRanges> layers;  ///< several: an overview of layers and heads
  NumberRanges heads;                  ///< empty: all
  std::size_t columns = 4;
  DrawingOptions drawing;
};

Flags grid_flags(GridOptions& options) {
  constexpr int kMostColumns = 64;
  Flags flags(
      {"grid",
       "Draws the heads of one layer side by side on one scale, or with --layers a whole model at a glance: "
       "a row a layer, a column a head.",
       {"attnviz grid --layer 6 \"The bank can refuse to lend money.\"",
        "attnviz grid --heads 0,3,7,11 --columns 2 -o heads.pdf \"The cat sat.\"",
        "attnviz grid --layers all -o model.png \"The cat sat on the mat.\""}});
  flags.group("What to draw");
  flags.value("--layer", "N", "the layer, counting from 1 (default: the last)",
              [&](const Given& given) { options.layer = read_integer(given); });
  flags.value("--layers", "LIST|all", "several layers, a row of heads each: 1,4,8 or 1-4",
              [&](const Given& given) {
                if (options.layer)
                  throw Error("--layers: --layer names one layer already", "leave one of them out");
                options.layers = read_ranges(given);
              });
  flags.value("--heads", "LIST|all", "heads, counting from 0: 0,3,7,11 or 0-5 (default: all)",
              [&](const Given& given) { options.heads = read_ranges(given); });
  flags.value("--columns", "N", "panels in a row of a layer's grid (default: 4)", [&](const Given& given) {
    if (options.layers)
      throw Error("--columns: the overview of --layers has a row a layer", "leave one of them out");
    options.columns = static_cast<std::size_t>(read_integer(given, 1, kMostColumns));
  });
  add_drawing_flags(flags, options.drawing, "minilm-layer6-heads");
  return flags;
}

Wanted wanted(const GridOptions& options) {
  Wanted wanted = MapChoice{.layer = options.layer}.wanted();
  if (options.layers) {
    wanted.layer_flag = "--layers";
    wanted.layers = options.layers;
  }
  wanted.head_flag = "--heads";
  wanted.heads = options.heads;
  return wanted;
}

std::string map_title(int layer, int head) {
  return "Layer " + std::to_string(layer) + " · Head " + std::to_string(head);
}

/// One layer's heads.
HeatmapGrid heads_of(const Subject& subject, std::size_t columns) {
  const Attention& attention = subject.attention;
  const int layer = attention.layers.front();
  HeatmapGrid grid{.panels = {}, .columns = columns};
  for (const int head : attention.heads) {
    grid.panels.push_back(subject.map(attention.at(layer, head), map_title(layer, head)));
  }
  grid.title = subject.title() + " · Layer " + std::to_string(layer);
  return grid;
}

/// Every layer's heads, a row each.
HeatmapGrid overview_of(const Subject& subject) {
  const Attention& attention = subject.attention;
  HeatmapGrid grid{.panels = {}, .columns = attention.heads.size()};
  for (const int layer : attention.layers) {
    grid.row_names.push_back("Layer " + std::to_string(layer));
    for (const int head : attention.heads) {
      grid.panels.push_back(subject.map(attention.at(layer, head), map_title(layer, head)));
    }
  }
  for (const int head : attention.heads) grid.column_names.push_back("Head " + std::to_string(head));
  grid.title = subject.title() + " · " + std::to_string(attention.layers.size()) + " layers × " +
               std::to_string(attention.heads.size()) + " heads";
  grid.notes = {
      "each map: rows are the tokens that attend, columns the tokens attended to, in the sentence's order"};
  return grid;
}

std::string stem_of(const GridOptions& options, const Subject& subject) {
  if (options.layers) return subject.stem() + "-layers-heads";
  return subject.stem() + "-layer" + std::to_string(subject.selection.layers.front()) + "-heads";
}

FigurePlan grid_plan(const GridOptions& options) {
  FigurePlan plan{.drawing = options.drawing,
                  .sources = {{options.drawing.model,
                               selector(wanted(options)),
                               {},
                               /*takes_windows=*/true,
                               /*takes_targets=*/true}}};
  plan.ready = [options](std::span<Subject> subjects) { return Ready{stem_of(options, subjects[0])}; };
  plan.draw = [options](std::span<Subject> subjects, const Finish& finish) {
    Subject& subject = subjects[0];
    subject.show();
    HeatmapGrid grid = options.layers ? overview_of(subject) : heads_of(subject, options.columns);
    grid.subtitle = subject.prepared.sentence.shown();
    for (const std::string& note : subject.notes()) grid.notes.push_back(note);
    finish(grid, options.drawing.look.with_default("Blues"), "");
  };
  return plan;
}

}  // namespace

Command grid_command() {
  return figure_command<GridOptions, grid_flags, grid_plan>(
      "grid", "draw the heads of a layer, or of all layers, on one page");
}

}  // namespace attnviz::cli
