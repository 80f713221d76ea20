/// A TorchScript module, loaded from memory, that gives the same however often it runs.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/core/Device.h>
#include <torch/csrc/jit/api/module.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace attnviz {

/// The tensors in a nest of tuples, lists and dictionaries, in order.
[[nodiscard]] std::vector<at::Tensor> tensors_in(const c10::IValue& value);

class ScriptModule {
 public:
  /// Opens the file as open_program() does. Throws Error for what libtorch does not take, and for a program
  /// that is not trusted and too large once its calls are put in place, or that changes what lasts.
  ScriptModule(const std::filesystem::path& path, bool trusted, c10::Device device);

  [[nodiscard]] const torch::jit::Module& module() const { return module_; }

  /// Throws Error when a weight, buffer or constant was written to, then or before.
  [[nodiscard]] c10::IValue forward(std::vector<c10::IValue> arguments);

 private:
  struct Kept {
    at::Tensor tensor;
    std::int64_t version = 0;  ///< grows with every operator that writes to it or to a view of it
  };

  void check_graphs(bool trusted);
  void keep(const c10::IValue& value);
  void check_unchanged() const;

  std::string path_;
  torch::jit::Module module_;
  std::vector<Kept> kept_;
};

}  // namespace attnviz
