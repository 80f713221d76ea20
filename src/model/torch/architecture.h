/// What a checkpoint's config.json says about the forward pass; needs no libtorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace attnviz {

enum class Family { bert, distilbert, roberta, gpt2 };

struct Architecture {
  Family family = Family::bert;
  int layers = 0;
  int heads = 0;
  std::int64_t hidden = 0;
  std::int64_t inner = 0;  ///< width of the feed-forward part
  std::int64_t vocabulary = 0;
  std::int64_t positions = 0;   ///< rows of the position embedding
  std::int64_t types = 0;       ///< rows of the token type embedding; 0: none
  std::int64_t padding_id = 0;  ///< RoBERTa counts positions from behind it
  double epsilon = 1e-12;       ///< of the layer norms
  std::string activation;       ///< as transformers names it
  bool scale_by_head_size = true;
  bool scale_by_layer = false;  ///< GPT-2: layer n's scores are divided by n

  [[nodiscard]] std::int64_t head_size() const { return hidden / heads; }
  [[nodiscard]] bool causal() const { return family == Family::gpt2; }
  /// The most tokens that have a position.
  [[nodiscard]] std::size_t max_tokens() const;
  /// What the dot products of layer `layer` (from 1) are multiplied with.
  [[nodiscard]] double scale(int layer) const;
};

/// Missing entries take the defaults of transformers' configuration classes. Throws Error naming the
/// file and the entry that is malformed, or that asks for a variant which is not implemented.
[[nodiscard]] Architecture read_architecture(const std::filesystem::path& config);

}  // namespace attnviz
