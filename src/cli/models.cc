#include "cli/command.h"
#include "cli/json.h"
#include "cli/request.h"
#include "cli/table.h"

namespace attnviz::cli {
namespace {

struct ListOptions {
  bool json = false;
};

struct InfoOptions {
  std::string model;
  bool json = false;
};

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : ", ") + word;
  return line.empty() ? "none" : line;
}

std::vector<std::string> forms_of(const ModelCard& card) {
  std::vector<std::string> forms;
  if (card.has_checkpoint) forms.push_back(name_of(Backend::checkpoint));
  if (card.has_torchscript) forms.push_back(name_of(Backend::torchscript));
  return forms;
}

/// A number of the card: what its files don't say is 0, and only a run of the model finds it.
std::string number(std::size_t value) { return value == 0 ? "?" : std::to_string(value); }

std::string text(const std::string& value) { return value.empty() ? "?" : visible(value); }

nlohmann::ordered_json as_json(const ModelCard& card) {
  nlohmann::ordered_json json = {{"name", card.name},         {"architecture", card.architecture},
                                 {"layers", card.layers},     {"heads", card.heads},
                                 {"hidden", card.hidden},     {"max_tokens", card.max_tokens},
                                 {"causal", card.causal},     {"pair", card.takes_pairs},
                                 {"forms", forms_of(card)},   {"source", card.source},
                                 {"exporter", card.exporter}, {"torch", card.torch},
                                 {"sha256", card.sha256},     {"directory", card.directory.string()}};
  if (card.is_encoder_decoder()) {
    json["decoder_layers"] = card.decoder_layers;
    json["decoder_heads"] = card.decoder_heads;
  }
  return json;
}

Flags list_flags(ListOptions& options) {
  Flags flags(
      {"models",
       "Lists the models that can be named: those in the directories of $ATTNVIZ_MODELS (separated by "
       "colons), in models beside the program, and in the user's data directory. attnviz models info "
       "NAME tells more of one; attnviz models verify NAME checks one.",
       {"attnviz models", "attnviz models info gpt2-demo", "attnviz models verify minilm"}});
  flags.flag("--json", "one JSON object a model, each on a line", options.json);
  return flags;
}

int list(const ListOptions& options, const Streams& streams) {
  const std::vector<ModelCard> cards = list_models();
  if (options.json) {
    for (const ModelCard& card : cards) print(streams.out, one_line(as_json(card)) + "\n");
    return 0;
  }
  if (cards.empty()) {
    std::string places;
    for (const auto& place : model_path()) places += (places.empty() ? "" : ", ") + place.string();
    throw Error("models: none found in " + places,
                "put a model's directory there, or name it with --model DIR");
  }
  Table table({"name", "architecture", ">layers × heads", ">max tokens", "forms", "directory"});
  for (const ModelCard& card : cards) {
    table.add({text(card.name), text(card.architecture), number(card.layers) + " × " + number(card.heads),
               number(card.max_tokens), joined(forms_of(card)), text(card.directory.string())});
  }
  print(streams.out, table.set());
  return 0;
}

Flags info_flags(InfoOptions& options) {
  Flags flags({"models info",
               "Describes a model from its files, without running it.",
               {"attnviz models info minilm", "attnviz models info ./my-model --json"}});
  flags.argument("NAME", "a name that attnviz models lists, or a model's directory",
                 "attnviz models lists the names", [&](const Given& given) { options.model = given.value; });
  flags.flag("--json", "one JSON object on one line", options.json);
  return flags;
}

int info(const InfoOptions& options, const Streams& streams) {
  const ModelCard card = read_card(find_model(options.model));
  if (options.json) {
    print(streams.out, one_line(as_json(card)) + "\n");
    return 0;
  }
  Table table({"name", text(card.name)});
  table.add({"architecture", text(card.architecture)});
  table.add({"layers", number(card.layers)});
  table.add({"heads a layer", number(card.heads)});
  if (card.is_encoder_decoder()) {
    table.add({"decoder layers", number(card.decoder_layers)});
    table.add({"decoder heads", number(card.decoder_heads)});
  }
  table.add({"hidden size", number(card.hidden)});
  table.add({"max tokens", number(card.max_tokens)});
  const std::string reach = card.is_encoder_decoder()
                                ? "in both directions; its decoder back, and to the encoder"
                            : card.causal ? "to itself and what came before (causal)"
                                          : "in both directions";
  table.add({"attends", card.layers == 0 ? "?" : reach});
  table.add({"takes pairs", card.takes_pairs ? "yes" : "no"});
  table.add({"forms", joined(forms_of(card))});
  if (!card.source.empty()) table.add({"source", text(card.source)});
  if (!card.exporter.empty()) table.add({"exporter", text(card.exporter)});
  if (!card.torch.empty()) table.add({"torch", text(card.torch)});
  for (const auto& [file, digest] : card.sha256) table.add({"sha256", text(digest + "  " + file)});
  table.add({"directory", text(card.directory.string())});
  print(streams.out, table.set());
  return 0;
}

}  // namespace

Command models_command() {
  return {"models", "list the models that can be named",
          read_command<ListOptions, list_flags, reading<ListOptions, list>>};
}

Command models_info_command() {
  return {"models info", "describe a model",
          read_command<InfoOptions, info_flags, reading<InfoOptions, info>>};
}

}  // namespace attnviz::cli
