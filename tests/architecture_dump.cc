// architecture_dump DIRECTORY < configs.jsonl: what is read of each line as a config.json, for the comparison
// with transformers' configuration classes: an object a line with the architecture and the card, or "error".
// DIRECTORY is where a model would lie.
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "attnviz/catalog.h"
#include "attnviz/error.h"
#include "model/torch/architecture.h"
#include "model/torch/task.h"

namespace {

using Json = nlohmann::json;

Json json_of(const attnviz::Architecture& is) {
  Json windows = Json::array(), scales = Json::array(), prefixes = Json::array();
  for (const attnviz::LayerPlan& layer : is.layers) {
    windows.push_back(layer.window);
    scales.push_back(layer.scale);
    prefixes.push_back(layer.prefix);
  }
  Json all = {{"layers", is.layers.size()},
              {"heads", is.heads},
              {"key_heads", is.key_heads},
              {"head_size", is.head_size},
              {"hidden", is.hidden},
              {"embedding", is.embedding},
              {"inner", is.inner},
              {"vocabulary", is.vocabulary},
              {"types", is.types},
              {"causal", is.causal},
              {"positions", is.positions},
              {"first_position", is.first_position},
              {"uncounted_id", is.uncounted_id},
              {"frequencies", is.rotary.frequencies},
              {"rotary_factor", is.rotary.factor},
              {"buckets", is.buckets},
              {"furthest", is.furthest},
              {"norm_first", is.order != attnviz::NormOrder::behind},
              {"parallel", is.order == attnviz::NormOrder::parallel},
              {"epsilon", is.epsilon},
              {"activation", is.activation},
              {"word_scale", is.word_scale},
              {"projection_bias", is.projection_bias},
              {"output_bias", is.output_bias},
              {"feed_forward_bias", is.feed_forward_bias},
              {"gated", !is.names.gate.empty()},
              {"final_norm", !is.names.final_norm.empty()},
              {"tied", is.top.tied},
              {"windows", windows},
              {"scales", scales},
              {"prefixes", prefixes},
              {"max_tokens", is.max_tokens()}};
  if (is.decoder) all["decoder"] = json_of(*is.decoder);
  return all;
}

Json json_of(const attnviz::ModelCard& card) {
  return {{"layers", card.layers},
          {"heads", card.heads},
          {"hidden", card.hidden},
          {"head_size", card.head_size},
          {"inner", card.inner},
          {"gated", card.gated},
          {"window", card.window},
          {"causal", card.causal},
          {"max_tokens", card.max_tokens},
          {"decoder_layers", card.decoder_layers},
          {"decoder_heads", card.decoder_heads},
          {"decoder_inner", card.decoder_inner},
          {"decoder_causal", card.decoder_causal},
          {"start", card.decoder_start_id}};
}

Json json_of(const attnviz::Task& task) {
  return {{"kind", static_cast<int>(task.kind)}, {"labels", task.labels}, {"padding_id", task.padding_id}};
}

template <class Read>
Json result_of(Read&& read) {
  try {
    return json_of(read());
  } catch (const attnviz::Error& error) {
    return {{"error", error.what()}};
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: architecture_dump DIRECTORY < configs.jsonl\n";
    return 2;
  }
  const std::string directory = arguments[1];
  std::ofstream(directory + "/model.safetensors");
  for (std::string line; std::getline(std::cin, line);) {
    std::ofstream(directory + "/config.json") << line;
    const Json read = {
        {"architecture", result_of([&] { return read_architecture(attnviz::Config(line, "config.json")); })},
        {"task", result_of([&] {
           const attnviz::Config config(line, "config.json");
           return read_task(config, read_architecture(config));
         })},
        {"card", result_of([&] { return attnviz::read_card(directory); })}};
    std::cout << read.dump() << '\n';
  }
  return 0;
}
