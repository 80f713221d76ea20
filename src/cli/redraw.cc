#include "attnviz/check.h"
#include "cli/command.h"
#include "cli/drawing.h"
#include "cli/stored_figure.h"

namespace attnviz::cli {
namespace {

struct RedrawOptions {
  std::string figure;
  bool allow_non_finite = false;
  DrawingOptions drawing = [] {
    DrawingOptions options;
    options.formats.emplace_back("html");
    return options;
  }();
};

Flags redraw_flags(RedrawOptions& options) {
  Flags flags({"redraw",
               "Draws a saved figure anew from the numbers that its file carries, without the model: in "
               "another look or "
               "format. What is not given stays as it was.",
               {"attnviz redraw --cmap viridis -o paper.pdf minilm-layer6-head0.png",
                "attnviz redraw --theme dark --scale sqrt -o slide.png paper.pdf"}});
  flags.argument(
      "FIGURE", "a PNG, SVG, PDF or page that attnviz wrote",
      "name a figure that attnviz wrote, as in attnviz redraw --cmap viridis -o paper.pdf figure.png",
      [&](const Given& given) { options.figure = given.value; });
  flags.flag(
      "--allow-non-finite",
      "draw numbers that are not finite, and mark them; otherwise a figure that has some is refused, unless "
      "it was drawn with this flag",
      options.allow_non_finite);
  add_output_and_look_flags(flags, options.drawing, "figure");
  return flags;
}

void expect_finite(const Record& record, const std::string& path) {
  if (const std::optional<std::string> place = first_not_finite(record)) {
    throw Error(path + ": not a finite number: " + *place,
                "--allow-non-finite draws it all the same, and marks what is not finite");
  }
}

int redraw(std::span<const std::string> arguments, const std::string& figure, Output& output,
           const Streams& streams) {
  RedrawOptions options;
  const StoredRecord stored = read_stored(figure);
  Record record = stored.record();
  options.drawing.look.look = record.look;
  if (!redraw_flags(options).parse(arguments)) return 0;
  if (!options.allow_non_finite) expect_finite(record, figure);
  record.look = options.drawing.look.look;
  if (auto* const comparison = std::get_if<Comparison>(&record.drawn);
      comparison && options.drawing.look.color_map_given) {
    for (Compared& side : comparison->sides) side.colors = record.look.colors;
  }
  if (output_format(options.drawing.output, options.drawing.formats) == "html" &&
      !std::holds_alternative<View>(record.drawn)) {
    throw Error(figure + ": not a view, and only a view becomes a page",
                "attnviz view head, model or neuron draws one");
  }
  const std::string stem = std::filesystem::path(figure).stem().string();
  return write_record(record, options.drawing, stem, output, streams);
}

/// The flags are read twice: first they name the figure, then they alter its look.
Task redraw_task(std::span<const std::string> arguments, const Streams& streams) {
  RedrawOptions named;
  Flags flags = redraw_flags(named);
  if (!flags.parse(arguments)) return help_task(flags, streams);
  return {writes_of(named.drawing), [given = std::vector<std::string>(arguments.begin(), arguments.end()),
                                     figure = named.figure, &streams](Outputs& outputs) {
            return redraw(given, figure, *outputs.output, streams);
          }};
}

}  // namespace

Command redraw_command() {
  return {"redraw", "draw a saved figure anew in another look or format, without the model", redraw_task};
}

}  // namespace attnviz::cli
