/// What stands on top of the layers and makes a prediction of their last states.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "model/torch/activation.h"
#include "model/torch/layers.h"
#include "model/torch/task.h"

namespace attnviz {

class Top {
 public:
  /// Throws Error when a tensor is missing or has another shape than the configuration says.
  Top(const Architecture& architecture, const Task& task, const Weights& weights);

  /// Of the last states [1, tokens, hidden] of the tokens `ids`.
  [[nodiscard]] Prediction operator()(const at::Tensor& states, std::span<const std::int64_t> ids) const;

 private:
  [[nodiscard]] std::int64_t place(std::span<const std::int64_t> ids) const;

  Task task_;
  bool last_token_;
  std::optional<Norm> norm_;
  std::optional<Linear> projection_, pooler_;
  Activation activation_ = nullptr;
  Linear logits_;
};

}  // namespace attnviz
