/// What turns queries and keys into weights beside their product: rotations, masks, a bias by distance.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <map>
#include <optional>

#include "model/torch/architecture.h"
#include "model/torch/layers.h"
#include "model/torch/not_finite.h"
#include "model/torch/runtime.h"

namespace attnviz {

/// Which keys a query may not look at.
struct Mask {
  std::optional<at::Tensor> hidden;   ///< bool, broadcast over [sentences, heads, queries, keys]; unset: none
  std::optional<at::Tensor> visible;  ///< the opposite, for the fused kernel
  bool only_future = false;           ///< hidden is all above the diagonal, which that kernel knows by itself
};

/// What a batch's scores need; made once, used in every layer. `eager`: masks are added as eager attention
/// adds them, so that what is not finite becomes what it makes of it, and no fused kernel runs.
class Scores {
 public:
  /// Of a stack's own tokens.
  Scores(const Architecture& architecture, const Embeddings& embeddings, const Batch& batch,
         c10::Device device, bool eager);

  /// Of a decoder's tokens with those of `source`, which have no place in its order.
  Scores(const Batch& source, c10::Device device, bool eager);

  /// Queries or keys [sentences, heads, tokens, head_size], turned by their positions.
  [[nodiscard]] at::Tensor rotated(const at::Tensor& vectors) const;

  /// The weights [sentences, heads, queries, keys]; `heads` (int64, on the CPU) says which these are, or is
  /// undefined for all.
  [[nodiscard]] at::Tensor maps(const at::Tensor& query, const at::Tensor& key, const LayerPlan& layer,
                                const at::Tensor& heads) const;

  /// The attention's output, of all heads, through a fused kernel that never holds a map.
  [[nodiscard]] at::Tensor attended(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                    const LayerPlan& layer) const;

  /// Of one sentence's head `head`, whose vectors these are: the first score that is not finite.
  [[nodiscard]] std::optional<BadScore> find_bad(const at::Tensor& query, const at::Tensor& key,
                                                 const LayerPlan& layer, std::int64_t head) const;

  /// The length of the bias as one vector; undefined where there is none.
  [[nodiscard]] const at::Tensor& size_of_bias() const { return size_of_bias_; }

 private:
  [[nodiscard]] at::Tensor unmasked(const at::Tensor& query, const at::Tensor& key, const LayerPlan& layer,
                                    const at::Tensor& heads) const;
  void hide(const Mask& mask, at::Tensor& scores) const;
  [[nodiscard]] Mask make_mask(const Batch& batch, bool causal, std::int64_t window) const;
  [[nodiscard]] const Mask& mask(const LayerPlan& layer) const;

  c10::Device device_;
  std::int64_t tokens_;                 ///< that are keys
  at::Tensor cosines_, sines_;          ///< [tokens, rotated numbers]; undefined: no rotation
  std::optional<at::Tensor> bias_;      ///< [heads, queries, keys]; of a causal stack, it hides the future
  at::Tensor size_of_bias_;
  std::map<std::int64_t, Mask> masks_;  ///< by window; 0: one that hides nothing here
  bool eager_ = false, mask_replaces_ = false, scales_queries_ = false;
};

}  // namespace attnviz
