#include <numeric>

#include "cli/command.h"
#include "cli/job.h"
#include "cli/json.h"
#include "cli/request.h"
#include "cli/table.h"

namespace attnviz::cli {
namespace {

struct TokensOptions {
  TextOptions text;
  ModelChoice model;
  bool json = false;
  bool words = false;
};

Flags tokens_flags(TokensOptions& options) {
  Flags flags({"tokens",
               "Shows how a model's tokenizer takes a text apart: tokens, their count, positions, ids, token "
               "types and places in the text. ␣ marks a space that belongs to a token.",
               {"attnviz tokens \"The bank can refuse to lend money.\"",
                "attnviz tokens --model gpt2-demo --json \"Once upon a time\"",
                "attnviz tokens --pair \"It purred.\" \"The cat sat.\""}});
  flags.group("Output");
  flags.flag("--json", "one JSON object on one line", options.json);
  flags.flag("--words", "say too which tokens make up a word", options.words);
  add_text_flags(flags, options.text);
  add_model_flags(flags, options.model);
  return flags;
}

/// The words, if they were asked for.
std::vector<TokenGroup> words_of(const TokensOptions& options, const Prepared& prepared) {
  if (!options.words) return {};
  return words(prepared.encoding, prepared.sentence.text, prepared.sentence.pair);
}

std::string as_json(const ModelCard& card, const Prepared& prepared, const std::vector<TokenGroup>& words) {
  const Encoding& encoding = prepared.encoding;
  std::vector<std::size_t> positions(encoding.size());
  std::iota(positions.begin(), positions.end(), 0);
  nlohmann::ordered_json object;
  object["index"] = prepared.sentence.index;
  object["text"] = prepared.sentence.text;
  if (prepared.sentence.pair) object["pair"] = *prepared.sentence.pair;
  object["model"] = card.name;
  object["tokens"] = encoding.tokens;
  object["ids"] = encoding.ids;
  object["positions"] = positions;
  object["types"] = encoding.types;
  object["offsets"] = encoding.offsets;
  object["special"] = std::vector<bool>(encoding.special.begin(), encoding.special.end());
  for (const TokenGroup& word : words) object["words"].push_back({word.first, word.count});
  return one_line(object) + "\n";
}

std::string as_table(const ModelCard& card, const Prepared& prepared, const std::vector<TokenGroup>& words) {
  const Encoding& encoding = prepared.encoding;
  const std::size_t count = encoding.size();
  std::string text = "Model         " + visible(card.name) + "\nTokens        " + std::to_string(count) +
                     "\nPosition ids  0 to " + std::to_string(count - 1) + "\n";
  std::vector<std::string> headings = {">position", ">id", ">type", ">offsets", "token"};
  if (!words.empty()) {
    text += "Words         " + std::to_string(words.size()) + "\n";
    headings.insert(headings.begin(), ">word");
  }
  Table table(headings);
  for (std::size_t i = 0, word = 0; i < count; ++i) {
    const auto& [begin, end] = encoding.offsets[i];
    std::vector<std::string> row = {
        std::to_string(i), std::to_string(encoding.ids[i]), std::to_string(encoding.types[i]),
        encoding.special[i] ? "-" : std::to_string(begin) + ":" + std::to_string(end),
        prepared.labels[i].whole()};
    if (!words.empty()) {
      if (i == words[word].first + words[word].count) ++word;
      row.insert(row.begin(), std::to_string(word));
    }
    table.add(std::move(row));
  }
  return text + "\n" + table.set();
}

std::string as_text(const TokensOptions& options, const ModelCard& card, const Prepared& prepared) {
  const std::vector<TokenGroup> words = words_of(options, prepared);
  if (options.json) return as_json(card, prepared, words);
  const std::string table = as_table(card, prepared, words);
  const Sentence& sentence = prepared.sentence;
  if (!options.text.input.path) return table;
  return "== " + std::to_string(sentence.index) + ": " + sentence.shown() + "\n\n" + table + "\n";
}

Ready ready(const Subject& subject) {
  const ModelCard& card = subject.card();
  const std::size_t tokens = subject.prepared.encoding.size();
  if (card.max_tokens == 0 || tokens <= card.max_tokens) return {};
  return {.remarks = {std::to_string(tokens) + " tokens, " + visible(card.name) + " takes at most " +
                      std::to_string(card.max_tokens)}};
}

Task tokens_task(const TokensOptions& options, const Streams& streams) {
  const std::string format = options.json ? "json" : "txt";
  Job job{.text = options.text,
          .output = {.path = "-", .format = format},
          .formats = {format},
          .sources = {{.model = options.model}},
          .runs_models = false,
          .many_to_stdout = true};
  job.ready = [](std::span<Subject> subjects) { return ready(subjects[0]); };
  job.make = [options](std::span<Subject> subjects, Timings&) {
    return Product{.write = [text = as_text(options, subjects[0].card(), subjects[0].prepared)](
                                const Sink& sink) { sink(text); }};
  };
  return task_of(std::move(job), streams);
}

}  // namespace

Command tokens_command() {
  return {"tokens", "show a text's tokens, ids, positions and offsets",
          read_command<TokensOptions, tokens_flags, tokens_task>};
}

}  // namespace attnviz::cli
