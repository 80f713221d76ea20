#include "model/torch/architecture.h"

#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "attnviz/error.h"
#include "attnviz/file.h"

namespace attnviz {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

std::optional<Family> family_of(std::string_view model_type) {
  if (model_type == "bert") return Family::bert;
  if (model_type == "distilbert") return Family::distilbert;
  if (model_type == "roberta") return Family::roberta;
  if (model_type == "gpt2") return Family::gpt2;
  return std::nullopt;
}

/// Entries of one config.json, with errors that name it.
class Config {
 public:
  explicit Config(fs::path path) : path_(std::move(path)) {
    try {
      entries_ = Json::parse(read_file(path_));
    } catch (const Json::parse_error& error) {
      throw Error(path_.string() + ": not JSON: " + error.what());
    }
    if (!entries_.is_object()) throw Error(path_.string() + ": expected a JSON object");
  }

  /// The first of `names` that is there and not null, else `fallback`.
  template <class Value>
  Value get(std::initializer_list<const char*> names, Value fallback) const {
    for (const char* name : names) {
      const auto entry = entries_.find(name);
      if (entry == entries_.end() || entry->is_null()) continue;
      try {
        return entry->get<Value>();
      } catch (const Json::type_error&) {
        throw Error(path_.string() + ": " + name + ": unusable value " + entry->dump());
      }
    }
    return fallback;
  }

  /// A size, which must be positive and small enough to be one.
  std::int64_t size(std::initializer_list<const char*> names, std::int64_t fallback) const {
    constexpr std::int64_t kMost = 1 << 24;
    const auto value = get<std::int64_t>(names, fallback);
    if (value >= 1 && value <= kMost) return value;
    throw Error(path_.string() + ": " + *names.begin() + ": expected 1 to " + std::to_string(kMost) +
                ", got " + std::to_string(value));
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(path_.string() + ": " + what + " is not implemented by the checkpoint backend",
                "export it with scripts/export_model.py and use --backend torchscript");
  }

 private:
  fs::path path_;
  Json entries_;
};

void refuse_variants(const Config& config) {
  const auto positions = config.get<std::string>({"position_embedding_type"}, "absolute");
  if (positions != "absolute") config.refuse("position_embedding_type " + positions);
  for (const char* flag : {"is_decoder", "add_cross_attention", "is_encoder_decoder"}) {
    if (config.get<bool>({flag}, false)) config.refuse(std::string(flag) + " true");
  }
  if (!config.get<Json>({"pruned_heads"}, Json::object()).empty()) config.refuse("pruned_heads");
  if (!config.get<Json>({"quantization_config"}, Json::object()).empty()) {
    config.refuse("quantization_config");
  }
}

void read_bert(const Config& config, Architecture& read) {
  read.layers = static_cast<int>(config.size({"num_hidden_layers"}, 12));
  read.heads = static_cast<int>(config.size({"num_attention_heads"}, 12));
  read.hidden = config.size({"hidden_size"}, 768);
  read.inner = config.size({"intermediate_size"}, 3072);
  read.positions = config.size({"max_position_embeddings"}, 512);
  read.types = config.size({"type_vocab_size"}, 2);
  read.epsilon = config.get<double>({"layer_norm_eps"}, 1e-12);
  read.activation = config.get<std::string>({"hidden_act"}, "gelu");
  const bool roberta = read.family == Family::roberta;
  read.vocabulary = config.size({"vocab_size"}, roberta ? 50265 : 30522);
  read.padding_id = config.get<std::int64_t>({"pad_token_id"}, roberta ? 1 : 0);
}

void read_distilbert(const Config& config, Architecture& read) {
  read.layers = static_cast<int>(config.size({"n_layers", "num_hidden_layers"}, 6));
  read.heads = static_cast<int>(config.size({"n_heads", "num_attention_heads"}, 12));
  read.hidden = config.size({"dim", "hidden_size"}, 768);
  read.inner = config.size({"hidden_dim"}, 3072);
  read.vocabulary = config.size({"vocab_size"}, 30522);
  read.positions = config.size({"max_position_embeddings"}, 512);
  read.activation = config.get<std::string>({"activation"}, "gelu");
}

void read_gpt2(const Config& config, Architecture& read) {
  read.layers = static_cast<int>(config.size({"n_layer", "num_hidden_layers"}, 12));
  read.heads = static_cast<int>(config.size({"n_head", "num_attention_heads"}, 12));
  read.hidden = config.size({"n_embd", "hidden_size"}, 768);
  read.inner = config.size({"n_inner"}, 4 * read.hidden);
  read.vocabulary = config.size({"vocab_size"}, 50257);
  read.positions = config.size({"n_positions", "max_position_embeddings"}, 1024);
  read.epsilon = config.get<double>({"layer_norm_epsilon"}, 1e-5);
  read.activation = config.get<std::string>({"activation_function"}, "gelu_new");
  read.scale_by_head_size = config.get<bool>({"scale_attn_weights"}, true);
  // reorder_and_upcast_attn changes the order of operations only in half precision.
  read.scale_by_layer = config.get<bool>({"scale_attn_by_inverse_layer_idx"}, false);
}

}  // namespace

std::size_t Architecture::max_tokens() const {
  return static_cast<std::size_t>(family == Family::roberta ? positions - padding_id - 1 : positions);
}

double Architecture::scale(int layer) const {
  const double by_head = scale_by_head_size ? 1 / std::sqrt(static_cast<double>(head_size())) : 1;
  return scale_by_layer ? by_head / layer : by_head;
}

Architecture read_architecture(const fs::path& path) {
  const Config config(path);
  const auto model_type = config.get<std::string>({"model_type"}, "");
  const std::optional<Family> family = family_of(model_type);
  if (!family) config.refuse("model_type \"" + model_type + "\"");
  refuse_variants(config);
  Architecture read;
  read.family = *family;
  switch (*family) {
    case Family::bert:
    case Family::roberta:
      read_bert(config, read);
      break;
    case Family::distilbert:
      read_distilbert(config, read);
      break;
    case Family::gpt2:
      read_gpt2(config, read);
      break;
  }
  if (read.hidden % read.heads != 0) {
    throw Error(path.string() + ": " + std::to_string(read.heads) + " heads do not divide a width of " +
                std::to_string(read.hidden));
  }
  if (read.family == Family::roberta && (read.padding_id < 0 || read.padding_id + 1 >= read.positions)) {
    throw Error(path.string() + ": pad_token_id " + std::to_string(read.padding_id) +
                ": leaves no positions of " + std::to_string(read.positions));
  }
  return read;
}

}  // namespace attnviz
