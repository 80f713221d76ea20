#include "cli/drawing.h"

#include <ostream>
#include <tuple>

#include "cli/console.h"
#include "cli/help.h"

namespace attnviz::cli {
namespace {

const Choices<ShowColor> kColors = {
    {"auto", ShowColor::automatic}, {"always", ShowColor::always}, {"never", ShowColor::never}};

TerminalColors colors_of(ShowColor color, const std::ostream& out) {
  if (color == ShowColor::never) return TerminalColors::none;
  if (color == ShowColor::automatic) return terminal_colors(is_terminal(out));
  const TerminalColors known = terminal_colors(true);
  return known == TerminalColors::none ? TerminalColors::ansi256 : known;  // what nearly every terminal can
}

void add_ways_out(Flags& flags, DrawingOptions& options, const std::string& stem) {
  add_token_flags(flags, options.tokens);
  add_output_and_look_flags(flags, options, stem);
  add_run_flags(flags, options.model);
}

}  // namespace

void write_figure(const Figure& figure, const std::string& format, double dpi, const Sink& sink) {
  if (format == "png") write_png(figure, dpi, sink);
  if (format == "svg") write_svg(figure, sink);
  if (format == "pdf") write_pdf(figure, sink);
}

RecordedText recorded(const Chosen& chosen, const Prepared& prepared) {
  return {.model = chosen.card.name,
          .sha256 = chosen.card.sha256,
          .backend = name_of(chosen.model->backend()),
          .text = prepared.sentence.text,
          .pair = prepared.sentence.pair,
          .tokens = prepared.encoding.tokens,
          .ids = prepared.encoding.ids};
}

void add_output_and_look_flags(Flags& flags, DrawingOptions& options, const std::string& stem) {
  add_look_flags(flags, options.look);
  add_output_flags(flags, options.output, kFigureFormats, stem);
  flags.flag("--describe", "print in sentences what the figure shows, too", options.describe);
  flags.flag("--show", "draw in the terminal too", options.show);
  flags.value("--color", "auto|always|never", "colours of --show (default: auto, as the terminal can)",
              [&](const Given& given) { options.color = read_choice(given, kColors); });
  flags.flag("--no-embed", "leave the record out of the file: the request, the tokens and the numbers drawn",
             options.no_embed);
}

void add_drawing_flags(Flags& flags, DrawingOptions& options, const std::string& stem) {
  add_text_flags(flags, options.text);
  add_model_flags(flags, options.model);
  add_ways_out(flags, options, stem);
}

void add_drawing_flags_but_model(Flags& flags, DrawingOptions& options, const std::string& stem) {
  add_text_flags(flags, options.text);
  add_ways_out(flags, options, stem);
}

std::size_t good_columns(std::size_t panels) {
  if (panels <= 4) return panels == 4 ? 2 : panels;
  const auto empty = [panels](std::size_t columns) { return (columns - panels % columns) % columns; };
  return empty(3) < empty(4) ? 3 : 4;
}

std::vector<std::string> Subject::notes() const {
  std::vector<std::string> notes = prepared.notes();
  notes.insert(notes.end(), tokens.notes.begin(), tokens.notes.end());
  return notes;
}

Heatmap Subject::map(const MatrixView& weights, const std::string& title) const {
  return {.weights = weights,
          .queries = tokens.labels,
          .keys = tokens.labels,
          .causal = attention.causal,
          .title = title,
          .subtitle = prepared.sentence.shown(),
          .notes = notes()};
}

Drawing::Drawing(const DrawingOptions& options, const Streams& streams)
    : options_(options), streams_(streams), timings_(options.model.timings, streams.err) {
  format_ = output_format(options.output, kFigureFormats);
  const bool to_stdout = options.output.path && *options.output.path == "-";
  if (to_stdout && (options.describe || options.show)) {
    throw Error(std::string(options.show ? "--show" : "--describe") +
                    ": standard output takes the figure already (-o -)",
                "name a file with -o");
  }
}

Subject Drawing::prepare(const Wanted& wanted) { return prepare(options_.model, options_.text, wanted); }

Subject Drawing::prepare(const ModelChoice& model, const TextOptions& text, const Wanted& wanted) {
  Subject subject;
  subject.choice = model;
  subject.chosen = choose_model(model);
  subject.selection = select(subject.card(), wanted);
  timings_.lap("choose model");
  subject.prepared = cli::prepare(subject.card(), model, text, streams_, timings_);
  check_size(subject.card(), model, subject.prepared.encoding.size(), subject.selection);
  subject.tokens = shown_tokens(options_.tokens, subject.prepared);
  return subject;
}

void Drawing::open(const std::string& stem) { output_.emplace(options_.output, format_, stem, streams_.out); }

void Drawing::attend(Subject& subject) {
  run(subject);
  show(subject);
}

void Drawing::run(Subject& subject) {
  subject.attention =
      cli::attend(subject.chosen, subject.choice, subject.prepared.encoding, subject.selection, timings_);
  texts_.push_back(recorded(subject.chosen, subject.prepared));
}

void Drawing::show(Subject& subject) {
  subject.attention = shown_attention(std::move(subject.attention), subject.tokens);
}

void Drawing::finish(const Drawn& drawn, const Look& look) {
  finish({.program = "attnviz " ATTNVIZ_VERSION,
          .arguments = options_.request,
          .texts = texts_,
          .look = look,
          .drawn = drawn});
}

void Drawing::show_in_terminal(const Record& record) {
  const std::vector<Heatmap> maps = maps_of(record.drawn);
  const ColorScale scale(maps, record.look);  // one for all, as on the page
  Look shared = record.look;
  if (maps.size() > 1) std::tie(shared.vmin, shared.vmax) = std::tuple(scale.lower(), scale.upper());
  const TerminalColors colors = colors_of(options_.color, streams_.out);
  for (const Heatmap& map : maps) print(streams_.out, to_terminal(map, shared, colors, terminal_columns()));
}

void Drawing::finish(const Record& record) {
  Figure figure = lay_out(record.drawn, record.look, text_measure());
  if (!options_.no_embed) figure.record = to_json(record);
  timings_.lap("layout");
  std::string bytes;
  write_figure(figure, format_, options_.look.dpi, [&](std::string_view piece) { bytes += piece; });
  timings_.lap("draw and encode");
  if (options_.describe) print(streams_.out, wrap(figure.description, 0));
  if (options_.show) show_in_terminal(record);
  output_->write([&](const Sink& sink) { sink(bytes); });
  timings_.lap("write");
  timings_.total();
}

}  // namespace attnviz::cli
