/// Rotary positions as config.json describes them; needs no libtorch.
#pragma once

#include "model/torch/architecture.h"

namespace attnviz {

/// What a family calls the entries that older configurations hold beside rope_scaling.
struct RotaryEntries {
  const char* theta = "rope_theta";
  const char* share = "partial_rotary_factor";
  double default_share = 1;  ///< of each head's numbers that are rotated
};

/// From rope_parameters, as transformers 5 writes them, or rope_theta and rope_scaling, as older versions
/// did; where both are there, transformers takes rope_scaling. Of the kinds of scaling it knows default,
/// linear, dynamic (which changes nothing up to max_position_embeddings), llama3 and yarn (Peng et al. 2024);
/// others are refused by name, as are rotations by kinds of layers.
[[nodiscard]] Rotary read_rotary(const Config& config, const Architecture& read,
                                 const RotaryEntries& entries = {});

}  // namespace attnviz
