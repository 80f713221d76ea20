/// A model's parameters, bound by the names that its architecture gives them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "model/torch/architecture.h"
#include "model/torch/weights.h"

namespace attnviz {

/// states [..., inputs] → [..., outputs]
struct Linear {
  ParameterPointer weight;
  ParameterPointer bias;     ///< null: none
  bool input_major = false;  ///< stored as [inputs, outputs], as GPT-2 does

  [[nodiscard]] at::Tensor operator()(const at::Tensor& states) const;
  /// Only `count` outputs from `first` on.
  [[nodiscard]] at::Tensor part(const at::Tensor& states, std::int64_t first, std::int64_t count) const;
  /// Only the outputs that `chosen` (int64, on the CPU) lists.
  [[nodiscard]] at::Tensor select(const at::Tensor& states, const at::Tensor& chosen) const;
  /// What the inputs from `first` on, as many as `some` holds, add to the outputs; without the bias.
  [[nodiscard]] at::Tensor share(const at::Tensor& some, std::int64_t first) const;
};

struct Norm {
  ParameterPointer weight;
  ParameterPointer bias;  ///< null: none
  NormKind kind = NormKind::layer;
  double epsilon = 0;

  [[nodiscard]] at::Tensor operator()(const at::Tensor& states) const;
};

/// To the vectors of heads; head h's are the outputs [first + h · stride, first + h · stride + head_size).
struct Projection {
  Linear linear;
  std::int64_t heads = 0, head_size = 0;
  std::int64_t first = 0, stride = 0;
  std::optional<Norm> norm = {};  ///< of each vector

  /// [sentences, tokens, inputs] → [sentences, heads, tokens, head_size]; only of the heads that `chosen`
  /// (int64, on the CPU) lists, where it is defined.
  [[nodiscard]] at::Tensor operator()(const at::Tensor& states, const at::Tensor& chosen = {}) const;
};

struct AttentionBlock {
  Projection query, key, value;
  Linear output;
  Norm norm;  ///< before or behind it
};

struct Layer {
  AttentionBlock self;
  std::optional<AttentionBlock> cross;
  std::optional<Linear> gate;
  Linear inner, outer;  ///< the feed-forward part
  Norm output_norm;
};

/// Of parts that the architecture has not, nothing.
struct Embeddings {
  ParameterPointer words, positions, types;  ///< no positions: the file has none, or they are computed
  std::optional<Linear> word_projection, projection;
  std::optional<Norm> norm;
  ParameterPointer relative_bias;  ///< [buckets, heads]
};

/// Throw Error when a tensor is missing or has another shape than the configuration says.
[[nodiscard]] Embeddings bind_embeddings(const Architecture& architecture, const Weights& weights);
[[nodiscard]] std::vector<Layer> bind_layers(const Architecture& architecture, const Weights& weights);
[[nodiscard]] std::optional<Norm> bind_final_norm(const Architecture& architecture, const Weights& weights);

}  // namespace attnviz
