/// The activation functions of the feed-forward part, by the names that transformers gives them.
#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>

namespace attnviz {

using Activation = at::Tensor (*)(const at::Tensor& states);

/// Throws Error listing the known ones.
[[nodiscard]] Activation find_activation(std::string_view name);

}  // namespace attnviz
