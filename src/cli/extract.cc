#include "attnviz/attention.h"
#include "cli/command.h"
#include "cli/job.h"
#include "cli/json.h"
#include "cli/stored_figure.h"
#include "cli/target.h"

namespace attnviz::cli {
namespace {

const std::vector<std::string> kFormats = {"safetensors", "npz", "json"};

TensorFormat tensor_format(const std::string& format) {
  if (format == "npz") return TensorFormat::npz;
  return format == "json" ? TensorFormat::json : TensorFormat::safetensors;
}

struct ExtractOptions {
  TextOptions text;
  ModelChoice model;
  NumberRanges layers, heads;  ///< empty: all
  bool with_query_key = false;
  OutputOptions output;
};

Flags extract_flags(ExtractOptions& options) {
  Flags flags(
      {"extract",
       "Writes attention weights as a tensor: float32, [layers, heads, queries, keys]; every row of keys "
       "sums to 1. The file says where its numbers come from. Prints its path. Of a figure that attnviz "
       "wrote "
       "(TEXT names a .png, .svg or .pdf), the numbers that it shows, as `weights`.",
       {"attnviz extract -o bank.safetensors \"The bank can refuse to lend money.\"",
        "attnviz extract --layers 1,4-6 --heads 0 -o bank.npz \"The bank can refuse.\"",
        "attnviz extract --layers 6 --format json -o - \"The cat sat.\" | jq .layers",
        "attnviz extract --weights norm -o norms.safetensors \"The cat sat.\"",
        "attnviz extract -o numbers.npz minilm-layer6-head0.png"}});
  flags.group("What to extract");
  flags.value("--layers", "LIST", "layers, counting from 1: 1,4,8 or 1-4 (default: all)",
              [&](const Given& given) { options.layers = read_ranges(given); });
  flags.value("--heads", "LIST", "heads, counting from 0: 0,3 or 0-5 (default: all)",
              [&](const Given& given) { options.heads = read_ranges(given); });
  flags.flag("--with-qk", "the query and key vectors too (checkpoint backend)", options.with_query_key);
  add_text_flags(flags, options.text);
  add_model_flags(flags, options.model);
  add_precision_flag(flags, options.model);
  add_weights_flags(flags, options.model);
  add_output_flags(flags, options.output, kFormats, "minilm-attention");
  add_run_flags(flags, options.model);
  return flags;
}

Provenance provenance_of(const Subject& subject) {
  const ModelCard& card = subject.card();
  const Prepared& prepared = subject.prepared;
  const Backend backend = subject.reader->model->backend();
  Provenance provenance = {
      {"program", "attnviz " ATTNVIZ_VERSION}, {"model", card.name},
      {"architecture", card.architecture},     {"backend", name_of(backend)},
      {"text", prepared.sentence.text},        {"tokens", one_line(prepared.encoding.tokens)},
      {"ids", one_line(prepared.encoding.ids)}};
  const Precision precision = subject.reader->choice.options.precision;
  if (precision != Precision::fp32) provenance["precision"] = name_of(precision);
  if (prepared.sentence.pair) provenance["pair"] = *prepared.sentence.pair;
  for (const std::string& note : subject.notes())
    provenance["note"] += (provenance["note"].empty() ? "" : "; ") + note;
  nlohmann::ordered_json predicted = nlohmann::ordered_json::array();
  for (const auto& [label, value] : subject.forecast.predicted) predicted.push_back({label, value});
  if (!predicted.empty()) provenance["predicted"] = one_line(predicted);
  if (card.is_encoder_decoder()) provenance["part"] = name_of(subject.reader->part);
  if (prepared.sentence.target) {
    provenance["target"] = *prepared.sentence.target;
    provenance["target_tokens"] = one_line(prepared.target.tokens);
    provenance["target_ids"] = one_line(prepared.target.ids);
  }
  const auto digest = card.sha256.find(backend == Backend::checkpoint ? "model.safetensors" : "model.pt");
  if (digest != card.sha256.end()) provenance["model_sha256"] = digest->second;
  return provenance;
}

/// Writes the numbers that a figure was drawn from.
void write_from_figure(const std::string& path, const std::string& format, Output& output) {
  const StoredRecord stored = read_stored(path);
  std::vector<float> joined;
  const std::vector<NamedTensor> tensors = tensors_of(stored.record(), joined);
  const Provenance provenance = record_provenance(stored.record());
  output.write([&](const Sink& sink) { write_tensors(tensors, provenance, tensor_format(format), sink); },
               std::filesystem::path(path).stem().string());
}

Task figure_task(const ExtractOptions& options) {
  OutputOptions output = options.output;
  output.format = output_format(output, kFormats);
  const std::string& path = *options.text.text;
  if (!options.layers.ranges.empty() || !options.heads.ranges.empty() || options.with_query_key ||
      options.model.weights == WeightKind::norm || !options.model.ablated.empty()) {
    throw Error(path +
                    ": a figure holds what it shows, and takes no --layers, --heads, --weights, --ablate or "
                    "--with-qk",
                "give the text to run a model");
  }
  return {.writes = {.output = output, .sandbox = options.model.sandbox},
          .act = [path, format = output.format](Outputs& outputs) {
            write_from_figure(path, format, *outputs.output);
            return 0;
          }};
}

void write(const Attention& attention, const Provenance& provenance, TensorFormat format, const Sink& sink) {
  if (format == TensorFormat::safetensors) write_safetensors(attention, provenance, sink);
  if (format == TensorFormat::npz) write_npz(attention, provenance, sink);
  if (format == TensorFormat::json) write_json(attention, provenance, sink);
}

/// What no model could give.
void check_options(const ExtractOptions& options) {
  const bool traced = options.model.options.backend == Backend::torchscript;
  if (options.model.weights == WeightKind::norm && options.with_query_key) {
    throw Error("--with-qk: query and key vectors do not make up norms, which need the value vectors",
                "leave --weights norm or --with-qk out");
  }
  if (options.with_query_key && traced) {
    throw Error("--with-qk: a TorchScript export does not give query and key vectors",
                "leave --backend torchscript out");
  }
  if (options.with_query_key && options.model.window)
    throw Error("--with-qk: a token of two windows has two query and two key vectors",
                "leave one of them out");
}

Task extract_task(const ExtractOptions& options, const Streams& streams) {
  if (options.text.text && is_figure_file(*options.text.text)) return figure_task(options);
  check_options(options);
  Wanted wanted;
  wanted.layers = options.layers;
  wanted.heads = options.heads;
  wanted.with_query_key = options.with_query_key;
  Job job{.text = options.text,
          .output = options.output,
          .formats = kFormats,
          .sources = {{options.model, selector(wanted), {}, /*takes_windows=*/true, /*takes_targets=*/true}},
          .timings = options.model.timings};
  job.ready = [kind = options.model.weights](std::span<Subject> subjects) {
    return Ready{subjects[0].stem() + (kind == WeightKind::norm ? "-norm" : "-attention")};
  };
  const bool apart = options.output.path != "-";
  job.make = [format = file_format(job), apart](std::span<Subject> subjects, Timings&) {
    return Product{.printed = apart ? forecast_tables(subjects) : "",
                   .write = [subject = &subjects[0], format](const Sink& sink) {
                     write(subject->attention, provenance_of(*subject), tensor_format(format), sink);
                   }};
  };
  return task_of(std::move(job), streams);
}

}  // namespace

Command extract_command() {
  return {"extract", "write attention weights as tensors (safetensors, npz, JSON)",
          read_command<ExtractOptions, extract_flags, extract_task>};
}

}  // namespace attnviz::cli
