/// The parameters of each family's layers, under one shape: what differs between BERT and GPT-2 is
/// where the layer norms stand and how the projections are stored.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/torch/architecture.h"
#include "model/torch/weights.h"

namespace attnviz {

/// states [..., inputs] → [..., outputs]
struct Linear {
  ParameterPointer weight;
  ParameterPointer bias;
  bool input_major = false;  ///< stored as [inputs, outputs], as GPT-2 does
  std::int64_t first = 0;    ///< outputs [first, first + outputs) of a fused projection
  std::int64_t outputs = 0;

  /// Only the outputs that `chosen` (int64) lists, where it is defined.
  [[nodiscard]] at::Tensor operator()(const at::Tensor& states, const at::Tensor& chosen = {}) const;
};

struct Norm {
  ParameterPointer weight;
  ParameterPointer bias;
  double epsilon = 0;

  [[nodiscard]] at::Tensor operator()(const at::Tensor& states) const;
};

struct Layer {
  Linear query, key, value;
  Linear output;        ///< of the attention
  Norm attention_norm;  ///< GPT-2: before the attention; else behind it and its residual
  Linear inner, outer;  ///< the feed-forward part
  Norm output_norm;     ///< GPT-2: before the feed-forward part; else behind it and its residual
};

struct Embeddings {
  ParameterPointer words;
  ParameterPointer positions;
  ParameterPointer types;    ///< null where the family has none
  std::optional<Norm> norm;  ///< not in GPT-2
};

/// A tensor that every checkpoint of the family holds.
[[nodiscard]] std::string_view anchor(Family family);

/// Throw Error when a tensor is missing or has another shape than the configuration says.
[[nodiscard]] Embeddings bind_embeddings(const Architecture& architecture, const Weights& weights);
[[nodiscard]] std::vector<Layer> bind_layers(const Architecture& architecture, const Weights& weights);

}  // namespace attnviz
