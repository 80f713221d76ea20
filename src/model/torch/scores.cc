#include "model/torch/scores.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_softmax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <limits>
#include <vector>

namespace attnviz {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr float kLowest = std::numeric_limits<float>::lowest();  // what eager attention's masks add

/// [heads, tokens, tokens]
at::Tensor bias_by_distance(const Architecture& architecture, const Parameter& rows, std::int64_t tokens) {
  std::vector<std::int64_t> buckets;
  for (std::int64_t distance = 1 - tokens; distance < tokens; ++distance) {
    buckets.push_back(relative_bucket(architecture, distance));
  }
  const at::Tensor by_distance = rows.rows(at::tensor(buckets, at::kLong)).t();  // [heads, distances]
  return by_distance.contiguous().unfold(1, tokens, 1).flip(1);
}

}  // namespace

Scores::Scores(const Architecture& architecture, const Embeddings& embeddings, const Batch& batch,
               c10::Device device, bool eager)
    : device_(device),
      tokens_(batch.ids.size(1)),
      eager_(eager),
      mask_replaces_(architecture.mask_replaces),
      scales_queries_(eager && architecture.scales_queries) {
  if (!architecture.rotary.frequencies.empty()) {
    const at::Tensor frequencies = at::tensor(architecture.rotary.frequencies, at::kFloat);
    const at::Tensor angles = at::outer(at::arange(tokens_, at::kFloat), frequencies).repeat({1, 2});
    cosines_ = angles.cos().mul_(architecture.rotary.factor).to(device);
    sines_ = angles.sin().mul_(architecture.rotary.factor).to(device);
  }
  if (embeddings.relative_bias) {
    bias_ = bias_by_distance(architecture, *embeddings.relative_bias, tokens_);
    size_of_bias_ = at::linalg_vector_norm(*bias_, 2, {}, /*keepdim=*/false, at::kFloat);
  }
  masks_[0] = make_mask(batch, architecture.causal, 0);
  if (bias_ && architecture.causal && !eager) bias_->masked_fill_(*masks_[0].hidden, kNever);
  for (const LayerPlan& layer : architecture.layers) {
    if (layer.window == 0 || layer.window >= tokens_ || masks_.contains(layer.window)) continue;
    masks_[layer.window] = make_mask(batch, architecture.causal, layer.window);
  }
}

Scores::Scores(const Batch& source, c10::Device device, bool eager)
    : device_(device), tokens_(source.ids.size(1)), eager_(eager) {
  masks_[0] = make_mask(source, /*causal=*/false, 0);
}

Mask Scores::make_mask(const Batch& batch, bool causal, std::int64_t window) const {
  Mask mask;
  if (causal || window > 0) {
    const at::Tensor all = at::ones({tokens_, tokens_}, at::kBool);
    at::Tensor hidden = all.triu(causal ? 1 : window);
    if (window > 0) hidden = hidden.logical_or_(all.tril(-window));
    mask.hidden = hidden.to(device_);
    mask.only_future = causal && window == 0;
  }
  // Padding stands behind every token of its sentence: the causal mask hides it already.
  if (!causal && batch.padded()) {
    const at::Tensor padding = batch.mask.to(device_).logical_not().unsqueeze(1).unsqueeze(1);
    mask.hidden = mask.hidden ? mask.hidden->logical_or(padding) : padding;
    // Padding far from its sentence sees itself, since of nothing at all it would become NaN.
    if (window > 0) mask.hidden->diagonal(0, -2, -1).zero_();
  }
  if (mask.hidden && !mask.only_future) mask.visible = mask.hidden->logical_not();
  return mask;
}

const Mask& Scores::mask(const LayerPlan& layer) const {
  const auto found = masks_.find(layer.window);
  return found == masks_.end() ? masks_.at(0) : found->second;
}

at::Tensor Scores::rotated(const at::Tensor& vectors) const {
  if (!cosines_.defined()) return vectors;
  const std::int64_t width = cosines_.size(1), size = vectors.size(-1);
  const at::Tensor turned = vectors.narrow(-1, 0, width);
  const std::vector<at::Tensor> halves = turned.chunk(2, -1);
  at::Tensor across = at::cat({halves[1].neg(), halves[0]}, -1).to(cosines_.scalar_type()).mul_(sines_);
  // In place, since they are as large as all queries or keys.
  const at::Tensor rotated = (turned * cosines_).add_(across).to(vectors.scalar_type());
  return width == size ? rotated : at::cat({rotated, vectors.narrow(-1, width, size - width)}, -1);
}

at::Tensor Scores::unmasked(const at::Tensor& query, const at::Tensor& key, const LayerPlan& layer,
                            const at::Tensor& heads) const {
  at::Tensor scores = scales_queries_ ? at::matmul(query * layer.scale, key.transpose(-1, -2))
                                      : at::matmul(query, key.transpose(-1, -2)).mul_(layer.scale);
  if (bias_) scores += heads.defined() ? bias_->index_select(0, heads.to(device_)) : *bias_;
  return scores;
}

void Scores::hide(const Mask& mask, at::Tensor& scores) const {
  if (!eager_) {
    scores.masked_fill_(*mask.hidden, kNever);
  } else if (mask_replaces_) {
    scores.masked_fill_(*mask.hidden, kLowest).masked_fill_(*masks_.at(0).hidden, kNever);
  } else {
    scores.add_(at::zeros(mask.hidden->sizes(), scores.options()).masked_fill_(*mask.hidden, kLowest));
  }
}

at::Tensor Scores::maps(const at::Tensor& query, const at::Tensor& key, const LayerPlan& layer,
                        const at::Tensor& heads) const {
  at::Tensor scores = unmasked(query, key, layer, heads);
  if (const Mask& mask = this->mask(layer); mask.hidden) hide(mask, scores);
  // In place, since maps are large, where it is known to be sound.
  if (!scores.is_cpu()) return at::_softmax(scores, -1, /*half_to_float=*/false);
  return at::_softmax_out(scores, scores, -1, /*half_to_float=*/false);
}

at::Tensor Scores::attended(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                            const LayerPlan& layer) const {
  if (eager_) {
    std::vector<at::Tensor> of_heads;  // one after the other, since all their maps may be large
    for (std::int64_t head = 0; head < query.size(1); ++head) {
      const at::Tensor map = maps(query.narrow(1, head, 1).to(at::kFloat),
                                  key.narrow(1, head, 1).to(at::kFloat), layer, at::tensor({head}));
      of_heads.push_back(at::matmul(map.to(value.scalar_type()), value.narrow(1, head, 1)));
    }
    return at::cat(of_heads, 1);
  }
  const Mask& mask = this->mask(layer);
  if (!bias_) {
    return at::scaled_dot_product_attention(query, key, value, mask.visible, 0.0, mask.only_future,
                                            layer.scale);
  }
  const at::Tensor bias = bias_->unsqueeze(0).to(query.scalar_type());  // which hides the future by itself
  const at::Tensor added = mask.visible ? bias.masked_fill(*mask.hidden, kNever) : bias;
  return at::scaled_dot_product_attention(query, key, value, added, 0.0, /*is_causal=*/false, layer.scale);
}

std::optional<BadScore> Scores::find_bad(const at::Tensor& query, const at::Tensor& key,
                                         const LayerPlan& layer, std::int64_t head) const {
  const at::Tensor scores = unmasked(query.to(at::kFloat), key.to(at::kFloat), layer, at::tensor({head}));
  at::Tensor bad = at::isfinite(scores).logical_not_();
  const bool finite = !bad.any().item<bool>();
  if (finite) {
    const Mask& mask = this->mask(layer);
    if (!mask.hidden) return std::nullopt;
    at::Tensor weights = scores.clone();
    hide(mask, weights);
    bad = at::_softmax(weights, -1, /*half_to_float=*/false).ne(0).logical_and_(*mask.hidden);
    if (!bad.any().item<bool>()) return std::nullopt;
  }
  const std::int64_t place = bad.flatten().to(at::kByte).argmax().item<std::int64_t>();
  return BadScore{place / scores.size(-1), place % scores.size(-1),
                  scores.flatten().select(0, place).item<float>(), finite};
}

}  // namespace attnviz
