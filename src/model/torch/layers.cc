#include "model/torch/layers.h"

#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>

#include <string>

namespace attnviz {
namespace {

/// How a family names the parts of one layer.
struct Names {
  const char* layers;
  const char* query;
  const char* key;
  const char* value;
  const char* output;
  const char* attention_norm;
  const char* inner;
  const char* outer;
  const char* output_norm;
};

constexpr Names kBert = {"encoder.layer.",       "attention.self.query",   "attention.self.key",
                         "attention.self.value", "attention.output.dense", "attention.output.LayerNorm",
                         "intermediate.dense",   "output.dense",           "output.LayerNorm"};
constexpr Names kDistilbert = {"transformer.layer.", "attention.q_lin",   "attention.k_lin",
                               "attention.v_lin",    "attention.out_lin", "sa_layer_norm",
                               "ffn.lin1",           "ffn.lin2",          "output_layer_norm"};
constexpr Names kGpt2 = {"h.",   "attn.c_attn", "attn.c_attn", "attn.c_attn", "attn.c_proj",
                         "ln_1", "mlp.c_fc",    "mlp.c_proj",  "ln_2"};

const Names& names(Family family) {
  switch (family) {
    case Family::distilbert:
      return kDistilbert;
    case Family::gpt2:
      return kGpt2;
    default:
      return kBert;
  }
}

/// Binds parts of a model by name.
class Binder {
 public:
  Binder(const Architecture& architecture, const Weights& weights)
      : architecture_(architecture), weights_(weights) {}

  [[nodiscard]] Norm norm(const std::string& name) const {
    const std::int64_t width = architecture_.hidden;
    return {weights_.get(name + ".weight", {width}), weights_.get(name + ".bias", {width}),
            architecture_.epsilon};
  }

  [[nodiscard]] Linear linear(const std::string& name, std::int64_t inputs, std::int64_t outputs) const {
    const bool input_major = architecture_.family == Family::gpt2;
    const std::vector<std::int64_t> shape =
        input_major ? std::vector{inputs, outputs} : std::vector{outputs, inputs};
    return {weights_.get(name + ".weight", shape), weights_.get(name + ".bias", {outputs}), input_major, 0,
            outputs};
  }

  [[nodiscard]] Layer layer(int index) const {
    const Names& part = names(architecture_.family);
    const std::string prefix = part.layers + std::to_string(index) + ".";
    const std::int64_t hidden = architecture_.hidden, inner = architecture_.inner;
    Layer layer;
    if (architecture_.family == Family::gpt2) {
      const Linear fused = linear(prefix + part.query, hidden, 3 * hidden);
      const auto third = [&](std::int64_t number) {
        Linear projection = fused;
        projection.first = number * hidden;
        projection.outputs = hidden;
        return projection;
      };
      layer.query = third(0);
      layer.key = third(1);
      layer.value = third(2);
    } else {
      layer.query = linear(prefix + part.query, hidden, hidden);
      layer.key = linear(prefix + part.key, hidden, hidden);
      layer.value = linear(prefix + part.value, hidden, hidden);
    }
    layer.output = linear(prefix + part.output, hidden, hidden);
    layer.attention_norm = norm(prefix + part.attention_norm);
    layer.inner = linear(prefix + part.inner, hidden, inner);
    layer.outer = linear(prefix + part.outer, inner, hidden);
    layer.output_norm = norm(prefix + part.output_norm);
    return layer;
  }

  [[nodiscard]] Embeddings embeddings() const {
    const bool gpt2 = architecture_.family == Family::gpt2;
    const std::int64_t hidden = architecture_.hidden;
    Embeddings bound;
    bound.words = weights_.get(gpt2 ? "wte.weight" : "embeddings.word_embeddings.weight",
                               {architecture_.vocabulary, hidden});
    bound.positions = weights_.get(gpt2 ? "wpe.weight" : "embeddings.position_embeddings.weight",
                                   {architecture_.positions, hidden});
    if (architecture_.types > 0) {
      bound.types = weights_.get("embeddings.token_type_embeddings.weight", {architecture_.types, hidden});
    }
    if (!gpt2) bound.norm = norm("embeddings.LayerNorm");
    return bound;
  }

 private:
  const Architecture& architecture_;
  const Weights& weights_;
};

}  // namespace

at::Tensor Linear::operator()(const at::Tensor& states, const at::Tensor& chosen) const {
  const at::Tensor& stored = weight->whole();
  const at::Tensor rows = (input_major ? stored.t() : stored).narrow(0, first, outputs);
  const at::Tensor offsets = bias->whole().narrow(0, first, outputs);
  if (!chosen.defined()) return at::linear(states, rows, offsets);
  return at::linear(states, rows.index_select(0, chosen), offsets.index_select(0, chosen));
}

at::Tensor Norm::operator()(const at::Tensor& states) const {
  return at::layer_norm(states, {states.size(-1)}, weight->whole(), bias->whole(), epsilon);
}

std::string_view anchor(Family family) {
  return family == Family::gpt2 ? "wte.weight" : "embeddings.word_embeddings.weight";
}

Embeddings bind_embeddings(const Architecture& architecture, const Weights& weights) {
  return Binder(architecture, weights).embeddings();
}

std::vector<Layer> bind_layers(const Architecture& architecture, const Weights& weights) {
  std::vector<Layer> layers;
  for (int index = 0; index < architecture.layers; ++index) {
    layers.push_back(Binder(architecture, weights).layer(index));
  }
  return layers;
}

}  // namespace attnviz
