/// What a checkpoint's config.json says it predicts; needs no libtorch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attnviz/model.h"
#include "model/torch/architecture.h"

namespace attnviz {

struct Task {
  Prediction::Kind kind = Prediction::Kind::one_label;
  std::vector<std::string> labels = {};  ///< of a classifier
  std::int64_t padding_id = -1;          ///< a decoder's classifier reads the last other token
};

/// Throws Error naming the file: its class neither sorts texts nor continues them, or an entry is malformed.
[[nodiscard]] Task read_task(const Config& config, const Architecture& architecture);

}  // namespace attnviz
