#include "cli/drawing.h"

#include <algorithm>
#include <memory>
#include <ostream>
#include <tuple>

#include "attnviz/page.h"
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

/// Of a view's maps those in sight.
std::vector<Heatmap> maps_shown(Drawn drawn) {
  auto* const view = std::get_if<View>(&drawn);
  if (view) view->others.clear();
  std::vector<Heatmap> maps = maps_of(drawn);
  if (!view || view->kind == View::Kind::model) return maps;
  std::vector<Heatmap> shown;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const int layer = view->layers[i / view->heads.size()], head = view->heads[i % view->heads.size()];
    const std::vector<int>& heads = view->shown_heads;
    if (layer == view->layer && std::find(heads.begin(), heads.end(), head) != heads.end())
      shown.push_back(std::move(maps[i]));
  }
  return shown;
}

/// All maps on one scale, as on the page.
std::string in_terminal(const Record& record, ShowColor color, const Streams& streams) {
  const std::vector<Heatmap> maps = maps_shown(record.drawn);
  const ColorScale scale(maps, record.look);
  Look shared = record.look;
  if (maps.size() > 1) std::tie(shared.vmin, shared.vmax) = std::tuple(scale.lower(), scale.upper());
  const TerminalColors colors = colors_of(color, streams.out);
  std::string drawn;
  for (const Heatmap& map : maps) drawn += to_terminal(map, shared, colors, terminal_columns(streams.out));
  return drawn;
}

void add_ways_out(Flags& flags, DrawingOptions& options, const std::string& stem) {
  add_token_flags(flags, options.tokens);
  add_pool_flag(flags, options.pool);
  add_output_and_look_flags(flags, options, stem);
  add_run_flags(flags, options.model);
}

void check_standard_output(const DrawingOptions& options) {
  const std::string flag = options.show ? "--show" : options.describe ? "--describe" : "";
  if (flag.empty()) return;
  if (options.text.input.path) throw Error(flag + ": draws one text, --input gives many", "leave it out");
  if (options.output.path != "-") return;
  throw Error(flag + ": standard output takes the figure already (-o -)", "name a file with -o");
}

}  // namespace

void write_figure(const Figure& figure, const std::string& format, double dpi, const Sink& sink) {
  if (format == "png") write_png(figure, dpi, sink);
  if (format == "svg") write_svg(figure, sink);
  if (format == "pdf") write_pdf(figure, sink);
}

RecordedText recorded(const Subject& subject) {
  const ModelCard& card = subject.card();
  const Prepared& prepared = subject.prepared;
  return {.model = card.name,
          .sha256 = card.sha256,
          .backend = name_of(subject.reader->model->backend()),
          .text = prepared.sentence.text,
          .pair = prepared.sentence.pair,
          .tokens = prepared.encoding.tokens,
          .ids = prepared.encoding.ids,
          .predicted = subject.forecast.predicted,
          .target = prepared.sentence.target,
          .target_tokens = prepared.target.tokens,
          .target_ids = prepared.target.ids};
}

void add_output_and_look_flags(Flags& flags, DrawingOptions& options, const std::string& stem) {
  add_look_flags(flags, options.look);
  add_output_flags(flags, options.output, options.formats, stem);
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
  add_precision_flag(flags, options.model);
  add_weights_flags(flags, options.model);
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

Ready ready_to_draw(const FigurePlan& plan, std::span<Subject> subjects) {
  for (Subject& subject : subjects) subject.choose(plan.drawing.tokens);
  return plan.ready(subjects);
}

void draw(const FigurePlan& plan, std::span<Subject> subjects,
          const std::function<void(const Record&, const std::string& printed)>& use) {
  std::vector<RecordedText> texts;
  for (const Subject& subject : subjects) texts.push_back(recorded(subject));
  plan.draw(subjects, [&](const Drawn& whole, const Look& look, const std::string& printed) {
    const PooledMaps pooled(whole, plan.drawing.pool);
    use({.program = "attnviz " ATTNVIZ_VERSION,
         .arguments = plan.drawing.request,
         .texts = texts,
         .look = look,
         .drawn = pooled.drawn()},
        printed);
  });
}

Product product_of(const Record& record, const DrawingOptions& options, const Streams& streams,
                   Timings& timings) {
  std::string bytes;
  const Sink append = [&](std::string_view piece) { bytes += piece; };
  const bool page = options.output.format == "html";
  Figure figure;
  if (!page || options.describe) figure = lay_out(record.drawn, record.look, text_measure());
  if (!page && !options.no_embed) figure.record = to_json(record);
  timings.lap("layout");
  if (page) {
    write_page(record, append);
  } else {
    write_figure(figure, options.output.format, options.look.dpi, append);
  }
  timings.lap("draw and encode");
  Product product;
  if (options.describe) product.printed += wrap(figure.description, 0);
  if (options.show) product.printed += in_terminal(record, options.color, streams);
  product.write = [bytes = std::move(bytes)](const Sink& sink) { sink(bytes); };
  return product;
}

void choose_format(DrawingOptions& options) {
  options.output.format = file_format(
      {.text = options.text, .output = options.output, .formats = options.formats, .sources = {}});
  check_standard_output(options);
}

Writes writes_of(DrawingOptions options) {
  choose_format(options);
  return {.output = options.output};
}

int write_record(const Record& record, const DrawingOptions& given, const std::string& stem, Output& output,
                 const Streams& streams) {
  DrawingOptions options = given;
  choose_format(options);
  Timings timings;
  const Product product = product_of(record, options, streams, timings);
  print(streams.out, product.printed);
  output.write(product.write, stem);
  return 0;
}

Job job_of(FigurePlan plan, const Streams& streams) {
  const DrawingOptions& drawing = plan.drawing;
  Job job{.text = drawing.text,
          .output = drawing.output,
          .formats = drawing.formats,
          .sources = plan.sources,
          .timings = drawing.model.timings};
  constexpr double kInches = 9;  // of a side, seldom more
  constexpr std::size_t kPixelBytes = 4;
  const auto side = static_cast<std::size_t>(kInches * drawing.look.dpi);
  job.picture_bytes = side * side * kPixelBytes;
  const auto shared = std::make_shared<const FigurePlan>(std::move(plan));
  job.ready = [shared](std::span<Subject> subjects) { return ready_to_draw(*shared, subjects); };
  job.make = [shared, &streams](std::span<Subject> subjects, Timings& timings) {
    Product product;
    draw(*shared, subjects, [&](const Record& record, const std::string& printed) {
      product = product_of(record, shared->drawing, streams, timings);
      // Of a figure on standard output the note tells.
      const bool apart = shared->drawing.output.path != "-";
      product.printed.insert(0, (apart ? forecast_tables(subjects) : "") + printed);
    });
    return product;
  };
  return job;
}

}  // namespace attnviz::cli
