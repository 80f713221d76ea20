#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cumsum.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "model/torch/activation.h"
#include "model/torch/architecture.h"
#include "model/torch/backends.h"
#include "model/torch/layers.h"
#include "model/torch/request.h"
#include "model/torch/runtime.h"
#include "model/torch/scores.h"
#include "model/torch/top.h"
#include "model/torch/weights.h"

namespace attnviz {
namespace {

/// [sentences, heads, tokens, head_size]
struct Projected {
  at::Tensor query, key;
};

/// Which heads are wanted, and the key heads that serve them, as int64 on the CPU; undefined when that is all
/// of them in order.
struct HeadChoice {
  at::Tensor heads;
  at::Tensor key_heads;  ///< each once
  at::Tensor key_of;     ///< for each of `heads`, its key head's place among `key_heads`
};

/// Some heads' queries, keys and, where norms are asked for, values.
struct Chosen {
  Projected projected;
  at::Tensor value = {};
};

/// What one run() carries from layer to layer.
struct Run {
  const Request& request;
  Scores scores;
  HeadChoice choice;
  std::vector<Attention> results;
};

class CheckpointModel final : public Model {
 public:
  CheckpointModel(const ModelCard& card, const ModelOptions& options)
      : card_(card),
        architecture_(read_architecture(Config(card.directory / "config.json"))),
        activation_(find_activation(architecture_.activation)),
        device_(find_device(options.device)),
        weights_(card.directory, architecture_.names.words + ".weight", device_),
        embeddings_(bind_embeddings(architecture_, weights_)),
        layers_(bind_layers(architecture_, weights_)) {
    card_.layers = static_cast<int>(architecture_.layers.size());
    card_.heads = static_cast<int>(architecture_.heads);
    card_.hidden = static_cast<int>(architecture_.hidden);
    card_.max_tokens = architecture_.max_tokens();
    card_.causal = architecture_.causal;
    prepare_process(options.threads);
  }

  [[nodiscard]] const ModelCard& card() const override { return card_; }
  [[nodiscard]] Backend backend() const override { return Backend::checkpoint; }
  [[nodiscard]] std::string device() const override { return device_.str(); }

  [[nodiscard]] std::vector<Attention> run(std::span<const Encoding> encodings,
                                           std::span<const Encoding> /*targets*/,
                                           const Selection& selection) override {
    Request request = checked(selection, card_);
    request.head_size = static_cast<std::size_t>(architecture_.head_size);
    refuse_unexplained(request);
    check(encodings, card_, {architecture_.vocabulary, architecture_.types});
    if (encodings.empty()) return {};
    return translated(card_.name,
                      "a shorter text, fewer layers or heads, or a smaller batch needs less memory",
                      [&] { return forward(encodings, request); });
  }

  [[nodiscard]] Prediction predict(const Encoding& encoding, std::span<const HeadPlace> ablated) override {
    Request request;  // of no map
    request.ablated.assign(ablated.begin(), ablated.end());
    check(ablated, card_);
    check({&encoding, 1}, card_, {architecture_.vocabulary, architecture_.types});
    return translated(card_.name, "a shorter text needs less memory", [&] {
      if (!top_) {
        const Config config(card_.directory / "config.json");
        top_.emplace(architecture_, read_task(config, architecture_), weights_);
      }
      return make_prediction(encoding, request);
    });
  }

 private:
  [[nodiscard]] std::vector<Attention> forward(std::span<const Encoding> encodings,
                                               const Request& request) const;
  [[nodiscard]] Prediction make_prediction(const Encoding& encoding, const Request& request) const;
  [[nodiscard]] at::Tensor run_layers(std::size_t count, const Batch& batch, Run& run) const;
  [[nodiscard]] at::Tensor embed(const Batch& batch) const;
  [[nodiscard]] at::Tensor positions(const at::Tensor& ids) const;
  void refuse_unexplained(const Request& request) const;
  [[nodiscard]] HeadChoice choose(const std::vector<int>& heads) const;
  [[nodiscard]] at::Tensor attention_input(const Layer& layer, const at::Tensor& states) const;
  [[nodiscard]] at::Tensor spread(const at::Tensor& of_key_heads) const;
  void take(std::size_t index, const Chosen& chosen, Run& run) const;
  [[nodiscard]] at::Tensor attend(std::size_t index, const at::Tensor& states, Run& run) const;
  void attend_last(std::size_t index, const at::Tensor& states, Run& run) const;
  [[nodiscard]] at::Tensor feed_forward(const Layer& layer, const at::Tensor& input) const;
  [[nodiscard]] at::Tensor finish(const Layer& layer, at::Tensor states, at::Tensor context) const;

  ModelCard card_;
  Architecture architecture_;
  Activation activation_;
  c10::Device device_;
  Weights weights_;
  Embeddings embeddings_;
  std::vector<Layer> layers_;
  std::optional<Top> top_;  ///< bound by the first prediction: attention needs none
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

/// ‖f(x)‖ of every key: [sentences, heads, keys], f(x) what a head adds to the attention's output for a key
/// that it wholly attends to. A head at a time: all their vectors together are as many times the states.
at::Tensor norms(const Linear& output, const at::Tensor& value, const std::vector<int>& heads) {
  std::vector<at::Tensor> of_heads;
  for (const int head : heads) {
    const at::Tensor vectors = value.select(1, static_cast<std::int64_t>(of_heads.size()));
    of_heads.push_back(at::linalg_vector_norm(output.share(vectors, head * value.size(-1)), 2, {{-1}}));
  }
  return at::stack(of_heads, 1);
}

bool wants(const Request& request, int layer) {
  return std::find(request.layers.begin(), request.layers.end(), layer) != request.layers.end();
}

std::vector<Attention> CheckpointModel::forward(std::span<const Encoding> encodings,
                                                const Request& request) const {
  const c10::InferenceMode guard;
  const Batch batch = make_batch(encodings);
  Run run{request, Scores(architecture_, embeddings_, batch, device_), choose(request.heads),
          make_results(encodings, request, card_)};
  const auto last = static_cast<std::size_t>(request.deepest - 1);
  attend_last(last, run_layers(last, batch, run), run);
  return std::move(run.results);
}

Prediction CheckpointModel::make_prediction(const Encoding& encoding, const Request& request) const {
  const c10::InferenceMode guard;
  const Batch batch = make_batch({&encoding, 1});
  Run run{request, Scores(architecture_, embeddings_, batch, device_), {}, {}};
  return (*top_)(run_layers(layers_.size(), batch, run), encoding.ids);
}

/// The states behind the first `count` layers.
at::Tensor CheckpointModel::run_layers(std::size_t count, const Batch& batch, Run& run) const {
  at::Tensor states = embed(batch);
  for (std::size_t index = 0; index < count; ++index) {
    at::Tensor context = attend(index, states, run);
    for (const HeadPlace& place : run.request.ablated) {
      if (place.layer == static_cast<int>(index) + 1) context.select(1, place.head).zero_();
    }
    states = finish(layers_[index], std::move(states), std::move(context));
  }
  return states;
}

at::Tensor CheckpointModel::embed(const Batch& batch) const {
  const at::Tensor ids = batch.ids.flatten();
  at::Tensor states = embeddings_.words->rows(ids);
  if (architecture_.word_scale != 1) states *= architecture_.word_scale;
  if (embeddings_.word_projection) states = (*embeddings_.word_projection)(states);
  if (embeddings_.types) states += embeddings_.types->rows(batch.types.flatten());
  if (embeddings_.positions) states += embeddings_.positions->rows(positions(batch.ids).flatten());
  states = states.view({batch.ids.size(0), batch.ids.size(1), -1});
  if (embeddings_.norm) states = (*embeddings_.norm)(states);
  return embeddings_.projection ? (*embeddings_.projection)(states) : states;
}

at::Tensor CheckpointModel::positions(const at::Tensor& ids) const {
  const std::int64_t first = architecture_.first_position;
  if (architecture_.uncounted_id < 0) return at::arange(first, first + ids.size(1), at::kLong).expand_as(ids);
  // A token that is the padding token, even inside the text, has no position and moves none.
  const at::Tensor counted = ids.ne(architecture_.uncounted_id).to(at::kLong);
  return at::cumsum(counted, 1).mul_(counted).add_(first - 1);
}

/// Query and key vectors are asked for to see where the weights come from.
void CheckpointModel::refuse_unexplained(const Request& request) const {
  if (!request.with_query_key) return;
  if (request.kind == WeightKind::norm) {
    throw Error(card_.name + ": query and key vectors do not make up norms, which need the value vectors",
                "ask for attention weights, or for the norms alone");
  }
  if (!embeddings_.relative_bias) return;
  throw Error(card_.name + ": query and key vectors do not make up the weights of a model of type " +
                  card_.architecture + ", which adds a bias by distance",
              "ask for the weights alone");
}

HeadChoice CheckpointModel::choose(const std::vector<int>& heads) const {
  std::vector<int> all(static_cast<std::size_t>(architecture_.heads));
  std::iota(all.begin(), all.end(), 0);
  if (heads == all) return {};
  const std::int64_t served = architecture_.heads / architecture_.key_heads;
  std::vector<std::int64_t> key_heads, key_of;
  for (const int head : heads) {
    const auto place = std::find(key_heads.begin(), key_heads.end(), head / served);
    key_of.push_back(place - key_heads.begin());
    if (place == key_heads.end()) key_heads.push_back(head / served);
  }
  return {at::tensor(std::vector<std::int64_t>(heads.begin(), heads.end())), at::tensor(key_heads),
          at::tensor(key_of)};
}

at::Tensor CheckpointModel::attention_input(const Layer& layer, const at::Tensor& states) const {
  return architecture_.order == NormOrder::behind ? states : layer.attention_norm(states);
}

/// Each key head's vectors, once for every head that it serves.
at::Tensor CheckpointModel::spread(const at::Tensor& of_key_heads) const {
  if (architecture_.key_heads == architecture_.heads) return of_key_heads;
  return of_key_heads.repeat_interleave(architecture_.heads / architecture_.key_heads, 1);
}

/// The attention's output [sentences, heads, tokens, head_size]; maps that are wanted are computed beside it.
at::Tensor CheckpointModel::attend(std::size_t index, const at::Tensor& states, Run& run) const {
  const Layer& layer = layers_[index];
  const LayerPlan& plan = architecture_.layers[index];
  const at::Tensor input = attention_input(layer, states);
  const Projected all{run.scores.rotated(layer.query(input)), spread(run.scores.rotated(layer.key(input)))};
  const at::Tensor value = spread(layer.value(input));
  if (wants(run.request, static_cast<int>(index) + 1)) {
    Chosen chosen{all, value};
    if (run.choice.heads.defined()) {
      const at::Tensor heads = run.choice.heads.to(device_);
      for (at::Tensor* const some : {&chosen.projected.query, &chosen.projected.key, &chosen.value})
        *some = some->index_select(1, heads);
    }
    take(index, chosen, run);
  }
  return run.scores.attended(all.query, all.key, value, plan);
}

/// Behind the deepest layer asked for nothing is needed: only what its maps are made of, of the heads asked
/// for.
void CheckpointModel::attend_last(std::size_t index, const at::Tensor& states, Run& run) const {
  const Layer& layer = layers_[index];
  const HeadChoice& choice = run.choice;
  const at::Tensor input = attention_input(layer, states);
  const auto for_each_head = [&](const at::Tensor& of_key_heads) {
    if (!choice.heads.defined()) return spread(of_key_heads);
    if (architecture_.key_heads == architecture_.heads) return of_key_heads;
    return of_key_heads.index_select(1, choice.key_of.to(device_));
  };
  Chosen chosen{{run.scores.rotated(layer.query(input, choice.heads)),
                 for_each_head(run.scores.rotated(layer.key(input, choice.key_heads)))}};
  if (run.request.kind == WeightKind::norm)
    chosen.value = for_each_head(layer.value(input, choice.key_heads));
  take(index, chosen, run);
}

/// Stores a layer's maps of the heads asked for.
void CheckpointModel::take(std::size_t index, const Chosen& chosen, Run& run) const {
  const Projected& projected = chosen.projected;
  at::Tensor maps =
      run.scores.maps(projected.query, projected.key, architecture_.layers[index], run.choice.heads);
  if (run.request.kind == WeightKind::norm) {
    // ‖α f(x)‖ = α ‖f(x)‖, as no weight is below 0.
    maps.mul_(norms(layers_[index].output, chosen.value, run.request.heads).unsqueeze(2));
  }
  store(maps, projected, static_cast<int>(index) + 1, run.results);
}

at::Tensor CheckpointModel::feed_forward(const Layer& layer, const at::Tensor& input) const {
  if (!layer.gate) return layer.outer(activation_(layer.inner(input)));
  return layer.outer(activation_((*layer.gate)(input)).mul_(layer.inner(input)));
}

/// What follows the attention in a layer. Takes its inputs over, so that they are freed when used.
at::Tensor CheckpointModel::finish(const Layer& layer, at::Tensor states, at::Tensor context) const {
  at::Tensor merged = context.transpose(1, 2).flatten(2);
  context.reset();
  at::Tensor attended = layer.output(merged).add_(states);
  merged.reset();
  if (architecture_.order == NormOrder::parallel) {
    return attended.add_(feed_forward(layer, layer.output_norm(states)));
  }
  states.reset();
  if (architecture_.order == NormOrder::before) {
    return attended.add_(feed_forward(layer, layer.output_norm(attended)));
  }
  attended = layer.attention_norm(attended);
  return layer.output_norm(feed_forward(layer, attended).add_(attended));
}

}  // namespace

std::unique_ptr<Model> open_checkpoint(const ModelCard& card, const ModelOptions& options) {
  return translated(card.name, "", [&] { return std::make_unique<CheckpointModel>(card, options); });
}

}  // namespace attnviz
