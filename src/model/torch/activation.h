/// The activation functions of the feed-forward part, by the names that transformers gives them.
#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>

namespace attnviz {

/// Changes `states` in place where that can be, and returns the result.
using Activation = at::Tensor (*)(at::Tensor states);

/// Throws Error listing the known ones.
[[nodiscard]] Activation find_activation(std::string_view name);

}  // namespace attnviz
