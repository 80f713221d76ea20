#include "model/torch/architecture.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "model/torch/families/families.h"

namespace attnviz {
namespace {

constexpr const Family* kFamilies[] = {&kBert,       &kRoberta, &kDistilbert, &kElectra, &kAlbert,  &kMpnet,
                                       &kT5,         &kMt5,     &kBart,       &kMbart,   &kMarian,  &kPegasus,
                                       &kBlenderbot, &kGpt2,    &kGptNeo,     &kLlama,   &kMistral, &kQwen2,
                                       &kQwen3,      &kGptNeox, &kOpt,        &kGemma};

const Family* family_of(std::string_view model_type) {
  for (const Family* family : kFamilies) {
    const auto& types = family->model_types;
    if (std::find(types.begin(), types.end(), model_type) != types.end()) return family;
  }
  return nullptr;
}

void refuse_variants(const Config& config, bool encoder_decoder) {
  const std::string positions = config.text({"position_embedding_type"}, "absolute");
  if (positions != "absolute") config.refuse("position_embedding_type " + positions);
  if (config.flag("add_cross_attention", false)) config.refuse("add_cross_attention true");
  if (!encoder_decoder && config.flag("is_encoder_decoder", false)) config.refuse("is_encoder_decoder true");
  // The last three send transformers to other files, or to other sizes in some layers.
  for (const char* entry : {"pruned_heads", "quantization_config", "fusion_config", "configuration_files",
                            "transformers_weights", "per_layer_config"}) {
    if (config.asks_for(entry)) config.refuse(entry);
  }
}

}  // namespace

Architecture read_architecture(const Config& config) {
  const std::string model_type = config.text({"model_type"}, "");
  const Family* const family = family_of(model_type);
  if (!family) config.refuse("model_type \"" + model_type + "\"");
  refuse_variants(config, family->encoder_decoder);
  return family->read(config);
}

std::string Architecture::anchor() const {
  return (names.other_words.empty() ? names.words : layers.front().prefix + names.query) + ".weight";
}

std::int64_t relative_bucket(const Architecture& architecture, std::int64_t distance) {
  const bool two_sided = !architecture.only_before;
  const std::int64_t count = two_sided ? architecture.buckets / 2 : architecture.buckets, exact = count / 2;
  const std::int64_t side = two_sided && distance > 0 ? count : 0;
  const std::int64_t away = two_sided ? std::abs(distance) : std::max<std::int64_t>(-distance, 0);
  if (away < exact) return side + away;
  // In single precision, as the models were trained: at powers of two rounding decides.
  const auto ratio = static_cast<float>(architecture.furthest) / static_cast<float>(exact);
  const float logarithm = std::log(static_cast<float>(away) / static_cast<float>(exact)) / std::log(ratio);
  const auto further = static_cast<std::int64_t>(logarithm * static_cast<float>(count - exact));
  return side + std::min(exact + further, count - 1);
}

Architecture read_sizes(const Config& config, const Keys& keys, const Defaults& defaults,
                        const std::string& layer_prefix) {
  constexpr Keys kUsual;
  constexpr std::int64_t kMost = Config::kMostLayersOrHeads;
  Architecture read;
  read.heads = read.key_heads = config.size({kUsual.heads, keys.heads}, defaults.heads, kMost);
  read.hidden = read.embedding = config.size({kUsual.hidden, keys.hidden}, defaults.hidden);
  read.inner = config.size({keys.inner}, defaults.inner > 0 ? defaults.inner : 4 * read.hidden,
                           4 * Config::kLargestSize);
  read.vocabulary = config.size({"vocab_size"}, defaults.vocabulary);
  read.positions = config.size({kUsual.positions, keys.positions}, defaults.positions);
  read.epsilon = keys.epsilon ? config.number({keys.epsilon}, defaults.epsilon) : defaults.epsilon;
  if (read.epsilon < 0) config.fault("the layer norms' epsilon is negative");
  read.activation = defaults.activation;
  if (keys.activation) read.activation = config.text({keys.activation}, defaults.activation);
  set_layers(config.size({kUsual.layers, keys.layers}, defaults.layers, kMost), layer_prefix, read);
  return read;
}

bool masks_the_future(const Config& config) { return config.flag("is_causal", true); }

std::int64_t width_of_window(const Architecture& read, std::int64_t sliding_window) {
  return read.causal || sliding_window == 0 ? sliding_window : sliding_window + 1;
}

TopPlan top_of_decoder(const Config& config, bool tied) {
  return {.next_token = "lm_head",
          .tied = config.flag("tie_word_embeddings", tied),
          .classifier = "score",
          .last_token = true};
}

void set_layers(std::int64_t count, const std::string& prefix, Architecture& read) {
  read.layers.clear();
  for (std::int64_t i = 0; i < count; ++i) {
    read.layers.push_back({.prefix = prefix + std::to_string(i) + "."});
  }
}

bool is_encoder_alone(const Config& config) {
  const std::vector<std::string> classes = config.texts("architectures");
  return classes.size() == 1 && (classes.front().ends_with("EncoderModel") ||
                                 classes.front().ends_with("ForTokenClassification"));
}

void set_head_size(std::int64_t head_size, Architecture& read) {
  read.head_size = head_size;
  for (LayerPlan& layer : read.layers) layer.scale = 1 / std::sqrt(static_cast<double>(head_size));
}

std::int64_t divided_width(const Config& config, const Architecture& read) {
  if (read.hidden % read.heads == 0) return read.hidden / read.heads;
  config.fault(std::to_string(read.heads) + " heads do not divide a width of " + std::to_string(read.hidden));
}

void count_positions_from_padding(const Config& config, std::int64_t padding_id, Architecture& read) {
  if (padding_id < 0 || padding_id + 1 >= read.positions) {
    config.fault("pad_token_id " + std::to_string(padding_id) + ": leaves no positions of " +
                 std::to_string(read.positions));
  }
  read.uncounted_id = padding_id;
  read.first_position = padding_id + 1;
}

}  // namespace attnviz
