#include "model/torch/activation.h"

#include <ATen/ops/gelu.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/mish.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/relu6.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>

#include <string>
#include <utility>

#include "attnviz/error.h"

namespace attnviz {
namespace {

using States = at::Tensor;

at::Tensor gelu(States states) { return at::gelu_(states); }
at::Tensor gelu_tanh(States states) { return at::gelu_(states, "tanh"); }

// transformers has five names for the tanh approximation, which differ in rounding only.
constexpr std::pair<std::string_view, Activation> kActivations[] = {
    {"gelu", gelu},
    {"gelu_python", gelu},
    {"gelu_new", gelu_tanh},
    {"gelu_fast", gelu_tanh},
    {"gelu_accurate", gelu_tanh},
    {"gelu_pytorch_tanh", gelu_tanh},
    {"gelu_python_tanh", gelu_tanh},
    {"gelu_10", [](States states) { return at::gelu_(states).clamp_(-10, 10); }},
    {"quick_gelu", [](States states) { return at::sigmoid(states.mul(1.702)).mul_(states); }},
    {"relu", [](States states) { return at::relu_(states); }},
    {"relu2", [](States states) { return at::relu_(states).square_(); }},
    {"relu6", [](States states) { return at::relu6_(states); }},
    {"leaky_relu", [](States states) { return at::leaky_relu_(states); }},
    {"silu", [](States states) { return at::silu_(states); }},
    {"swish", [](States states) { return at::silu_(states); }},
    {"mish", [](States states) { return at::mish_(states); }},
    {"hardswish", [](States states) { return at::hardswish_(states); }},
    {"sigmoid", [](States states) { return states.sigmoid_(); }},
    {"tanh", [](States states) { return states.tanh_(); }},
    {"linear", [](States states) { return states; }},
};

}  // namespace

Activation find_activation(std::string_view wanted) {
  std::string known;
  for (const auto& [name, activation] : kActivations) {
    if (name == wanted) return activation;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw Error("activation \"" + std::string(wanted) +
                  "\": not implemented by the checkpoint backend, expected one of " + known,
              "export the model with scripts/export_model.py and use --backend torchscript");
}

}  // namespace attnviz
