#include <ATen/core/Tensor.h>
#include <ATen/ops/_softmax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cumsum.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "model/torch/activation.h"
#include "model/torch/architecture.h"
#include "model/torch/backends.h"
#include "model/torch/layers.h"
#include "model/torch/request.h"
#include "model/torch/runtime.h"
#include "model/torch/weights.h"

namespace attnviz {
namespace {

/// Which keys a query may look at; true where it may.
struct Masks {
  std::optional<at::Tensor> padding;  ///< [sentences, 1, 1, tokens]; unset where it changes nothing
  at::Tensor future;                  ///< [tokens, tokens]: true above the diagonal; causal models only
};

/// [sentences, heads, tokens, head_size]
struct Projected {
  at::Tensor query, key;
};

/// Which heads are wanted; both undefined when that is all of them in order.
struct HeadChoice {
  at::Tensor heads;  ///< their numbers
  at::Tensor rows;   ///< their rows of a projection
};

/// What one run() carries from layer to layer.
struct Run {
  const Request& request;
  Masks masks;
  HeadChoice choice;
  std::vector<Attention> results;
};

class CheckpointModel final : public Model {
 public:
  CheckpointModel(const ModelCard& card, const ModelOptions& options)
      : card_(card),
        architecture_(read_architecture(card.directory / "config.json")),
        activation_(find_activation(architecture_.activation)),
        device_(find_device(options.device)),
        weights_(card.directory, anchor(architecture_.family), device_),
        embeddings_(bind_embeddings(architecture_, weights_)),
        layers_(bind_layers(architecture_, weights_)) {
    card_.layers = architecture_.layers;
    card_.heads = architecture_.heads;
    card_.hidden = static_cast<int>(architecture_.hidden);
    card_.max_tokens = architecture_.max_tokens();
    card_.causal = architecture_.causal();
    prepare_process(options.threads);
  }

  [[nodiscard]] const ModelCard& card() const override { return card_; }
  [[nodiscard]] Backend backend() const override { return Backend::checkpoint; }
  [[nodiscard]] std::string device() const override { return device_.str(); }

  [[nodiscard]] std::vector<Attention> run(std::span<const Encoding> encodings,
                                           const Selection& selection) override {
    const Request request = checked(selection, card_);
    check(encodings, card_, {architecture_.vocabulary, architecture_.types});
    if (encodings.empty()) return {};
    return translated(card_.name,
                      "a shorter text, fewer layers or heads, or a smaller batch needs less memory",
                      [&] { return forward(encodings, request); });
  }

 private:
  [[nodiscard]] std::vector<Attention> forward(std::span<const Encoding> encodings,
                                               const Request& request) const;
  [[nodiscard]] at::Tensor embed(const Batch& batch) const;
  [[nodiscard]] at::Tensor positions(const at::Tensor& ids) const;
  [[nodiscard]] Masks masks(const Batch& batch) const;
  [[nodiscard]] HeadChoice choose(const std::vector<int>& heads) const;
  [[nodiscard]] at::Tensor attention_input(const Layer& layer, const at::Tensor& states) const;
  [[nodiscard]] at::Tensor split_heads(const at::Tensor& projected) const;
  [[nodiscard]] at::Tensor maps(const Projected& projected, const Masks& masks, double scale) const;
  [[nodiscard]] at::Tensor attend(int number, const at::Tensor& states, Run& run) const;
  void attend_last(int number, const at::Tensor& states, Run& run) const;
  [[nodiscard]] at::Tensor finish(const Layer& layer, at::Tensor states, at::Tensor context) const;

  ModelCard card_;
  Architecture architecture_;
  Activation activation_;
  c10::Device device_;
  Weights weights_;
  Embeddings embeddings_;
  std::vector<Layer> layers_;
};

void store(const at::Tensor& maps, const Projected& projected, int layer, std::vector<Attention>& results) {
  const at::Tensor on_cpu = maps.cpu(), query = projected.query.cpu(), key = projected.key.cpu();
  for (std::size_t i = 0; i < results.size(); ++i) {
    Attention& result = results[i];
    const std::size_t map_size = result.heads.size() * result.queries * result.keys;
    const std::size_t vector_size = result.heads.size() * result.queries * result.head_size;
    for (std::size_t slot = 0; slot < result.layers.size(); ++slot) {
      if (result.layers[slot] != layer) continue;
      const auto part = [&](std::vector<float>& values, std::size_t size) {
        return std::span(values).subspan(slot * size, size);
      };
      copy_heads(on_cpu, i, result.queries, result.keys, part(result.weights, map_size));
      if (result.head_size == 0) continue;
      copy_heads(query, i, result.queries, result.head_size, part(result.query, vector_size));
      copy_heads(key, i, result.keys, result.head_size, part(result.key, vector_size));
    }
  }
}

bool wants(const Request& request, int layer) {
  return std::find(request.layers.begin(), request.layers.end(), layer) != request.layers.end();
}

std::vector<Attention> CheckpointModel::forward(std::span<const Encoding> encodings,
                                                const Request& request) const {
  const c10::InferenceMode guard;
  const Batch batch = make_batch(encodings);
  Run run{request, masks(batch), choose(request.heads), make_results(encodings, request, card_)};
  at::Tensor states = embed(batch);
  for (int number = 1; number < request.deepest; ++number) {
    at::Tensor context = attend(number, states, run);
    states = finish(layers_[static_cast<std::size_t>(number - 1)], std::move(states), std::move(context));
  }
  attend_last(request.deepest, states, run);
  return std::move(run.results);
}

at::Tensor CheckpointModel::embed(const Batch& batch) const {
  const at::Tensor ids = batch.ids.flatten();
  at::Tensor states = embeddings_.words->rows(ids);
  if (embeddings_.types) states += embeddings_.types->rows(batch.types.flatten());
  states += embeddings_.positions->rows(positions(batch.ids).flatten());
  states = states.view({batch.ids.size(0), batch.ids.size(1), architecture_.hidden});
  return embeddings_.norm ? (*embeddings_.norm)(states) : states;
}

at::Tensor CheckpointModel::positions(const at::Tensor& ids) const {
  if (architecture_.family != Family::roberta) return at::arange(ids.size(1), at::kLong).expand_as(ids);
  // A token that is the padding token, even inside the text, has no position and moves none.
  const at::Tensor counted = ids.ne(architecture_.padding_id).to(at::kLong);
  return at::cumsum(counted, 1).mul_(counted).add_(architecture_.padding_id);
}

Masks CheckpointModel::masks(const Batch& batch) const {
  Masks masks;
  if (architecture_.causal()) {
    // Padding stands behind every token of its sentence: the causal mask hides it already.
    const std::int64_t tokens = batch.ids.size(1);
    masks.future = at::ones({tokens, tokens}, at::kBool).triu(1).to(device_);
  } else if (batch.padded()) {
    masks.padding = batch.mask.to(device_).unsqueeze(1).unsqueeze(1);
  }
  return masks;
}

HeadChoice CheckpointModel::choose(const std::vector<int>& heads) const {
  std::vector<int> all(static_cast<std::size_t>(architecture_.heads));
  std::iota(all.begin(), all.end(), 0);
  if (heads == all) return {};
  std::vector<std::int64_t> rows;
  for (const int head : heads) {
    for (std::int64_t i = 0; i < architecture_.head_size(); ++i) {
      rows.push_back(head * architecture_.head_size() + i);
    }
  }
  const std::vector<std::int64_t> numbers(heads.begin(), heads.end());
  return {at::tensor(numbers).to(device_), at::tensor(rows).to(device_)};
}

at::Tensor CheckpointModel::attention_input(const Layer& layer, const at::Tensor& states) const {
  return architecture_.family == Family::gpt2 ? layer.attention_norm(states) : states;
}

at::Tensor CheckpointModel::split_heads(const at::Tensor& projected) const {
  return projected.view({projected.size(0), projected.size(1), -1, architecture_.head_size()})
      .transpose(1, 2);
}

at::Tensor CheckpointModel::maps(const Projected& projected, const Masks& masks, double scale) const {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  at::Tensor scores = at::matmul(projected.query, projected.key.transpose(-1, -2)).mul_(scale);
  if (masks.future.defined()) scores.masked_fill_(masks.future, kNever);
  if (masks.padding) scores.masked_fill_(masks.padding->logical_not(), kNever);
  return at::_softmax_out(scores, scores, -1, /*half_to_float=*/false);  // in place: maps are large
}

/// The attention's output [sentences, heads, tokens, head_size] through a fused kernel, which never holds a
/// map; maps that are wanted are computed beside it.
at::Tensor CheckpointModel::attend(int number, const at::Tensor& states, Run& run) const {
  const Layer& layer = layers_[static_cast<std::size_t>(number - 1)];
  const double scale = architecture_.scale(number);
  const at::Tensor input = attention_input(layer, states);
  const Projected all{split_heads(layer.query(input)), split_heads(layer.key(input))};
  if (wants(run.request, number)) {
    const at::Tensor& heads = run.choice.heads;
    const Projected chosen =
        heads.defined() ? Projected{all.query.index_select(1, heads), all.key.index_select(1, heads)} : all;
    store(maps(chosen, run.masks, scale), chosen, number, run.results);
  }
  return at::scaled_dot_product_attention(all.query, all.key, split_heads(layer.value(input)),
                                          run.masks.padding, 0.0, architecture_.causal(), scale);
}

/// Behind the deepest layer asked for nothing is needed: only its queries and keys, of the heads asked for.
void CheckpointModel::attend_last(int number, const at::Tensor& states, Run& run) const {
  const Layer& layer = layers_[static_cast<std::size_t>(number - 1)];
  const at::Tensor input = attention_input(layer, states);
  const Projected chosen{split_heads(layer.query(input, run.choice.rows)),
                         split_heads(layer.key(input, run.choice.rows))};
  store(maps(chosen, run.masks, architecture_.scale(number)), chosen, number, run.results);
}

/// What follows the attention in a layer. Takes its inputs over, so that they are freed when used.
at::Tensor CheckpointModel::finish(const Layer& layer, at::Tensor states, at::Tensor context) const {
  at::Tensor merged = context.transpose(1, 2).flatten(2);
  context.reset();
  at::Tensor attended = layer.output(merged).add_(states);
  merged.reset();
  states.reset();
  const auto feed_forward = [&](const at::Tensor& input) {
    return layer.outer(activation_(layer.inner(input)));
  };
  if (architecture_.family == Family::gpt2) return attended.add_(feed_forward(layer.output_norm(attended)));
  attended = layer.attention_norm(attended);
  return layer.output_norm(feed_forward(attended).add_(attended));
}

}  // namespace

std::unique_ptr<Model> open_checkpoint(const ModelCard& card, const ModelOptions& options) {
  return translated(card.name, "", [&] { return std::make_unique<CheckpointModel>(card, options); });
}

}  // namespace attnviz
