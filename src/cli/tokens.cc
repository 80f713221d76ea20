#include <numeric>
#include <ostream>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/request.h"
#include "cli/table.h"

namespace attnviz::cli {
namespace {

struct TokensOptions {
  TextOptions text;
  ModelChoice model;
  bool json = false;
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
  add_text_flags(flags, options.text);
  add_model_flags(flags, options.model);
  return flags;
}

std::string as_json(const ModelCard& card, const Prepared& prepared) {
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
  return one_line(object) + "\n";
}

std::string as_table(const ModelCard& card, const Prepared& prepared) {
  const Encoding& encoding = prepared.encoding;
  const std::size_t count = encoding.size();
  std::string text = "Model         " + visible(card.name) + "\nTokens        " + std::to_string(count) +
                     "\nPosition ids  0 to " + std::to_string(count - 1) + "\n\n";
  Table table({">position", ">id", ">type", ">offsets", "token"});
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [begin, end] = encoding.offsets[i];
    table.add({std::to_string(i), std::to_string(encoding.ids[i]), std::to_string(encoding.types[i]),
               encoding.special[i] ? "-" : std::to_string(begin) + ":" + std::to_string(end),
               prepared.labels[i].whole()});
  }
  return text + table.set();
}

int tokens(const TokensOptions& options, const Streams& streams) {
  Timings timings(false, streams.err);
  const ModelCard card = read_card(find_model(options.model.model));
  const Prepared prepared = prepare(card, options.model, options.text, streams, timings);
  if (card.max_tokens > 0 && prepared.encoding.size() > card.max_tokens) {
    streams.err << "attnviz: note: " + std::to_string(prepared.encoding.size()) + " tokens, " +
                       visible(card.name) + " takes at most " + std::to_string(card.max_tokens) + "\n";
  }
  print(streams.out, options.json ? as_json(card, prepared) : as_table(card, prepared));
  return 0;
}

}  // namespace

Command tokens_command() {
  return {"tokens", "show a text's tokens, ids, positions and offsets",
          run_command<TokensOptions, tokens_flags, tokens>};
}

}  // namespace attnviz::cli
