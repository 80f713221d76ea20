/// A checkpoint's weights: mapped, wrapped, and turned into float32 on the device only when used.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/attention.h"

namespace attnviz {

/// One tensor of a checkpoint.
class Parameter {
 public:
  Parameter(at::Tensor stored, c10::Device device) : stored_(std::move(stored)), device_(device) {}

  /// float32 on the device: the mapping itself where it is that already, else converted once and kept.
  [[nodiscard]] const at::Tensor& whole() const;

  /// float32 rows on the device, of an int64 tensor on the CPU; only these rows are read.
  [[nodiscard]] at::Tensor rows(const at::Tensor& indices) const;

 private:
  at::Tensor stored_;
  c10::Device device_;
  mutable at::Tensor whole_;
};

using ParameterPointer = std::shared_ptr<const Parameter>;

/// The tensors of a checkpoint's encoder, by the names that its bare model gives them.
class Weights {
 public:
  /// `anchor` is a tensor every model of the family has: what stands before it in the file is the prefix
  /// that a fine-tuned model's class put before its encoder's names ("bert.").
  Weights(const std::filesystem::path& directory, std::string_view anchor, c10::Device device);

  /// Throws Error naming file and tensor when it is missing, has another shape or is not floating point.
  [[nodiscard]] ParameterPointer get(const std::string& name, const std::vector<std::int64_t>& shape) const;

 private:
  [[nodiscard]] const TensorView& find(const std::string& name, const std::vector<std::int64_t>& shape) const;

  Safetensors file_;
  std::string path_;
  std::string prefix_;
  c10::Device device_;
};

}  // namespace attnviz
