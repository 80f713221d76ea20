#include "model/torch/task.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "attnviz/error.h"

namespace attnviz {
namespace {

using Kind = Prediction::Kind;
using Json = nlohmann::json;

constexpr std::int64_t kMostLabels = 100'000;

/// By id2label, whose keys are the indices; else LABEL_0, LABEL_1, …, two where nothing says how many. Where
/// num_labels says another number, transformers drops the names.
std::vector<std::string> read_labels(const Config& config) {
  const Json& named = config.entry("id2label");
  const bool has_names = config.has("id2label");
  if (has_names && (!named.is_object() || named.empty())) config.fault("id2label: expected {\"0\": name, …}");
  const std::int64_t names = has_names ? static_cast<std::int64_t>(named.size()) : 2;
  const std::int64_t count = config.size({"num_labels"}, names, kMostLabels);
  const bool is_named = has_names && count == names;
  std::vector<std::string> labels;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string index = std::to_string(i);
    if (!is_named) {
      labels.push_back("LABEL_" + index);
      continue;
    }
    const auto label = named.find(index);
    if (label == named.end())
      config.fault("id2label: has " + std::to_string(count) + " labels, but no " + index);
    labels.push_back(label->is_string() ? label->get<std::string>() : label->dump());
  }
  return labels;
}

Kind read_kind(const Config& config, std::size_t labels) {
  const std::string type = config.text({"problem_type"}, "");
  if (type == "multi_label_classification") return Kind::many_labels;
  if (type == "regression") return Kind::value;
  if (type == "single_label_classification") return Kind::one_label;
  if (!type.empty()) config.fault("problem_type: \"" + type + "\" is not known");
  return labels == 1 ? Kind::value : Kind::one_label;
}

}  // namespace

Task read_task(const Config& config, const Architecture& architecture) {
  const std::vector<std::string> classes = config.texts("architectures");
  const std::string name = classes.empty() ? "" : classes[0];
  if (name.ends_with("ForSequenceClassification")) {
    Task task{.labels = read_labels(config)};
    if (!config.is_null("pad_token_id"))
      task.padding_id = config.integer({"pad_token_id"}, architecture.top.padding_id);
    task.kind = read_kind(config, task.labels.size());
    return task;
  }
  const bool continues = name.ends_with("ForCausalLM") || name.ends_with("LMHeadModel");
  if (continues && !architecture.top.next_token.empty()) return {.kind = Kind::next_token};
  throw Error(
      config.thing() + ": architectures: " + (name.empty() ? "none" : "\"" + name + "\"") +
          " predicts nothing of a text, expected one that ends with ForSequenceClassification, or with "
          "ForCausalLM or LMHeadModel",
      "take a checkpoint with a classifier or a language model's head");
}

}  // namespace attnviz
