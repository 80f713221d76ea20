/// view_parts: the view of a text whose model ran.
#pragma once

#include <vector>

#include "attnviz/figure.h"
#include "cli/job.h"

namespace attnviz::cli {

/// All that the subject's attention holds, the last of its layers and all of its heads in sight. It borrows
/// from the subject, whose tokens shown are chosen.
[[nodiscard]] View view_of(const Subject& subject, View::Kind kind);

/// The bytes that the numbers of one layer take in a page.
[[nodiscard]] std::size_t bytes_of_a_layer(const Attention& attention);

/// Leaves these layers of it.
void keep_layers(Attention& attention, const std::vector<int>& layers);

/// As many layers about `layer` as fit into `bytes`, in their order; always that one.
[[nodiscard]] std::vector<int> layers_that_fit(const Attention& attention, int layer, std::size_t bytes);

}  // namespace attnviz::cli
