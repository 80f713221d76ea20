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
  AttentionPart part = AttentionPart::encoder;
  std::vector<int> layers;  ///< from 1, in the order asked for
  std::vector<int> heads;   ///< from 0, in the order asked for
  int deepest = 0;
  bool with_query_key = false;
  WeightKind kind = WeightKind::attention;
  std::vector<HeadPlace> ablated;
  bool eager = false;  ///< no fused kernel: slower, and what is not finite goes where eager attention lets it
  std::size_t head_size = 0;       ///< of the vectors, where they can be taken out,
  std::vector<double> dot_scales;  ///< and of each of `layers`, what their dot products are multiplied with,
  std::vector<std::size_t> windows;  ///< and how many of them a query sees
};

/// Throws Error: "layer 13: minilm has layers 1 to 6", or for a part that it has not.
[[nodiscard]] Request checked(const Selection& selection, const ModelCard& card);

/// Throws Error: a head that the part has not.
void check(std::span<const HeadPlace> ablated, const ModelCard& card,
           AttentionPart part = AttentionPart::encoder);

/// How many different ids there are; 0 where that is unknown.
struct Vocabulary {
  std::int64_t ids = 0;
  std::int64_t types = 0;
};

/// Throws Error for an empty encoding, one of more tokens than the model takes, or an unknown id.
void check(std::span<const Encoding> encodings, const ModelCard& card, const Vocabulary& vocabulary);

/// Whose tokens a part's queries and keys are.
struct Texts {
  std::span<const Encoding> queries, keys;
};

/// Results with their numbers and sizes filled in and room for the weights.
[[nodiscard]] std::vector<Attention> make_results(const Texts& texts, const Request& request,
                                                  const ModelCard& card);

}  // namespace attnviz
