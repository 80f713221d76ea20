#include "cli/request.h"

#include <algorithm>
#include <ostream>

#include "cli/forecast.h"
#include "cli/target.h"

namespace attnviz::cli {
namespace {

const Choices<Backend> kBackends = {
    {"auto", Backend::automatic}, {"checkpoint", Backend::checkpoint}, {"torchscript", Backend::torchscript}};

const Choices<Precision> kPrecisions = {
    {"fp32", Precision::fp32}, {"bf16", Precision::bf16}, {"fp16", Precision::fp16}};

const Choices<WeightKind> kWeightKinds = {{"attention", WeightKind::attention}, {"norm", WeightKind::norm}};

const Choices<Sandbox> kSandboxes = {
    {"auto", Sandbox::automatic}, {"require", Sandbox::require}, {"off", Sandbox::off}};

std::string read_device(const Given& given) {
  const std::string& device = given.value;
  const bool numbered = device.starts_with("cuda:") && device.size() > 5 && device.size() < 9 &&
                        device.find_first_not_of("0123456789", 5) == std::string::npos;
  if (!numbered && device != "auto" && device != "cpu" && device != "cuda") {
    refuse(given, "auto, cpu, cuda or cuda:N");
  }
  return device;
}

std::string read_model(const Given& given) {
  if (given.value.empty()) refuse(given, "a model's name or directory");
  return given.value;
}

void add_truncate_flag(Flags& flags, ModelChoice& choice) {
  add_attention_flag(flags, choice);
  flags.flag("--truncate", "cut a text that is too long for the model, and say so", choice.truncate);
  flags.value(
      "--window", "max|N",
      "read a text that is longer in windows of N tokens, or of as many as the model takes, each half in "
      "the next: a row is that of the window in which its token lies most central, weights on a "
      "window's special tokens go to the text's, and what no window holds is left blank",
      [&](const Given& given) {
        choice.window = given.value == "max" ? 0 : read_integer(given, 1, 1 << 20);
      });
}

void check_range(const std::string& flag, const NumberRanges& ranges, const ModelCard& card,
                 const std::string& what, int first, int count) {
  for (const auto& [low, high] : ranges.ranges) {
    const int wrong = low < first ? low : high;
    if (low >= first && high < first + count) continue;
    throw Error(flag + " " + std::to_string(wrong) + ": " + card.name + " has " + what + " " +
                    std::to_string(first) + " to " + std::to_string(first + count - 1),
                wrong == first - 1 || wrong == first + count ? "layers count from 1, heads from 0" : "");
  }
}

/// TorchScript computes every layer and head, whatever is asked for.
bool computes_all(const ModelCard& card, const ModelChoice& choice) {
  return choice.options.backend == Backend::torchscript || !card.has_checkpoint;
}

std::string memory_hint(const ModelCard& card, const ModelChoice& choice, const Selection& selection) {
  if (computes_all(card, choice)) {
    return card.has_checkpoint ? "--backend checkpoint computes only what is asked for"
                               : "take a shorter text";
  }
  const std::size_t layers = selection.layers.empty() ? card.layers : selection.layers.size();
  const std::size_t heads = selection.heads.empty() ? card.heads : selection.heads.size();
  if (layers > 1) return "fewer --layers or --heads need less";
  if (heads > 1) return "fewer heads (--head, --heads) need less";
  return "take a shorter text";
}

void check_text(const Encoding& encoding, const Sentence& sentence) {
  for (const int sequence : sentence.pair ? std::vector<int>{0, 1} : std::vector<int>{0}) {
    if (std::find(encoding.sequence.begin(), encoding.sequence.end(), sequence) == encoding.sequence.end()) {
      throw Error((sequence == 0 ? sentence.name : sentence.pair_name) + ": no token in it, expected words");
    }
  }
}

/// Into what was prepared of its source.
void read_target(const Reader& reader, const Sentence& sentence, Prepared& prepared) {
  const ModelCard& card = reader.card;
  const Tokenizer& tokenizer = *reader.tokenizer;
  prepared.target = decoder_input(tokenizer, *sentence.target, card.decoder_start_id);
  const std::vector<std::int8_t>& sequence = prepared.target.sequence;
  if (std::find(sequence.begin(), sequence.end(), 0) == sequence.end())
    throw Error(sentence.target_name + ": no token in it, expected words");
  const std::size_t tokens = prepared.target.size();
  if (reader.choice.truncate && card.max_tokens > 0 && tokens > card.max_tokens) {
    prepared.target =
        decoder_input(tokenizer, *sentence.target, card.decoder_start_id, {.max_tokens = card.max_tokens});
    prepared.target_cut_from = tokens;
  }
  prepared.target_labels = tokenizer.labels(prepared.target);
}

/// Of a text, or of its target.
void check_length(const ModelCard& card, const std::string& name, std::size_t tokens, bool windows) {
  if (card.max_tokens == 0 || tokens <= card.max_tokens) return;
  const std::string more = "; render, grid, layers and extract read all of it with --window max";
  throw Error(name + ": " + std::to_string(tokens) + " tokens, " + card.name + " takes at most " +
                  std::to_string(card.max_tokens),
              "--truncate cuts the text to what fits" + (windows ? more : ""));
}

}  // namespace

void add_model_flags(Flags& flags, ModelChoice& choice) {
  flags.group("Model");
  flags.value("--model", "NAME|DIR",
              "a name that attnviz models lists, or a model's directory (default: minilm)",
              [&](const Given& given) { choice.model = read_model(given); });
  add_truncate_flag(flags, choice);
}

void add_weights_flags(Flags& flags, ModelChoice& choice) {
  flags.value(
      "--weights", "attention|norm",
      "attention weights, or the lengths of the vectors that they weight, as the attention's output adds "
      "them up (Kobayashi et al. 2020; checkpoint backend): rows of these sum to no fixed number "
      "(default: attention)",
      [&](const Given& given) { choice.weights = read_choice(given, kWeightKinds); });
  flags.value("--ablate", "LIST",
              "set what these heads give to their layer to zero: layers and heads, such as 5.3,6.0; the "
              "attention is that of the model without them (checkpoint backend)",
              [&](const Given& given) { choice.ablated = read_places(given); });
  flags.value(
      "--predict", "N",
      "say which N labels or next tokens the model finds most probable, and print with --ablate what the "
      "heads are worth to them (a checkpoint with a classifier, or a language model's)",
      [&](const Given& given) { choice.predict = read_integer(given, 1, 1 << 20); });
}

void add_precision_flag(Flags& flags, ModelChoice& choice) {
  flags.flag("--allow-non-finite",
             "where a model comes to NaN or infinity, go on as transformers' eager attention does, and mark "
             "what is not finite; otherwise that is refused, and the layer and head named",
             choice.options.allow_non_finite);
  flags.value("--precision", "fp32|bf16|fp16",
              "what the layers compute in; the weights shown move with it, as models verify tells (default: "
              "fp32; others: checkpoint backend)",
              [&](const Given& given) { choice.options.precision = read_choice(given, kPrecisions); });
}

void add_two_models_flags(Flags& flags, ModelChoice& choice, std::vector<std::string>& names) {
  flags.group("Models");
  flags.value(
      "--model", "NAME|DIR",
      "a name that attnviz models lists, or a model's directory; twice for two models (default: minilm)",
      [&](const Given& given) { names.push_back(read_model(given)); }, 2);
  add_truncate_flag(flags, choice);
  add_precision_flag(flags, choice);
  add_weights_flags(flags, choice);
}

void add_device_flags(Flags& flags, ModelOptions& options, Sandbox& sandbox) {
  constexpr int kMostThreads = 1024;
  flags.group("Running");
  flags.value("--device", "auto|cpu|cuda[:N]", "where to run (default: auto)",
              [&](const Given& given) { options.device = read_device(given); });
  flags.value("--threads", "N", "threads to compute with (default: one for each physical core)",
              [&](const Given& given) { options.threads = read_integer(given, 1, kMostThreads); });
  flags.flag("--trust-model",
             "run a TorchScript file even where it holds more than operators known to be harmless: it is a "
             "program",
             options.trusted);
  flags.value(
      "--sandbox", "auto|require|off",
      "write nowhere but where the output goes, use no network and run no program (default: auto, as far as "
      "the kernel knows how)",
      [&](const Given& given) { sandbox = read_choice(given, kSandboxes); });
}

void add_run_flags(Flags& flags, ModelChoice& choice) {
  add_device_flags(flags, choice.options, choice.sandbox);
  flags.value(
      "--backend", "auto|checkpoint|torchscript",
      "run the checkpoint, which computes only what is asked for, or the TorchScript export (default: "
      "auto, the checkpoint where its architecture is known)",
      [&](const Given& given) { choice.options.backend = read_backend(given); });
  flags.value("--max-memory", "SIZE",
              "refuse beforehand what would need more, such as 800M or 2G (default: the memory available)",
              [&](const Given& given) { choice.max_memory = read_size(given); });
  flags.flag("--timings", "print the time of each stage on standard error", choice.timings);
}

Reader choose_model(const ModelChoice& choice) {
  Reader reader{.choice = choice, .card = read_card(find_model(choice.model))};
  const ModelCard& card = reader.card;
  if (card.layers == 0 || card.heads == 0 || card.max_tokens == 0) reader.card = opened(reader).card();
  return reader;
}

Model& opened(Reader& reader) {
  if (!reader.model) reader.model = open_model(reader.whole.value_or(reader.card), reader.choice.options);
  return *reader.model;
}

const Tokenizer& opened_tokenizer(Reader& reader) {
  if (!reader.tokenizer) reader.tokenizer.emplace(reader.card.directory);
  return *reader.tokenizer;
}

Selection select(const ModelCard& card, const Wanted& wanted) {
  const NumberRanges layers = wanted.layers.value_or(NumberRanges{{{card.layers, card.layers}}});
  check_range(wanted.layer_flag, layers, card, "layers", 1, card.layers);
  check_range(wanted.head_flag, wanted.heads, card, "heads", 0, card.heads);
  return {layers.numbers(), wanted.heads.numbers(), wanted.with_query_key};
}

std::vector<std::string> Prepared::notes() const {
  if (!windows.empty()) {
    return {"read in " + std::to_string(windows.size()) + " windows of " +
            std::to_string(windows.front().encoding.size()) +
            " tokens: each row is that of the window in which its token lies most central"};
  }
  std::vector<std::string> notes;
  const auto note = [&](const std::string& what, std::size_t left, std::size_t of) {
    notes.push_back(what + "cut to " + std::to_string(left) + " of " + std::to_string(of) + " tokens");
  };
  if (cut_from) note("", encoding.size(), *cut_from);
  if (target_cut_from) note("target ", target.size(), *target_cut_from);
  return notes;
}

TokenizedText Prepared::source_text() const { return {encoding, labels, sentence.text, sentence.pair}; }

TokenizedText Prepared::target_text() const {
  return {target, target_labels, sentence.target ? std::string_view(*sentence.target) : std::string_view()};
}

void check_window(const ModelCard& card, const ModelChoice& choice) {
  if (choice.window && card.max_tokens > 0 && *choice.window > card.max_tokens) {
    throw Error("--window " + std::to_string(*choice.window) + ": " + card.name + " takes at most " +
                std::to_string(card.max_tokens) + " tokens");
  }
}

void check_pair(const ModelCard& card, const TextOptions& text) {
  if (text.pair && !card.takes_pairs) throw Error("--pair: " + card.name + " takes one text");
}

Prepared prepare(Reader& reader, Sentence sentence, Timings& timings) {
  const ModelCard& card = reader.card;
  const Tokenizer& tokenizer = opened_tokenizer(reader);
  timings.lap("open tokenizer");
  Prepared prepared;
  prepared.encoding = tokenizer.encode(sentence.text, sentence.pair);
  check_text(prepared.encoding, sentence);
  const std::size_t tokens = prepared.encoding.size();
  if (reader.choice.truncate && card.max_tokens > 0 && tokens > card.max_tokens) {
    prepared.encoding = tokenizer.encode(sentence.text, sentence.pair, {.max_tokens = card.max_tokens});
    prepared.cut_from = tokens;
  }
  if (reader.choice.window) {
    const std::size_t length = *reader.choice.window > 0 ? *reader.choice.window : card.max_tokens;
    prepared.windows = windows_of(prepared.encoding, length);
  }
  if (reader.part == AttentionPart::encoder) sentence.target.reset();
  if (sentence.target) read_target(reader, sentence, prepared);
  prepared.labels = tokenizer.labels(prepared.encoding);
  prepared.sentence = std::move(sentence);
  timings.lap("tokenize");
  return prepared;
}

std::size_t result_bytes(const ModelCard& card, const Selection& selection, std::size_t cells) {
  const auto count = [](const std::vector<int>& chosen, int all) {
    return Amount(chosen.empty() ? static_cast<std::size_t>(all) : chosen.size());
  };
  return (count(selection.layers, card.layers) * count(selection.heads, card.heads) * cells * sizeof(float))
      .value();
}

void report_cut(const Prepared& prepared, const ModelCard& card, std::ostream& err) {
  if (!prepared.cut_from && !prepared.target_cut_from) return;
  for (const std::string& note : prepared.notes())
    err << "attnviz: note: " << note << ", the most that " << visible(card.name) << " takes\n";
}

std::size_t needed_memory(const Reader& reader, const Prepared& prepared, const Selection& selection) {
  const ModelCard& card = reader.card;
  const std::size_t whole = prepared.encoding.size();
  const bool windowed = !prepared.windows.empty();
  const std::size_t tokens = windowed ? prepared.windows.front().encoding.size() : whole;
  const BatchShape batch{.tokens = tokens, .target_tokens = prepared.target.size()};
  std::size_t needed = predicted_memory(reader.whole.value_or(card), batch, selection, reader.choice.options);
  if (windowed) needed += result_bytes(card, selection, whole * whole);
  if (reader.choice.predict) {
    const std::size_t logits = reader.tokenizer->vocabulary_size();
    needed = std::max(needed,
                      result_bytes(card, selection, whole * whole) + prediction_memory(card, tokens, logits));
  }
  return needed;
}

std::size_t memory_limit(const ModelChoice& choice) {
  return choice.max_memory.value_or(available_memory().memory);
}

void check_size(const Reader& reader, const Prepared& prepared, const Selection& selection,
                std::size_t making) {
  const ModelCard& card = reader.card;
  const ModelChoice& choice = reader.choice;
  const std::size_t whole = prepared.encoding.size();
  const bool windowed = !prepared.windows.empty();
  const std::size_t tokens = windowed ? prepared.windows.front().encoding.size() : whole;
  const Sentence& sentence = prepared.sentence;
  check_length(card, sentence.name, tokens, !sentence.pair && !sentence.target);
  check_length(card, sentence.target_name, prepared.target.size(), false);
  const std::size_t queries = reader.part == AttentionPart::encoder ? whole : prepared.target.size();
  const std::size_t keys = reader.part == AttentionPart::decoder ? queries : whole;
  const std::size_t made = result_bytes(card, selection, queries * keys) + making;
  const std::size_t needed = std::max(needed_memory(reader, prepared, selection), made);
  const std::size_t limit = memory_limit(choice);
  if (needed <= limit) return;
  throw Error((choice.max_memory ? "--max-memory " : "memory available: ") + show_bytes(limit) + ": " +
                  std::to_string(whole) + " tokens need " + show_bytes(needed),
              memory_hint(card, choice, selection));
}

Backend read_backend(const Given& given) { return read_choice(given, kBackends); }

std::string name_of(Precision precision) { return word_of(precision, kPrecisions); }

std::string name_of(Backend backend) { return word_of(backend, kBackends); }

}  // namespace attnviz::cli
