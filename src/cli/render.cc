#include "attnviz/render.h"

#include <algorithm>
#include <ostream>

#include "attnviz/figure.h"
#include "cli/command.h"
#include "cli/look.h"
#include "cli/output.h"
#include "cli/request.h"

namespace attnviz::cli {
namespace {

const std::vector<std::string> kFormats = {"png", "svg", "pdf"};
enum class Color { automatic, always, never };
const Choices<Color> kColors = {
    {"auto", Color::automatic}, {"always", Color::always}, {"never", Color::never}};

struct RenderOptions {
  TextOptions text;
  ModelChoice model;
  std::optional<int> layer;  ///< unset: the last
  std::optional<int> head;   ///< unset: the mean over heads
  LookOptions look;
  OutputOptions output;
  bool show = false;
  Color color = Color::automatic;
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
  flags.value("--layer", "N", "the layer, counting from 1 (default: the last)",
              [&](const Given& given) { options.layer = read_integer(given); });
  flags.value("--head", "K|mean", "the head, counting from 0, or the mean over all (default: mean)",
              [&](const Given& given) {
                if (given.value != "mean") options.head = read_integer(given, "a whole number, or mean");
              });
  add_text_flags(flags, options.text);
  add_model_flags(flags, options.model);
  add_look_flags(flags, options.look);
  add_output_flags(flags, options.output, kFormats, "minilm-layer6-head0");
  flags.flag("--show", "draw the map in the terminal too", options.show);
  flags.value("--color", "auto|always|never", "colours of --show (default: auto, as the terminal can)",
              [&](const Given& given) { options.color = read_choice(given, kColors); });
  add_run_flags(flags, options.model);
  return flags;
}

std::string stem_of(const ModelCard& card, int layer, std::optional<int> head) {
  return card.name + "-layer" + std::to_string(layer) + (head ? "-head" + std::to_string(*head) : "-mean");
}

std::string title_of(const ModelCard& card, int layer, std::optional<int> head) {
  return visible(card.name) + " · Layer " + std::to_string(layer) + " · " +
         (head ? "Head " + std::to_string(*head) : "Mean of " + std::to_string(card.heads) + " heads");
}

TerminalColors colors_of(Color color, const std::ostream& out) {
  if (color == Color::never) return TerminalColors::none;
  if (color == Color::automatic) return terminal_colors(is_terminal(out));
  const TerminalColors known = terminal_colors(true);
  return known == TerminalColors::none ? TerminalColors::ansi256 : known;  // what nearly every terminal can
}

void write_figure(const Figure& figure, const std::string& format, double dpi, const Sink& sink) {
  if (format == "png") write_png(figure, dpi, sink);
  if (format == "svg") write_svg(figure, sink);
  if (format == "pdf") write_pdf(figure, sink);
}

int render(const RenderOptions& options, const Streams& streams) {
  Timings timings(options.model.timings, streams.err);
  const std::string format = output_format(options.output, kFormats);
  Chosen chosen = choose_model(options.model);
  Wanted wanted;
  wanted.layer_flag = "--layer";
  wanted.head_flag = "--head";
  if (options.layer) wanted.layers = NumberRanges{{{*options.layer, *options.layer}}};
  if (options.head) wanted.heads = NumberRanges{{{*options.head, *options.head}}};
  const Selection selection = select(chosen.card, wanted);
  timings.lap("choose model");
  const Prepared prepared = prepare(chosen.card, options.model, options.text, streams, timings);
  check_size(chosen.card, options.model, prepared.encoding.size(), selection);
  const int layer = selection.layers.front();
  Output output(options.output, format, stem_of(chosen.card, layer, options.head), streams.out);

  const Attention attention = attend(chosen, options.model, prepared.encoding, selection, timings);
  const std::vector<float> mean = options.head ? std::vector<float>{} : head_mean(attention, layer);
  const Heatmap heatmap{
      .weights = options.head ? attention.at(layer, *options.head) : MatrixView{mean, attention.keys},
      .queries = prepared.labels,
      .keys = prepared.labels,
      .causal = attention.causal,
      .title = title_of(chosen.card, layer, options.head),
      .subtitle = prepared.sentence.shown(),
      .notes = prepared.notes()};
  const Look look = options.look.with_default(options.head ? "Blues" : "Reds");
  const Figure figure = head_heatmap(heatmap, look, text_measure());
  timings.lap("layout");
  std::string bytes;
  write_figure(figure, format, options.look.dpi, [&](std::string_view piece) { bytes += piece; });
  timings.lap("draw and encode");
  if (options.show) {
    print(streams.out, to_terminal(heatmap, look, colors_of(options.color, streams.out), terminal_columns()));
  }
  output.write([&](const Sink& sink) { sink(bytes); });
  timings.lap("write");
  timings.total();
  return 0;
}

}  // namespace

Command render_command() {
  return {"render", "draw one head's attention as a heatmap (PNG, SVG, PDF)",
          run_command<RenderOptions, render_flags, render>};
}

}  // namespace attnviz::cli
