#include "cli/command.h"
#include "cli/drawing.h"

namespace attnviz::cli {
namespace {

/// --zoom: two ranges of tokens.
struct ZoomRange {
  TokenRange queries, keys;
};

struct RenderOptions {
  MapChoice map;
  std::optional<ZoomRange> zoom;
  DrawingOptions drawing;
};

ZoomRange read_zoom(const Given& given) {
  const std::size_t comma = given.value.find(',');
  if (comma == std::string::npos) refuse(given, "queries and keys, such as 100:120,40:60");
  const auto part = [&](const std::string& value) { return read_token_range({given.flag, value}); };
  return {part(given.value.substr(0, comma)), part(given.value.substr(comma + 1))};
}

/// First and last token of one of the ranges. Throws Error: none, too many, or beyond those shown.
Span zoom_span(const TokenRange& range, std::size_t tokens) {
  constexpr std::size_t kMost = 128;
  const Span span = span_of(range, tokens, "--zoom " + shown_value(range.given), "token");
  if (span.end - span.begin <= kMost) return span;
  throw Error("--zoom " + shown_value(range.given) + ": " + std::to_string(span.end - span.begin) +
                  " tokens, expected at most " + std::to_string(kMost),
              "--range cuts the whole map");
}

/// Part of a map, and the numbers that it borrows.
struct ZoomedPart {
  std::vector<float> weights;
  Zoom zoom;

  ZoomedPart(const ZoomRange& range, const Heatmap& map) {
    const Span queries = zoom_span(range.queries, map.weights.rows()),
               keys = zoom_span(range.keys, map.weights.columns);
    for (std::size_t row = queries.begin; row < queries.end; ++row) {
      for (std::size_t column = keys.begin; column < keys.end; ++column)
        weights.push_back(map.weights(row, column));
    }
    zoom = {.query = queries.begin,
            .key = keys.begin,
            .weights = {weights, keys.end - keys.begin},
            .queries = map.queries.subspan(queries.begin, queries.end - queries.begin),
            .keys = map.keys.subspan(keys.begin, keys.end - keys.begin)};
  }
};

/// Throws Error where a causal model masks all of it.
void check_zoom(const ZoomRange& range, const Subject& subject) {
  const Span queries = zoom_span(range.queries, subject.tokens.labels.size()),
             keys = zoom_span(range.keys, subject.shown_keys().labels.size());
  if (!subject.card().causal || keys.begin < queries.end) return;
  throw Error("--zoom " + shown_value(range.queries.given) + "," + shown_value(range.keys.given) +
                  ": all of it is masked, " + visible(subject.card().name) + " attends backwards",
              "take keys that come before the queries");
}

Flags render_flags(RenderOptions& options) {
  Flags flags({"render",
               "Draws one head's attention as a heatmap: rows are the tokens that attend, columns the "
               "tokens attended to. Prints the path of the file it wrote.",
               {"attnviz render --layer 6 --head 0 \"The bank can refuse to lend money.\"",
                "attnviz render --head mean -o mean.pdf \"The cat sat on the mat.\"",
                "attnviz render --model gpt2-demo --layer 2 --head 5 --show \"Once upon a time\"",
                "attnviz render --model ./t5-small --target \"Das Haus.\" \"The house.\"",
                "echo \"The cat sat.\" | attnviz render - --format svg -o - > cat.svg"}});
  flags.group("What to draw");
  add_map_flags(flags, options.map);
  flags.value(
      "--zoom", "A:B,C:D",
      "draw a part larger beside the map, one cell a token: queries A to B and keys C to D, B and D not "
      "included, of the tokens shown, which count from 0, negative numbers from the end",
      [&](const Given& given) { options.zoom = read_zoom(given); });
  add_drawing_flags(flags, options.drawing, "minilm-layer6-head0");
  return flags;
}

FigurePlan render_plan(const RenderOptions& options) {
  const MapChoice& choice = options.map;
  FigurePlan plan{.drawing = options.drawing,
                  .sources = {{options.drawing.model,
                               selector(choice.wanted()),
                               {},
                               /*takes_windows=*/true,
                               /*takes_targets=*/true}}};
  plan.ready = [choice, zoom = options.zoom](std::span<Subject> subjects) {
    const ModelCard& card = subjects[0].card();
    if (zoom) check_zoom(*zoom, subjects[0]);
    return Ready{subjects[0].stem() + "-" + choice.stem(card)};
  };
  plan.draw = [choice, zoom = options.zoom, look = options.drawing.look.with_default(choice.colors())](
                  std::span<Subject> subjects, const Finish& finish) {
    Subject& subject = subjects[0];
    subject.show();
    const ModelCard& card = subject.card();
    Attention& attention = subject.attention;
    const bool one = attention.layers.size() * attention.heads.size() == 1;  // large ones are not copied
    const std::vector<float> weights = one ? std::move(attention.weights) : overall_mean(attention);
    Heatmap map = subject.map({weights, attention.keys}, subject.title() + " · " + choice.title(card));
    std::optional<ZoomedPart> part;
    if (zoom) map.zoom = part.emplace(*zoom, map).zoom;
    finish(map, look, "");
  };
  return plan;
}

}  // namespace

Command render_command() {
  return figure_command<RenderOptions, render_flags, render_plan>(
      "render", "draw one head's attention as a heatmap (PNG, SVG, PDF)");
}

}  // namespace attnviz::cli
