/// A checkpoint's weights: mapped, wrapped, and turned into what the layers compute in, on the device, only
/// when used.
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

/// Room for weights that are converted to `type` for one use. It is taken again when nothing refers to it
/// any longer: fresh pages cost several times what the conversion does.
class Scratch {
 public:
  explicit Scratch(at::ScalarType type) : type_(type) {}

  [[nodiscard]] at::ScalarType type() const { return type_; }
  [[nodiscard]] at::Tensor converted(const at::Tensor& stored);

 private:
  at::ScalarType type_;
  std::vector<at::Tensor> rooms_;
};

/// One tensor of a checkpoint.
class Parameter {
 public:
  Parameter(at::Tensor stored, c10::Device device, std::shared_ptr<Scratch> scratch)
      : stored_(std::move(stored)), device_(device), scratch_(std::move(scratch)) {}

  // All give what the layers compute in, on the device: the mapping itself where it is that already.
  // Otherwise it is converted at each use on the CPU, so that no more than one layer is held twice; a GPU
  // keeps what was sent to it.

  [[nodiscard]] at::Tensor whole() const;

  /// `count` of dimension `dimension`, from `first` on.
  [[nodiscard]] at::Tensor part(std::int64_t dimension, std::int64_t first, std::int64_t count) const;

  /// Those of dimension `dimension` that `chosen` lists (int64, on the CPU).
  [[nodiscard]] at::Tensor select(std::int64_t dimension, const at::Tensor& chosen) const;

  /// Rows of which only these are read, and sent to a GPU; `chosen` is int64 on the CPU.
  [[nodiscard]] at::Tensor rows(const at::Tensor& chosen) const;

 private:
  [[nodiscard]] const at::Tensor& on_device() const;
  [[nodiscard]] at::Tensor converted(const at::Tensor& some) const;

  at::Tensor stored_;
  c10::Device device_;
  std::shared_ptr<Scratch> scratch_;
  mutable at::Tensor sent_;
};

using ParameterPointer = std::shared_ptr<const Parameter>;

/// The tensors of a checkpoint's encoder, by the names that its bare model gives them.
class Weights {
 public:
  /// `anchor` is a tensor every model of the family has: what stands before it in the file is the prefix
  /// that a fine-tuned model's class put before its encoder's names ("bert.").
  /// `type` is what the layers compute in.
  Weights(const std::filesystem::path& directory, std::string_view anchor, c10::Device device,
          at::ScalarType type);

  [[nodiscard]] bool has(const std::string& name) const { return locate(prefix_ + name) != nullptr; }

  /// Throws Error naming file and tensor when it is missing, has another shape or is not floating point.
  [[nodiscard]] ParameterPointer get(const std::string& name, const std::vector<std::int64_t>& shape) const {
    return get_named(prefix_ + name, shape);
  }

  /// The same of a tensor beside the encoder, not in it: of what a fine-tuned model's class put on top.
  [[nodiscard]] ParameterPointer get_beside(const std::string& name,
                                            const std::vector<std::int64_t>& shape) const;

 private:
  [[nodiscard]] ParameterPointer get_named(const std::string& name,
                                           const std::vector<std::int64_t>& shape) const;
  [[nodiscard]] const TensorView* locate(const std::string& name) const;  ///< null: there is none
  [[nodiscard]] const TensorView& find(const std::string& name, const std::vector<std::int64_t>& shape) const;

  Safetensors file_;
  std::string path_;
  std::string prefix_;
  c10::Device device_;
  std::shared_ptr<Scratch> scratch_;
};

}  // namespace attnviz
