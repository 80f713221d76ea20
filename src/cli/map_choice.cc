#include "cli/map_choice.h"

namespace attnviz::cli {
namespace {

constexpr char kNumberOrMean[] = "a whole number, or mean";

}  // namespace

Wanted MapChoice::wanted() const {
  Wanted wanted;
  wanted.layer_flag = "--layer";
  wanted.head_flag = "--head";
  if (layer) wanted.layers = NumberRanges{{{*layer, *layer}}};
  if (layer_mean) wanted.layers = NumberRanges{};
  if (head) wanted.heads = NumberRanges{{{*head, *head}}};
  return wanted;
}

std::string MapChoice::title(const ModelCard& card) const {
  return (layer_mean ? "Mean of " + std::to_string(card.layers) + " layers"
                     : "Layer " + std::to_string(layer.value_or(card.layers))) +
         " · " + head_title(card, head);
}

std::string MapChoice::stem(const ModelCard& card) const {
  return (layer_mean ? "all" : "layer" + std::to_string(layer.value_or(card.layers))) + "-" + head_stem(head);
}

void read_layer(const Given& given, MapChoice& choice) {
  choice.layer_mean = given.value == "mean";
  if (!choice.layer_mean) choice.layer = read_integer(given, kNumberOrMean);
}

std::optional<int> read_head(const Given& given) {
  if (given.value == "mean") return std::nullopt;
  return read_integer(given, kNumberOrMean);
}

void add_map_flags(Flags& flags, MapChoice& choice) {
  flags.value("--layer", "N|mean", "the layer, counting from 1, or the mean over all (default: the last)",
              [&](const Given& given) { read_layer(given, choice); });
  flags.value("--head", "K|mean", "the head, counting from 0, or the mean over all (default: mean)",
              [&](const Given& given) { choice.head = read_head(given); });
}

std::string head_title(const ModelCard& card, std::optional<int> head) {
  return head ? "Head " + std::to_string(*head) : "Mean of " + std::to_string(card.heads) + " heads";
}

std::string head_stem(std::optional<int> head) { return head ? "head" + std::to_string(*head) : "mean"; }

}  // namespace attnviz::cli
