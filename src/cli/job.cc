#include "cli/job.h"

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <utility>

#include "cli/batch.h"
#include "cli/console.h"
#include "cli/memory_plan.h"
#include "cli/target.h"

namespace attnviz::cli {
namespace {

Reader only_tokenizer(const ModelChoice& choice) {
  return {.choice = choice, .card = read_card(find_model(choice.model))};
}

void check_window(const Source& source, bool pair) {
  const ModelChoice& choice = source.model;
  if (!choice.window) return;
  if (!source.takes_windows) {
    throw Error("--window: only render, grid, layers and extract read a text in windows",
                "layers can't be followed between tokens that no window holds; --truncate cuts the text");
  }
  if (choice.truncate)
    throw Error("--window: reads all of a text that --truncate would cut", "give one of them");
  if (choice.predict) {
    throw Error("--predict: a model predicts of a text that it reads whole, --window reads parts",
                "leave one of them out");
  }
  if (pair) throw Error("--window: reads one text, --pair gives two", "join them, or shorten them");
}

void check_backend(const ModelChoice& choice) {
  if (choice.options.backend != Backend::torchscript) return;
  const auto refuse = [](const char* what) { throw Error(what, "--backend checkpoint does"); };
  if (choice.weights == WeightKind::norm)
    refuse("--weights norm: a TorchScript model gives no norms, which need its value vectors");
  if (!choice.ablated.empty()) refuse("--ablate: a TorchScript model ablates no head");
  if (choice.predict) refuse("--predict: a TorchScript model gives no prediction");
}

void check_parts(const Source& source) {
  if (!source.model.all_parts || source.one_of_all) return;
  throw Error("--attention all: only a page of view head or view model holds all of a model's attention",
              "name one of them: encoder, decoder or cross");
}

TargetWish target_wish(const TextOptions& text, const Source& source) {
  const bool many = text.input.path.has_value();
  return {.given = many ? text.input.target_column.has_value() : text.target.has_value(),
          .flag = many ? "--target-column" : "--target",
          .taken = source.takes_targets};
}

/// Of many texts.
std::string format_of_many(const Job& job) {
  const std::optional<std::string>& path = job.output.path;
  const std::string format = job.output.format.empty() ? job.formats.front() : job.output.format;
  if (job.many_to_stdout && (!path || *path == "-")) return format;
  if (!path) throw Error("-o: missing", "name the directory that the files go to, as in -o figures");
  if (*path == "-") throw Error("-o -: --input writes a file a text", "name a directory");
  const std::string extension = std::filesystem::path(*path).extension().string();
  const bool is_file_name =
      extension.size() > 1 && std::count(job.formats.begin(), job.formats.end(), extension.substr(1)) > 0;
  if (is_file_name) {
    throw Error("-o " + shown_value(*path) + ": --input writes a file a text, expected a directory",
                "--format " + extension.substr(1) + " says of which format they are");
  }
  return format;
}

}  // namespace

std::string file_format(const Job& job) {
  return job.text.input.path ? format_of_many(job) : output_format(job.output, job.formats);
}

std::function<Selection(const ModelCard&)> selector(Wanted wanted) {
  return [wanted = std::move(wanted)](const ModelCard& card) { return select(card, wanted); };
}

void check_flags(const Source& source, bool pair) {
  check_window(source, pair);
  if (source.model.weights == WeightKind::norm && source.of_shares) {
    throw Error(
        "--weights norm: rollout, summary, analyze and view neuron are of rows that sum to 1, norms do not",
        "render, grid, layers, flow, compare, diff, view head, view model and extract take norms");
  }
  check_backend(source.model);
}

Selection selection_of(const Source& source, const Reader& reader) {
  Selection selection = source.select(reader.card);
  check_places(source.model.ablated, reader.card);
  selection.ablated = source.model.ablated;
  selection.kind = source.model.weights;
  selection.part = reader.part;
  return selection;
}

std::string Subject::title() const {
  const std::string name = visible(card().name);
  return card().is_encoder_decoder() ? name + " · " + title_of(reader->part) : name;
}

std::string Subject::stem() const {
  return card().is_encoder_decoder() ? card().name + "-" + name_of(reader->part) : card().name;
}

TokenizedText Subject::queries() const {
  return reader->part == AttentionPart::encoder ? prepared.source_text() : prepared.target_text();
}

TokenizedText Subject::keys() const {
  return reader->part == AttentionPart::decoder ? prepared.target_text() : prepared.source_text();
}

void Subject::choose(const TokenOptions& options, std::optional<std::vector<TokenGroup>> words) {
  TokenOptions own = options;
  own.weights = selection.kind;
  if (reader->part == AttentionPart::cross) {
    check_two_ranges(own);
    tokens = shown_tokens(own, queries(), "target");
    own.range = own.source_range;
    sources = shown_tokens(own, keys(), "source");
    return;
  }
  if (reader->choice.all_parts && own.range) {
    check_two_ranges(own);
    if (reader->part == AttentionPart::encoder) own.range = own.source_range;
    own.source_range.reset();
  }
  check_one_range(own);
  tokens = words ? shown_words(own, queries(), std::move(*words)) : shown_tokens(own, queries());
}

std::vector<std::string> Subject::notes() const {
  std::vector<std::string> notes = prepared.notes();
  const Precision precision = reader->choice.options.precision;
  if (precision != Precision::fp32) notes.push_back("computed in " + name_of(precision));
  if (!selection.ablated.empty()) notes.push_back("heads ablated: " + show_places(selection.ablated));
  notes.insert(notes.end(), tokens.notes.begin(), tokens.notes.end());
  if (sources) notes.insert(notes.end(), sources->notes.begin(), sources->notes.end());
  if (!forecast.predicted.empty()) notes.push_back(prediction_note(forecast.predicted));
  return notes;
}

void Subject::show() { attention = shown_attention(std::move(attention), tokens, shown_keys()); }

HeadMetrics Subject::metrics() const {
  Attention mean = attention;
  mean.weights = overall_mean(attention);
  mean.layers = {1};
  mean.heads = {0};
  return head_metrics(mean, queries().labels).front();
}

Heatmap Subject::map(const MatrixView& weights, const std::string& title) const {
  Heatmap map{.weights = weights,
              .queries = tokens.labels,
              .keys = shown_keys().labels,
              .causal = attention.causal,
              .cross = sources.has_value(),
              .title = title,
              .subtitle = prepared.sentence.shown(),
              .notes = notes(),
              .windowed = !prepared.windows.empty()};
  if (selection.kind == WeightKind::norm) map.quantity = kNorms;
  return map;
}

std::vector<OpenSource> open_sources(const Job& job, std::istream& in) {
  std::vector<OpenSource> sources;
  for (const Source& source : job.sources) {
    check_parts(source);
    OpenSource open{.reader = job.runs_models ? choose_model(source.model) : only_tokenizer(source.model),
                    .selection = {}};
    look_at(open.reader, part_of(source.model, open.reader.card, target_wish(job.text, source)));
    if (job.runs_models) open.selection = selection_of(source, open.reader);
    check_pair(open.reader.card, job.text);
    check_window(open.reader.card, source.model);
    if (source.against) {
      TextOptions own{.name = "--against", .text = *source.against};
      own.invalid_utf8 = job.text.invalid_utf8;
      open.own = read_sentence(own, in);
    }
    sources.push_back(std::move(open));
  }
  return sources;
}

std::vector<Subject> subjects_of(std::span<OpenSource> sources, const Sentence& sentence, Timings& timings) {
  std::vector<Subject> subjects;
  for (OpenSource& source : sources) {
    Sentence own = source.own.value_or(sentence);
    own.pair = sentence.pair;
    own.target = sentence.target;
    Subject subject{.reader = &source.reader, .selection = source.selection};
    subject.prepared = prepare(source.reader, std::move(own), timings);
    subjects.push_back(std::move(subject));
  }
  return subjects;
}

void attend(Subject& subject, Timings& timings) {
  Model& model = opened(*subject.reader);
  timings.lap("open model");
  const Prepared& prepared = subject.prepared;
  const std::span<const Encoding> targets(&prepared.target, prepared.sentence.target ? 1 : 0);
  subject.attention = prepared.windows.empty()
                          ? std::move(model.run({&prepared.encoding, 1}, targets, subject.selection).front())
                          : run_windows(model, prepared.encoding, prepared.windows, subject.selection);
  timings.lap("forward");
  predict(subject, timings);
}

void predict(Subject& subject, Timings& timings) {
  if (!subject.reader->choice.predict) return;
  subject.forecast = forecast(*subject.reader, subject.prepared);
  timings.lap("predict");
}

std::string forecast_tables(std::span<const Subject> subjects) {
  const std::string& first = subjects.front().forecast.table;
  if (subjects.size() == 1 || subjects.back().forecast.table == first) return first;
  std::string tables;
  for (const Subject& subject : subjects) {
    tables += visible(subject.card().name) + ", " + subject.prepared.sentence.shown() + "\n\n" +
              subject.forecast.table;
  }
  return tables;
}

void check_sizes(std::span<const Subject> subjects, std::size_t making) {
  for (const Subject& subject : subjects)
    check_size(*subject.reader, subject.prepared, subject.selection, making);
}

namespace {

/// Of many texts each is a file in a directory, or they follow each other on standard output.
Writes writes_of(const Job& job) {
  Writes writes;
  if (job.runs_models) writes.sandbox = job.sources.front().model.sandbox;
  const std::string format = file_format(job);
  if (!job.text.input.path) {
    writes.output = job.output;
    writes.output->format = format;
  } else if (job.output.path && *job.output.path != "-") {
    writes.directories = {*job.output.path};
  }
  return writes;
}

void run_one(const Job& job, Output& output, const Streams& streams) {
  Timings timings(job.timings, streams.err);
  std::vector<OpenSource> sources = open_sources(job, streams.in);
  timings.lap("choose model");
  const Sentence sentence = read_sentence(job.text, streams.in);
  timings.lap("read text");
  std::vector<Subject> subjects = subjects_of(sources, sentence, timings);
  if (job.runs_models) check_sizes(subjects, memory_of(subjects, job, file_format(job)).making);
  const Ready ready = job.ready(subjects);
  for (const Subject& subject : subjects) {
    const ModelChoice& choice = subject.reader->choice;
    const bool told = choice.all_parts && choice.part;  // of the first, which reads what the others read
    if (!told) report_cut(subject.prepared, subject.card(), streams.err);
  }
  for (const std::string& remark : ready.remarks) streams.err << "attnviz: note: " << remark << "\n";
  for (Subject& subject : subjects) {
    if (job.runs_models) attend(subject, timings);
  }
  const Product product = job.make(subjects, timings);
  print(streams.out, product.printed);
  if (product.write) output.write(product.write, product.stem.empty() ? ready.stem : product.stem);
  timings.lap("write");
  timings.total();
}

}  // namespace

Task task_of(Job job, const Streams& streams) {
  const bool pairs = job.text.pair || job.text.input.pair_column;
  Writes writes = writes_of(job);
  for (const Source& source : job.sources) check_flags(source, pairs);
  if (job.text.input.path && job.timings)
    throw Error("--timings: it times one text, --input gives many", "leave it out");
  return {std::move(writes), [job = std::move(job), &streams](Outputs& outputs) {
            if (job.text.input.path) return run_batch(job, streams);
            run_one(job, *outputs.output, streams);
            return 0;
          }};
}

}  // namespace attnviz::cli
