/// The two ways to run a model.
#pragma once

#include <memory>

#include "attnviz/model.h"

namespace attnviz {

/// Our own forward pass on the mapped checkpoint of `card`.
[[nodiscard]] std::unique_ptr<Model> open_checkpoint(const ModelCard& card, const ModelOptions& options);

/// The directory's model.pt.
[[nodiscard]] std::unique_ptr<Model> open_torchscript(const ModelCard& card, const ModelOptions& options);

}  // namespace attnviz
