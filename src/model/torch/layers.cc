#include "model/torch/layers.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rsqrt.h>

#include <string>

namespace attnviz {
namespace {

/// Names of one attention's parts, with the layer's prefix.
struct AttentionNames {
  std::string query, key, value, output, norm;
};

/// Binds parts of a model by name.
class Binder {
 public:
  Binder(const Architecture& architecture, const Weights& weights)
      : architecture_(architecture), names_(architecture.names), weights_(weights) {}

  [[nodiscard]] Layer layer(const std::string& prefix) const;
  [[nodiscard]] Embeddings embeddings() const;
  [[nodiscard]] std::optional<Norm> norm_if(const std::string& name, std::int64_t width) const;

 private:
  [[nodiscard]] AttentionBlock attention(const AttentionNames& names) const;
  [[nodiscard]] ParameterPointer words() const;
  [[nodiscard]] Norm norm(const std::string& name, std::int64_t width) const;
  [[nodiscard]] Linear linear(const std::string& name, std::int64_t inputs, std::int64_t outputs,
                              bool bias) const;
  [[nodiscard]] ParameterPointer rows_if(const std::string& name, std::int64_t rows,
                                         std::int64_t width) const;
  /// `place` is 0 for queries, 1 for keys, 2 for values.
  [[nodiscard]] Projection projection(const std::string& name, std::int64_t heads, std::int64_t place) const;

  const Architecture& architecture_;
  const TensorNames& names_;
  const Weights& weights_;
};

Norm Binder::norm(const std::string& name, std::int64_t width) const {
  const bool bias = architecture_.norm == NormKind::layer;
  return {weights_.get(name + ".weight", {width}), bias ? weights_.get(name + ".bias", {width}) : nullptr,
          architecture_.norm, architecture_.epsilon};
}

std::optional<Norm> Binder::norm_if(const std::string& name, std::int64_t width) const {
  if (name.empty()) return std::nullopt;
  return norm(name, width);
}

Linear Binder::linear(const std::string& name, std::int64_t inputs, std::int64_t outputs, bool bias) const {
  const std::vector<std::int64_t> shape =
      architecture_.input_major ? std::vector{inputs, outputs} : std::vector{outputs, inputs};
  return {weights_.get(name + ".weight", shape), bias ? weights_.get(name + ".bias", {outputs}) : nullptr,
          architecture_.input_major};
}

ParameterPointer Binder::rows_if(const std::string& name, std::int64_t rows, std::int64_t width) const {
  return name.empty() ? nullptr : weights_.get(name + ".weight", {rows, width});
}

Projection Binder::projection(const std::string& name, std::int64_t heads, std::int64_t place) const {
  const std::int64_t size = architecture_.head_size, width = heads * size;
  const bool fused = architecture_.fused != Fused::no;
  Projection bound{
      linear(name, architecture_.hidden, fused ? 3 * width : width, architecture_.projection_bias), heads,
      size, 0, size};
  if (architecture_.fused == Fused::in_thirds) bound.first = place * width;
  if (architecture_.fused == Fused::by_head) {
    bound.first = place * size;
    bound.stride = 3 * size;
  }
  return bound;
}

AttentionBlock Binder::attention(const AttentionNames& names) const {
  const Architecture& is = architecture_;
  return {projection(names.query, is.heads, 0), projection(names.key, is.key_heads, 1),
          projection(names.value, is.key_heads, 2),
          linear(names.output, is.heads * is.head_size, is.hidden, is.output_bias),
          norm(names.norm, is.hidden)};
}

Layer Binder::layer(const std::string& prefix) const {
  const Architecture& is = architecture_;
  Layer layer;
  layer.self = attention({prefix + names_.query, prefix + names_.key, prefix + names_.value,
                          prefix + names_.output, prefix + names_.attention_norm});
  if (!names_.query_norm.empty()) layer.self.query.norm = norm(prefix + names_.query_norm, is.head_size);
  if (!names_.key_norm.empty()) layer.self.key.norm = norm(prefix + names_.key_norm, is.head_size);
  if (!names_.cross_query.empty()) {
    layer.cross =
        attention({prefix + names_.cross_query, prefix + names_.cross_key, prefix + names_.cross_value,
                   prefix + names_.cross_output, prefix + names_.cross_norm});
  }
  if (!names_.gate.empty()) {
    layer.gate = linear(prefix + names_.gate, is.hidden, is.inner, is.feed_forward_bias);
  }
  layer.inner = linear(prefix + names_.inner, is.hidden, is.inner, is.feed_forward_bias);
  layer.outer = linear(prefix + names_.outer, is.inner, is.hidden, is.feed_forward_bias);
  layer.output_norm = norm(prefix + names_.output_norm, is.hidden);
  return layer;
}

ParameterPointer Binder::words() const {
  const std::vector<std::int64_t> shape = {architecture_.vocabulary, architecture_.embedding};
  if (!weights_.has(names_.words + ".weight")) {
    for (const std::string& other : names_.other_words) {
      if (weights_.has(other + ".weight")) return weights_.get(other + ".weight", shape);
    }
  }
  return weights_.get(names_.words + ".weight", shape);
}

Embeddings Binder::embeddings() const {
  const Architecture& is = architecture_;
  const std::int64_t summed = names_.word_projection.empty() ? is.embedding : is.hidden;
  Embeddings bound;
  bound.words = words();
  if (!is.sinusoids || weights_.has(names_.positions + ".weight")) {
    bound.positions = rows_if(names_.positions, is.positions, summed);
  }
  bound.types = rows_if(names_.types, is.types, summed);
  bound.relative_bias = rows_if(names_.relative_bias, is.buckets, is.heads);
  if (!names_.word_projection.empty()) {
    bound.word_projection = linear(names_.word_projection, is.embedding, is.hidden, /*bias=*/false);
  }
  bound.norm = norm_if(names_.embedding_norm, summed);
  if (!names_.embedding_projection.empty()) {
    bound.projection = linear(names_.embedding_projection, is.embedding, is.hidden, /*bias=*/true);
  }
  return bound;
}

}  // namespace

at::Tensor Linear::operator()(const at::Tensor& states) const {
  const at::Tensor stored = weight->whole();
  return at::linear(states, input_major ? stored.t() : stored, bias ? bias->whole() : at::Tensor());
}

at::Tensor Linear::part(const at::Tensor& states, std::int64_t first, std::int64_t count) const {
  const at::Tensor stored = weight->part(input_major ? 1 : 0, first, count);
  return at::linear(states, input_major ? stored.t() : stored,
                    bias ? bias->part(0, first, count) : at::Tensor());
}

at::Tensor Linear::select(const at::Tensor& states, const at::Tensor& chosen) const {
  const at::Tensor stored = weight->select(input_major ? 1 : 0, chosen);
  return at::linear(states, input_major ? stored.t() : stored, bias ? bias->select(0, chosen) : at::Tensor());
}

at::Tensor Linear::share(const at::Tensor& some, std::int64_t first) const {
  const at::Tensor stored = weight->part(input_major ? 0 : 1, first, some.size(-1));
  return at::linear(some, input_major ? stored.t() : stored);
}

at::Tensor Norm::operator()(const at::Tensor& states) const {
  const at::Tensor scale = weight->whole();
  if (kind == NormKind::layer) {
    return at::layer_norm(states, {states.size(-1)}, scale, bias->whole(), epsilon);
  }
  const at::Tensor wide = states.to(at::kFloat);  // squares go beyond what fp16 holds
  const at::Tensor normed = wide * at::rsqrt(wide.square().mean(-1, true).add_(epsilon));
  return (normed * (kind == NormKind::rms_around_one ? scale + 1 : scale)).to(states.scalar_type());
}

at::Tensor Projection::operator()(const at::Tensor& states, const at::Tensor& chosen) const {
  const bool together = stride == head_size && !chosen.defined();
  at::Tensor vectors;
  if (together) {
    vectors = linear.part(states, first, heads * head_size);
  } else {
    const at::Tensor numbers = chosen.defined() ? chosen : at::arange(heads, at::kLong);
    const at::Tensor starts = numbers.mul(stride).add_(first).unsqueeze(1);
    vectors = linear.select(states, (starts + at::arange(head_size, at::kLong)).flatten());
  }
  vectors = vectors.view({states.size(0), states.size(1), -1, head_size}).transpose(1, 2);
  return norm ? (*norm)(vectors) : vectors;
}

Embeddings bind_embeddings(const Architecture& architecture, const Weights& weights) {
  return Binder(architecture, weights).embeddings();
}

std::vector<Layer> bind_layers(const Architecture& architecture, const Weights& weights) {
  std::vector<Layer> layers;
  for (const LayerPlan& plan : architecture.layers) {
    layers.push_back(Binder(architecture, weights).layer(plan.prefix));
  }
  return layers;
}

std::optional<Norm> bind_final_norm(const Architecture& architecture, const Weights& weights) {
  return Binder(architecture, weights).norm_if(architecture.names.final_norm, architecture.hidden);
}

}  // namespace attnviz
