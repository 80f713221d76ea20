/// What the numbers are computed from: matrices that fit their labels.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "attnviz/attention.h"
#include "attnviz/text.h"

namespace attnviz {

/// Throws Error unless there is at least one weight, and as many as the attention's sizes say.
void check_sizes(const Attention& attention);

/// The number of tokens. Throws Error unless every token is both a query and a key.
[[nodiscard]] std::size_t tokens_of(const Attention& attention);

/// Throws Error unless there is one label a token.
void check_labels(std::span<const TokenLabel> labels, std::size_t tokens);

/// ½(A + I) of every layer, bottom first; A is one head's matrix, or the mean over heads. Throws Error unless
/// the attention holds all layers from 1 on in their order.
[[nodiscard]] std::vector<std::vector<double>> residual_layers(const Attention& attention,
                                                               std::optional<int> head);

}  // namespace attnviz
