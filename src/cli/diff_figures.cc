#include "cli/diff_figures.h"

#include <algorithm>
#include <filesystem>

#include "cli/command.h"
#include "cli/drawing.h"
#include "cli/stored_figure.h"

namespace attnviz::cli {
namespace {

/// In a record's request, before the two files.
constexpr char kFigures[] = "--figures";

struct FiguresOptions {
  std::vector<std::string> figures;
  DrawingOptions drawing;
};

Flags figures_flags(FiguresOptions& options) {
  Flags flags({"diff",
               "Draws the signed difference of two saved figures, the first minus the second.",
               {"attnviz diff before.png after.png", "attnviz diff -o moved.pdf before.svg after.png"}});
  flags.arguments("FIGURES", "two PNGs, SVGs or PDFs that attnviz wrote", "name two figures",
                  [&](const Given& given) { options.figures.push_back(given.value); });
  add_output_and_look_flags(flags, options.drawing, "before-after-diff");
  return flags;
}

std::string named(const Heatmap& map, std::size_t index, std::size_t count) {
  return count == 1 ? "" : " (map " + std::to_string(index) + ", " + visible(map.title) + ")";
}

/// Where two maps do not show the same tokens there is no difference to draw.
void expect_alike(const Heatmap& a, const Heatmap& b, const std::string& where) {
  if (a.pooling != b.pooling || a.first_query != b.first_query || a.first_key != b.first_key) {
    throw Error("the figures differ in what their cells stand for" + where,
                "draw both with the same --pool and --zoom");
  }
  if (shows_norms(a) != shows_norms(b)) {
    throw Error("the figures differ in what their numbers are" + where + ": " + visible(a.quantity) +
                    " in the first, " + visible(b.quantity) + " in the second",
                "draw both with the same --weights");
  }
  if (a.is_signed != b.is_signed || a.quantity == "Difference of Differences") {
    throw Error("the figures are not both of weights, or both of differences of weights" + where + ": " +
                visible(a.quantity) + " in the first, " + visible(b.quantity) + " in the second");
  }
  const auto differ = [&](const std::string& what, std::span<const TokenLabel> left,
                          std::span<const TokenLabel> right) {
    const auto [in_a, in_b] = std::mismatch(left.begin(), left.end(), right.begin(), right.end());
    if (in_a == left.end() && in_b == right.end()) return;
    const auto shown = [](auto at, auto end) { return at == end ? "nothing" : "“" + at->whole() + "”"; };
    throw Error("the figures differ in their tokens" + where + ": " + what + " " +
                    std::to_string(in_a - left.begin()) + " is " + shown(in_a, left.end()) +
                    " in the first, " + shown(in_b, right.end()) + " in the second",
                "compare figures of the same text and tokenizer");
  };
  differ("row", a.queries, b.queries);
  differ("column", a.keys, b.keys);
}

/// The maps of both, and the numbers of their differences.
struct Differences {
  std::vector<std::vector<float>> weights;
  std::vector<Heatmap> maps;
};

Differences differences_of(const Record& first, const Record& second, const std::string& title) {
  const std::vector<Heatmap> left = maps_of(first.drawn), right = maps_of(second.drawn);
  if (left.size() != right.size()) {
    throw Error("the figures differ in their maps: " + std::to_string(left.size()) + " in the first, " +
                std::to_string(right.size()) + " in the second");
  }
  Differences differences;
  differences.weights.reserve(left.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    const Heatmap &a = left[i], &b = right[i];
    expect_alike(a, b, named(a, i, left.size()));
    std::vector<float>& weights =
        differences.weights.emplace_back(a.weights.values.begin(), a.weights.values.end());
    for (std::size_t cell = 0; cell < weights.size(); ++cell) weights[cell] -= b.weights.values[cell];
    Heatmap& map = differences.maps.emplace_back(a);
    map.weights = {weights, a.weights.columns};
    map.causal = a.causal && b.causal;
    map.is_signed = true;
    map.windowed = false;  // what neither computed does not differ
    map.quantity = shows_norms(a) ? kNormDifferences
                   : a.is_signed  ? "Difference of Differences"
                                  : "Difference of Weights";
    if (left.size() == 1 || a.zoom) map.title = title;
    if (a.title != b.title && left.size() > 1) map.title = a.title + " − " + b.title;
    if (a.subtitle != b.subtitle) map.subtitle.clear();
    for (const std::string& note : b.notes) {
      if (std::find(map.notes.begin(), map.notes.end(), note) == map.notes.end()) map.notes.push_back(note);
    }
  }
  return differences;
}

/// What both show, or both files' names.
std::string title_of(const Record& first, const Record& second, std::span<const std::string> paths) {
  const auto file_name = [](const std::string& path) {
    return std::filesystem::path(path).filename().string();
  };
  const bool alike = file_name(paths[0]) == file_name(paths[1]);
  const auto name = [&](const std::string& path) { return visible(alike ? path : file_name(path)); };
  const std::string files = name(paths[0]) + " − " + name(paths[1]);
  const std::string a = maps_of(first.drawn).front().title, b = maps_of(second.drawn).front().title;
  const bool one = std::holds_alternative<Heatmap>(first.drawn) && !a.empty();
  return one && a == b ? a + " · " + files : files;
}

Drawn drawn_of(const Differences& differences, const std::string& title) {
  Heatmap first = differences.maps.front();
  if (first.zoom) first.zoom->weights = differences.maps.back().weights;
  if (first.zoom || differences.maps.size() == 1) return first;
  const auto is_as_large = [&](const Heatmap& map) {
    return map.weights.columns == first.weights.columns && map.weights.rows() == first.weights.rows();
  };
  if (!std::all_of(differences.maps.begin(), differences.maps.end(), is_as_large)) {
    throw Error("the figures hold maps of several sizes, whose differences one picture can't show",
                "make them of one kind of attention: --attention encoder, decoder or cross");
  }
  HeatmapGrid grid{.panels = differences.maps,
                   .columns = good_columns(differences.maps.size()),
                   .title = title,
                   .subtitle = differences.maps.front().subtitle,
                   .notes = differences.maps.front().notes};
  return grid;
}

int diff(const FiguresOptions& options, Output& output, const Streams& streams) {
  const StoredRecord first = read_stored(options.figures[0]), second = read_stored(options.figures[1]);
  const std::string title = title_of(first.record(), second.record(), options.figures);
  const Differences differences = differences_of(first.record(), second.record(), title);
  Record record{.program = "attnviz " ATTNVIZ_VERSION,
                .arguments = options.drawing.request,
                .texts = first.record().texts,
                .look = options.drawing.look.with_default(
                    options.drawing.look.look.theme == Theme::dark ? "berlin" : "RdBu_r"),
                .drawn = drawn_of(differences, title)};
  record.arguments.insert(record.arguments.end(), {kFigures, options.figures[0], options.figures[1]});
  const std::vector<RecordedText>& others = second.record().texts;
  record.texts.insert(record.texts.end(), others.begin(), others.end());
  return write_record(record, options.drawing,
                      std::filesystem::path(options.figures[0]).stem().string() + "-" +
                          std::filesystem::path(options.figures[1]).stem().string() + "-diff",
                      output, streams);
}

}  // namespace

bool names_figures(std::span<const std::string> arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const bool is_value = i > 0 && (arguments[i - 1] == "-o" || arguments[i - 1] == "--output");
    if (!is_value && is_figure_file(arguments[i])) return true;
  }
  return false;
}

bool is_of_figures(const Record& record) {
  return std::find(record.arguments.begin(), record.arguments.end(), kFigures) != record.arguments.end();
}

Task figures_task(std::span<const std::string> arguments, const Streams& streams) {
  FiguresOptions options;
  Flags flags = figures_flags(options);
  if (!flags.parse(arguments)) return help_task(flags, streams);
  if (options.figures.size() != 2) {
    throw Error("FIGURES: expected two, got " + std::to_string(options.figures.size()),
                "attnviz diff before.png after.png");
  }
  options.drawing.request = flags.given_but(kNotOfRequest);
  return {writes_of(options.drawing),
          [options, &streams](Outputs& outputs) { return diff(options, *outputs.output, streams); }};
}

}  // namespace attnviz::cli
