// analysis_dump: everything the analysis room computes, for the comparison with independent computations.
//
//   analysis_dump FILE.safetensors     prints one JSON object
//
// The file holds `attention`, float32 [layers, heads, tokens, tokens], of layers from 1 and heads from 0 on;
// its metadata say "causal" ("true" or not) and "labels", a JSON list of [mark, text, special] a token.
#include <cstring>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "attnviz/analysis.h"

namespace {

using attnviz::Attention;
using nlohmann::json;

Attention read_attention(const attnviz::Safetensors& file) {
  const attnviz::TensorView& tensor = file.tensors().at("attention");
  Attention attention;
  attention.layers.resize(static_cast<std::size_t>(tensor.shape.at(0)));
  attention.heads.resize(static_cast<std::size_t>(tensor.shape.at(1)));
  attention.queries = static_cast<std::size_t>(tensor.shape.at(2));
  attention.keys = static_cast<std::size_t>(tensor.shape.at(3));
  attention.causal = file.metadata().at("causal") == "true";
  attention.weights.resize(tensor.bytes.size() / sizeof(float));
  std::memcpy(attention.weights.data(), tensor.bytes.data(), tensor.bytes.size());
  std::iota(attention.layers.begin(), attention.layers.end(), 1);
  std::iota(attention.heads.begin(), attention.heads.end(), 0);
  return attention;
}

json heads_of(const Attention& attention, const std::vector<attnviz::TokenLabel>& labels) {
  json heads = json::array();
  for (const attnviz::HeadMetrics& m : head_metrics(attention, labels)) {
    heads.push_back({{"layer", m.layer},
                     {"head", m.head},
                     {"entropy", m.entropy},
                     {"locality", m.locality},
                     {"first_token", m.first_token},
                     {"diagonal", m.diagonal},
                     {"last_row_entropy", m.last_row_entropy},
                     {"distance_score", m.distance_score},
                     {"punctuation", m.punctuation},
                     {"distance_score_per_row", m.distance_score_per_row},
                     {"previous", m.previous},
                     {"next", m.next},
                     {"special", m.special},
                     {"mean_distance", m.mean_distance},
                     {"labels", labels_of(m, {})}});
  }
  return heads;
}

/// Of each layer's head mean.
json connections_of(const Attention& attention, const std::vector<attnviz::TokenLabel>& labels) {
  json all = json::array();
  for (const int layer : attention.layers) {
    const std::vector<float> mean = head_mean(attention, layer);
    json found = json::array();
    for (const attnviz::Connection& c : connections({mean, attention.keys}, labels, 0.1)) {
      found.push_back({c.from, c.to, c.weight, name_of(c.kind)});
    }
    all.push_back(found);
  }
  return all;
}

json dump(const attnviz::Safetensors& file) {
  const Attention attention = read_attention(file);
  std::vector<attnviz::TokenLabel> labels;
  for (const json& label : json::parse(file.metadata().at("labels"))) {
    labels.push_back({label[0], label[1], label[2]});
  }
  json layers = json::array();
  for (const attnviz::LayerMetrics& m : layer_metrics(attention)) {
    layers.push_back({{"layer", m.layer}, {"mean_weight", m.mean_weight}, {"entropy", m.entropy}});
  }
  json found = {{"heads", heads_of(attention, labels)},
                {"layers", layers},
                {"uniform_entropy", attnviz::uniform_entropy(attention.keys, attention.causal)},
                {"received", received(attention)},
                {"connections", connections_of(attention, labels)},
                {"rollout", rollout(attention)},
                {"rollout_of_head_0", rollout(attention, 0).back()}};
  if (attention.keys <= attnviz::kMostFlowTokens) found["flow"] = attention_flow(attention);
  return found;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count != 2) {
      std::cerr << "usage: analysis_dump FILE.safetensors\n";
      return 2;
    }
    std::cout << dump(attnviz::Safetensors(arguments[1])) << '\n';
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
  return 0;
}
