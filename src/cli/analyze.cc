#include <algorithm>
#include <numeric>
#include <set>

#include "cli/analyze_report.h"
#include "cli/command.h"
#include "cli/drawing.h"
#include "cli/explore.h"
#include "cli/map_choice.h"
#include "cli/output.h"
#include "cli/request.h"

namespace attnviz::cli {
namespace {

const Choices<Part> kParts = {{"heads", Part::heads},
                              {"layers", Part::layers},
                              {"received", Part::received},
                              {"connections", Part::connections}};

struct AnalyzeOptions {
  TextOptions text;
  ModelChoice model;
  std::optional<NumberRanges> layers, heads;  ///< what is listed; unset: all, or the explorer's
  std::optional<int> layer;                   ///< of the connections; unset: the last that is listed
  std::optional<int> head;                    ///< of the connections; unset: the mean over heads
  int top = 5;
  Thresholds thresholds;
  std::optional<Part> part;
  bool json = false, csv = false, explore = false;
  OutputOptions output;
};

void add_threshold_flags(Flags& flags, Thresholds& thresholds) {
  flags.group("Thresholds");
  const auto add = [&flags](const std::string& name, double& threshold, const std::string& what) {
    flags.value(name, "NUMBER", what + " (default: " + show_general(threshold, 6) + ")",
                [&threshold](const Given& given) { threshold = read_number(given); });
  };
  add("--global", thresholds.global, "a head is global above this entropy, in nats");
  add("--local", thresholds.local, "a head is local above this share within two tokens");
  add("--special-token", thresholds.special_token,
      "a head is special_token above this mean weight on the first token");
  add("--positional", thresholds.positional, "a head is positional above this distance score");
  add("--delimiter", thresholds.delimiter,
      "a head is delimiter above this mean weight on a punctuation mark");
  add("--explorer-local", thresholds.explorer_local, "the explorer's LOCAL: above this sum of the diagonal");
  add("--explorer-global", thresholds.explorer_global,
      "the explorer's GLOBAL: above this entropy of the last row, in nats");
  add("--connection", thresholds.connection, "two tokens are connected above this weight");
}

void add_content_flags(Flags& flags, AnalyzeOptions& options) {
  flags.group("What to list");
  flags.value("--layers", "LIST",
              "layers, counting from 1: 1,4,8 or 1-4 (default: all; with --explore the first three)",
              [&](const Given& given) { options.layers = read_ranges(given); });
  flags.value("--heads", "LIST",
              "heads, counting from 0: 0,3 or 0-5 (default: all; with --explore the first four)",
              [&](const Given& given) { options.heads = read_ranges(given); });
  flags.value("--layer", "N", "the layer whose connections are listed (default: the last listed)",
              [&](const Given& given) { options.layer = read_integer(given); });
  flags.value("--head", "K|mean", "the head whose connections are listed (default: mean, over all heads)",
              [&](const Given& given) { options.head = read_head(given); });
  flags.value("--top", "N", "so many of the strongest connections in the table (default: 5)",
              [&](const Given& given) { options.top = read_integer(given, 1, 1'000'000); });
  flags.value("--table", "heads|layers|received|connections",
              "only this part (default: all; with --csv heads)",
              [&](const Given& given) { options.part = read_choice(given, kParts); });
  flags.flag("--json", "all parts as one JSON object on one line", options.json);
  flags.flag(
      "--csv",
      "one part as comma-separated values, for programs: tokens stand as they are, so that a spreadsheet may "
      "take one that begins with =, +, - or @ for a formula",
      options.csv);
  flags.flag("--explore",
             "list the heads of the first layers that are LOCAL or GLOBAL, and draw the most telling one: "
             "that which goes farthest from its threshold to the most that is possible (the number of "
             "tokens for the diagonal, its logarithm for the last row's entropy)",
             options.explore);
}

Flags analyze_flags(AnalyzeOptions& options) {
  Flags flags({"analyze",
               "Says what a model's heads do with a text: metrics and labels of every head, layers, the "
               "attention that each token receives, and the strongest connections between tokens.",
               {"attnviz analyze \"The bank can refuse to lend money.\"",
                "attnviz analyze --layer 3 --head 5 --table connections \"The cat sat.\"",
                "attnviz analyze --csv --table heads \"The cat sat.\" > heads.csv",
                "attnviz analyze --json \"The cat sat.\" | jq '.heads[] | select(.entropy < 1)'",
                "attnviz analyze --explore -o head.png \"The cat sat on the mat.\""}});
  add_content_flags(flags, options);
  add_threshold_flags(flags, options.thresholds);
  add_text_flags(flags, options.text);
  add_model_flags(flags, options.model);
  add_precision_flag(flags, options.model);
  add_weights_flags(flags, options.model);
  add_output_flags(flags, options.output, kFigureFormats, "with --explore, minilm-layer2-head3");
  add_run_flags(flags, options.model);
  return flags;
}

void check(const AnalyzeOptions& options) {
  if (options.json && options.csv) throw Error("--csv: contradicts --json", "leave one out");
  if (options.json && options.part) {
    throw Error("--table: --json always holds all parts", "leave --table out, or use --csv");
  }
  if (options.csv && options.model.predict)
    throw Error("--predict: --csv holds one part, of heads or tokens",
                "tables and --json tell of predictions");
  if (options.explore && (options.json || options.csv || options.part)) {
    throw Error("--explore: lists heads and draws one, and takes no --json, --csv or --table",
                "leave --explore out");
  }
  if (options.explore && !options.text.input.path)
    std::ignore = output_format(options.output, kFigureFormats);
  if (options.explore && (options.layer || options.head)) {
    throw Error("--explore: lists no connections, and takes no --layer or --head",
                "--layers and --heads say where it looks");
  }
  if (!options.explore && !options.text.input.path &&
      (options.output.path || !options.output.format.empty())) {
    const std::string flag = options.output.path ? "--output" : "--format";
    throw Error(flag + ": only --explore draws a figure",
                "redirect standard output: attnviz analyze … > FILE");
  }
  if (!options.explore && !options.output.format.empty()) {
    throw Error("--format: only --explore draws a figure", "--json and --csv say how numbers are written");
  }
}

std::vector<int> all_from(int first, int count) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}

/// The layers and heads to list, by number.
Selection listed(const ModelCard& card, const AnalyzeOptions& options) {
  constexpr int kExplorerLayers = 3, kExplorerHeads = 4;
  Wanted wanted;
  wanted.layers = options.layers.value_or(NumberRanges{});
  wanted.heads = options.heads.value_or(NumberRanges{});
  if (options.explore && !options.layers)
    wanted.layers->ranges = {{1, std::min(kExplorerLayers, card.layers)}};
  if (options.explore && !options.heads)
    wanted.heads.ranges = {{0, std::min(kExplorerHeads, card.heads) - 1}};
  Selection selection = select(card, wanted);
  if (selection.layers.empty()) selection.layers = all_from(1, card.layers);
  if (selection.heads.empty()) selection.heads = all_from(0, card.heads);
  return selection;
}

/// The layer of the connections and their head; no head for the mean over all.
Selection connected(const ModelCard& card, const AnalyzeOptions& options, const Selection& list) {
  Wanted wanted;
  wanted.layer_flag = "--layer";
  wanted.head_flag = "--head";
  const int layer = options.layer.value_or(*std::max_element(list.layers.begin(), list.layers.end()));
  wanted.layers = NumberRanges{{{layer, layer}}};
  if (options.head) wanted.heads = NumberRanges{{{*options.head, *options.head}}};
  return select(card, wanted);
}

/// What the model must compute for both.
Selection needed(const ModelCard& card, const AnalyzeOptions& options, const Selection& list,
                 const Selection& connection) {
  if (options.part == Part::connections) return connection;
  if (options.part || options.explore) return list;
  std::set<int> layers(list.layers.begin(), list.layers.end()), heads(list.heads.begin(), list.heads.end());
  layers.insert(connection.layers.begin(), connection.layers.end());
  heads.insert(connection.heads.begin(), connection.heads.end());
  Selection both{{layers.begin(), layers.end()}, {heads.begin(), heads.end()}};
  if (connection.heads.empty()) both.heads = all_from(0, card.heads);
  return both;
}

/// Some of its layers and heads.
Attention narrowed(const Attention& attention, const Selection& selection) {
  Attention narrow{.layers = selection.layers,
                   .heads = selection.heads,
                   .queries = attention.queries,
                   .keys = attention.keys,
                   .causal = attention.causal,
                   .kind = attention.kind,
                   .weights = {}};
  for (const int layer : selection.layers) {
    for (const int head : selection.heads) {
      const MatrixView matrix = attention.at(layer, head);
      narrow.weights.insert(narrow.weights.end(), matrix.values.begin(), matrix.values.end());
    }
  }
  return narrow;
}

/// Fills the parts that are wanted.
void analyze_parts(Report& report, const Attention& attention, const AnalyzeOptions& options,
                   const Selection& list) {
  report.causal = attention.causal;
  report.uniform_entropy = uniform_entropy(attention.keys, attention.causal);
  if (options.part != Part::connections) {
    const Attention shown = narrowed(attention, list);
    report.heads = head_metrics(shown, report.labels);
    report.layers = layer_metrics(shown);
    report.received = received(shown);
  }
  if (!options.part || options.part == Part::connections) {
    const std::vector<float> mean =
        report.connection_head ? std::vector<float>{} : head_mean(attention, report.connection_layer);
    const MatrixView weights = report.connection_head
                                   ? attention.at(report.connection_layer, *report.connection_head)
                                   : MatrixView{mean, attention.keys};
    report.connections = connections(weights, report.labels, options.thresholds.connection);
  }
}

/// What is listed, what is connected, and what the model must compute for both.
struct Selections {
  Selection list, connection, needed;
};

Selections selections(const ModelCard& card, const AnalyzeOptions& options) {
  Selections all{.list = listed(card, options), .connection = {}, .needed = {}};
  all.connection = connected(card, options, all.list);
  all.needed = needed(card, options, all.list, all.connection);
  return all;
}

Report empty_report(const Subject& subject, const AnalyzeOptions& options, const Selections& selected) {
  const Prepared& prepared = subject.prepared;
  return {.card = subject.card(),
          .sentence = prepared.sentence,
          .notes = subject.notes(),
          .tokens = prepared.encoding.tokens,
          .labels = prepared.labels,
          .thresholds = options.thresholds,
          .heads = {},
          .layers = {},
          .received = {},
          .connection_layer = selected.connection.layers.front(),
          .connection_head = options.head,
          .connections = {},
          .recorded = recorded(subject),
          .choice = options.model,
          .title = subject.title(),
          .stem = subject.stem(),
          .forecast = subject.forecast.table};
}

bool writes_directory(const AnalyzeOptions& options) {
  return options.text.input.path && options.output.path && *options.output.path != "-";
}

/// One of many that follow each other on standard output.
std::string as_text_of_many(const Report& report, const AnalyzeOptions& options) {
  if (options.csv) return as_csv_of_many(report, options.part.value_or(Part::heads));
  return "== " + std::to_string(report.sentence.index) + ": " + report.sentence.shown() + "\n\n" +
         report.forecast + as_tables(report, options.part, static_cast<std::size_t>(options.top)) + "\n";
}

std::string as_text(const Report& report, const AnalyzeOptions& options) {
  if (options.json) return as_json(report);
  if (options.text.input.path && !writes_directory(options)) return as_text_of_many(report, options);
  if (options.csv) return as_csv(report, options.part.value_or(Part::heads));
  return report.forecast + as_tables(report, options.part, static_cast<std::size_t>(options.top));
}

Product product_of(const Subject& subject, const AnalyzeOptions& options, const Streams& streams,
                   Timings& timings) {
  const Selections selected = selections(subject.card(), options);
  Report report = empty_report(subject, options, selected);
  if (options.explore) return explore(report, subject.attention, options.output, streams);
  analyze_parts(report, subject.attention, options, selected.list);
  timings.lap("analyze");
  return {.write = [text = as_text(report, options)](const Sink& sink) { sink(text); }};
}

Task analyze_task(const AnalyzeOptions& given, const Streams& streams) {
  check(given);
  AnalyzeOptions options = given;
  Job job{.text = options.text,
          .output = options.output,
          .formats = kFigureFormats,
          .sources = {},
          .timings = options.model.timings};
  if (!options.explore) {
    job.formats = {options.json ? "json" : options.csv ? "csv" : "txt"};
    if (!job.output.path) job.output.path = "-";
    if (*job.output.path == "-") job.output.format = job.formats.front();
    if (options.csv) job.preamble = csv_headings_of_many(options.part.value_or(Part::heads));
    job.many_to_stdout = true;
  }
  options.output.format = file_format(job);
  job.sources = {
      {options.model, [options](const ModelCard& card) { return selections(card, options).needed; }}};
  job.sources.front().of_shares = true;
  job.ready = [](std::span<Subject>) { return Ready{}; };
  job.make = [options, &streams](std::span<Subject> subjects, Timings& timings) {
    return product_of(subjects[0], options, streams, timings);
  };
  return task_of(std::move(job), streams);
}

}  // namespace

Command analyze_command() {
  return {"analyze", "say what heads do with a text: metrics, labels, connections",
          read_command<AnalyzeOptions, analyze_flags, analyze_task>};
}

}  // namespace attnviz::cli
