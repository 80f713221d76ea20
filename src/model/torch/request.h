/// What is asked of a model, checked against what the model has; needs no libtorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "attnviz/model.h"

namespace attnviz {

/// A Selection with "all" spelled out, every number in range.
struct Request {
  std::vector<int> layers;  ///< from 1, in the order asked for
  std::vector<int> heads;   ///< from 0, in the order asked for
  int deepest = 0;
  bool with_query_key = false;
  WeightKind kind = WeightKind::attention;
  std::vector<HeadPlace> ablated;
  std::size_t head_size = 0;  ///< of the vectors, where they can be taken out
};

/// Throws Error: "layer 13: minilm has layers 1 to 6".
[[nodiscard]] Request checked(const Selection& selection, const ModelCard& card);

/// Throws Error: a head that the model has not.
void check(std::span<const HeadPlace> ablated, const ModelCard& card);

/// How many different ids there are; 0 where that is unknown.
struct Vocabulary {
  std::int64_t ids = 0;
  std::int64_t types = 0;
};

/// Throws Error for an empty encoding, one of more tokens than the model takes, or an unknown id.
void check(std::span<const Encoding> encodings, const ModelCard& card, const Vocabulary& vocabulary);

/// Results with their numbers and sizes filled in and room for the weights.
[[nodiscard]] std::vector<Attention> make_results(std::span<const Encoding> encodings, const Request& request,
                                                  const ModelCard& card);

}  // namespace attnviz
