#include "model/torch/stack.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cumsum.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

namespace attnviz {
namespace {

/// Of the first positions: [tokens, width], sines of falling frequencies, then cosines, as Marian has them.
at::Tensor sinusoids(std::int64_t tokens, std::int64_t width) {
  const at::Tensor exponents =
      at::arange((width + 1) / 2, at::kDouble).mul_(-2.0 / static_cast<double>(width));
  const at::Tensor angles = at::outer(at::arange(tokens, at::kDouble), at::pow(1e4, exponents));
  return at::cat({angles.sin(), angles.narrow(1, 0, width / 2).cos()}, 1).to(at::kFloat);
}

void store(const Taken& taken, std::vector<Attention>& results) {
  const at::Tensor values = taken.values.wait();
  for (std::size_t i = 0; i < results.size(); ++i) {
    Attention& result = results[i];
    const std::size_t rows = taken.to == &Attention::key ? result.keys : result.queries;
    const std::size_t columns = taken.to == &Attention::weights ? result.keys : result.head_size;
    const std::size_t size = result.heads.size() * rows * columns;
    for (std::size_t slot = 0; slot < result.layers.size(); ++slot) {
      if (result.layers[slot] != taken.layer) continue;
      copy_heads(values, i, rows, columns, std::span(result.*taken.to).subspan(slot * size, size));
    }
  }
}

void store_taken(Run& run) {
  for (const Taken& taken : run.taken) store(taken, run.results);
  run.taken.clear();
}

/// ‖f(x)‖ of every key: [sentences, heads, keys], f(x) what a head adds to the attention's output for a key
/// that it wholly attends to. A head at a time: all their vectors together are as many times the states.
at::Tensor norms(const Linear& output, const at::Tensor& value, const std::vector<int>& heads) {
  std::vector<at::Tensor> of_heads;
  for (const int head : heads) {
    const at::Tensor vectors = value.select(1, static_cast<std::int64_t>(of_heads.size()));
    const at::Tensor shares = output.share(vectors, head * value.size(-1));
    of_heads.push_back(at::linalg_vector_norm(shares, 2, {{-1}}, /*keepdim=*/false, at::kFloat));
  }
  return at::stack(of_heads, 1);
}

/// No product of two vectors of such numbers comes near to what a mask adds, let alone to what float32 holds.
constexpr float kMost = 1e14F;

bool is_finite(const at::Tensor& numbers) { return at::isfinite(numbers).all().item<bool>(); }

std::vector<int> numbers_to(std::int64_t count) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

bool is_asked_for(const Request& request, bool cross) {
  return cross == (request.part == AttentionPart::cross);
}

}  // namespace

bool Run::is_sound() const {
  return sound && (lengths.empty() || at::stack(lengths).le(kMost).all().item<bool>());
}

void Run::look_at(const at::Tensor& numbers) {
  // Of a short text this is quicker than it is to call an operator.
  constexpr std::int64_t kFew = 1 << 16;
  const bool plain = numbers.is_cpu() && numbers.scalar_type() == at::kFloat;
  if (plain && numbers.numel() <= kFew && numbers.is_non_overlapping_and_dense()) {
    const std::span all(numbers.const_data_ptr<float>(), static_cast<std::size_t>(numbers.numel()));
    for (const float number : all) sound &= std::abs(number) <= kMost;  // NaN is not
  } else {
    lengths.push_back(at::linalg_vector_norm(numbers, 2, {}, /*keepdim=*/false, at::kFloat));
  }
}

Stack::Stack(const Architecture& architecture, const Weights& weights, c10::Device device)
    : architecture_(architecture),
      activation_(find_activation(architecture.activation)),
      device_(device),
      embeddings_(bind_embeddings(architecture, weights)),
      layers_(bind_layers(architecture, weights)),
      final_norm_(architecture.decoder ? bind_final_norm(architecture, weights) : std::nullopt) {}

Run Stack::start(const Batch& batch, const Request& request) const {
  Run run{request, Scores(architecture_, embeddings_, batch, device_, request.eager), choose(request.heads)};
  if (has_bias()) run.lengths.push_back(run.scores.size_of_bias().to(device_));
  return run;
}

at::Tensor Stack::run_layers(std::size_t count, const Batch& batch, Run& run) const {
  at::Tensor states = embed(batch);
  watch_states(0, states, run);
  for (std::size_t index = 0; index < count; ++index) {
    states = run_layer(index, std::move(states), run);
    watch_states(static_cast<int>(index) + 1, states, run);
  }
  return states;
}

at::Tensor Stack::run_through(const Batch& batch, Run& run) const {
  at::Tensor states = run_layers(layers_.size(), batch, run);
  if (!run.request.eager) run.look_at(states);
  if (run.bad_states && !run.fault) {
    run.fault = NotFinite{.layer = static_cast<int>(layers_.size()), .bad_states = run.bad_states};
  }
  return states;
}

at::Tensor Stack::encode(const Batch& batch, Run& run) const {
  const at::Tensor states = run_through(batch, run);
  return final_norm_ ? (*final_norm_)(states) : states;
}

void Stack::take_out(const Batch& batch, Run& run) const {
  const auto last = static_cast<std::size_t>(run.request.deepest - 1);
  const bool cross = run.request.part == AttentionPart::cross;
  at::Tensor states = run_layers(last, batch, run);
  if (cross) states = add_attention({last}, std::move(states), run);
  attend_last({last, cross}, states, run);
  store_taken(run);
}

at::Tensor Stack::embed(const Batch& batch) const {
  const at::Tensor ids = batch.ids.flatten();
  at::Tensor states = embeddings_.words->rows(ids);
  if (architecture_.word_scale != 1) states *= architecture_.word_scale;
  if (embeddings_.word_projection) states = (*embeddings_.word_projection)(states);
  if (embeddings_.types) states += embeddings_.types->rows(batch.types.flatten());
  if (embeddings_.positions) states += embeddings_.positions->rows(positions(batch.ids).flatten());
  const std::int64_t tokens = batch.ids.size(1);
  states = states.view({batch.ids.size(0), tokens, -1});
  if (architecture_.sinusoids && !embeddings_.positions)
    states += sinusoids(tokens, states.size(-1)).to(device_);
  if (embeddings_.norm) states = (*embeddings_.norm)(states);
  return embeddings_.projection ? (*embeddings_.projection)(states) : states;
}

at::Tensor Stack::positions(const at::Tensor& ids) const {
  const std::int64_t first = architecture_.first_position;
  if (architecture_.uncounted_id < 0) return at::arange(first, first + ids.size(1), at::kLong).expand_as(ids);
  // A token that is the padding token, even inside the text, has no position and moves none.
  const at::Tensor counted = ids.ne(architecture_.uncounted_id).to(at::kLong);
  return at::cumsum(counted, 1).mul_(counted).add_(first - 1);
}

HeadChoice Stack::choose(const std::vector<int>& heads) const {
  if (heads == numbers_to(architecture_.heads)) return {};
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

const AttentionBlock& Stack::block_at(const Place& place) const {
  const Layer& layer = layers_[place.index];
  return place.cross ? *layer.cross : layer.self;
}

at::Tensor Stack::attention_input(const AttentionBlock& block, const at::Tensor& states) const {
  return architecture_.order == NormOrder::behind ? states : block.norm(states);
}

/// Each key head's vectors, once for every head that it serves.
at::Tensor Stack::spread(const at::Tensor& of_key_heads) const {
  if (architecture_.key_heads == architecture_.heads) return of_key_heads;
  return of_key_heads.repeat_interleave(architecture_.heads / architecture_.key_heads, 1);
}

/// The attention's output [sentences, heads, tokens, head_size]; maps that are wanted are computed beside it.
at::Tensor Stack::attend(const Place& place, const at::Tensor& states, Run& run) const {
  const AttentionBlock& block = block_at(place);
  const Scores& scores = place.cross ? run.source->scores : run.scores;
  const at::Tensor input = attention_input(block, states);
  const at::Tensor& read = place.cross ? run.source->states : input;
  // One after the other, so that each is freed when it has been turned.
  Vectors all;
  all.query = scores.rotated(block.query(input));
  all.key = spread(scores.rotated(block.key(read)));
  all.value = spread(block.value(read));
  watch(place, all, numbers_to(architecture_.heads), run);
  const bool asked_for = is_asked_for(run.request, place.cross);
  const int number = static_cast<int>(place.index) + 1;
  if (const auto& asked = run.request.layers;
      asked_for && std::find(asked.begin(), asked.end(), number) != asked.end()) {
    Vectors chosen = all;
    if (run.choice.heads.defined()) {
      const at::Tensor heads = run.choice.heads.to(device_);
      for (at::Tensor* const some : {&chosen.query, &chosen.key, &chosen.value})
        *some = some->index_select(1, heads);
    }
    take(place, chosen, run);
  }
  at::Tensor context = scores.attended(all.query, all.key, all.value, architecture_.layers[place.index]);
  for (const HeadPlace& ablated : run.request.ablated) {
    if (asked_for && ablated.layer == number) context.select(1, ablated.head).zero_();
  }
  return context;
}

/// Behind the deepest layer asked for nothing is needed: only what its maps are made of, of the heads asked
/// for.
void Stack::attend_last(const Place& place, const at::Tensor& states, Run& run) const {
  const AttentionBlock& block = block_at(place);
  const Scores& scores = place.cross ? run.source->scores : run.scores;
  const HeadChoice& choice = run.choice;
  const at::Tensor input = attention_input(block, states);
  const at::Tensor& read = place.cross ? run.source->states : input;
  const auto for_each_head = [&](const at::Tensor& of_key_heads) {
    if (!choice.heads.defined()) return spread(of_key_heads);
    if (architecture_.key_heads == architecture_.heads) return of_key_heads;
    return of_key_heads.index_select(1, choice.key_of.to(device_));
  };
  Vectors chosen;
  chosen.query = scores.rotated(block.query(input, choice.heads));
  chosen.key = for_each_head(scores.rotated(block.key(read, choice.key_heads)));
  if (run.request.kind == WeightKind::norm) chosen.value = for_each_head(block.value(read, choice.key_heads));
  watch(place, chosen, run.request.heads, run);
  take(place, chosen, run);
}

/// Notes what tells whether a layer's scores are finite; in an eager run, which of `heads`, whose vectors
/// these are, has the first that is not.
void Stack::watch(const Place& place, const Vectors& vectors, const std::vector<int>& heads, Run& run) const {
  if (!run.request.eager) {
    run.look_at(vectors.query);
    run.look_at(vectors.key);
    return;
  }
  if (run.fault) return;
  const Scores& scores = place.cross ? run.source->scores : run.scores;
  for (std::size_t slot = 0; slot < heads.size(); ++slot) {
    if (run.fault && *run.fault->head < heads[slot]) continue;
    const auto of_head = [&](const at::Tensor& of_all) {
      return of_all.narrow(1, static_cast<std::int64_t>(slot), 1);
    };
    const std::optional<BadScore> bad = scores.find_bad(of_head(vectors.query), of_head(vectors.key),
                                                        architecture_.layers[place.index], heads[slot]);
    if (bad) {
      run.fault = NotFinite{static_cast<int>(place.index) + 1, place.cross, heads[slot], bad, run.bad_states};
    }
  }
}

void Stack::watch_states(int layer, const at::Tensor& states, Run& run) const {
  if (run.request.eager && !run.bad_states && !is_finite(states)) run.bad_states = layer;
}

void Stack::watch_norms(const Place& place, const at::Tensor& maps, Run& run) const {
  if (!run.request.eager) return run.look_at(maps);
  for (std::size_t slot = 0; slot < run.request.heads.size() && !run.fault; ++slot) {
    if (is_finite(maps.select(1, static_cast<std::int64_t>(slot)))) continue;
    run.fault = NotFinite{.layer = static_cast<int>(place.index) + 1,
                          .cross = place.cross,
                          .head = run.request.heads[slot],
                          .bad_states = run.bad_states};
  }
}

/// Takes a layer's maps of the heads asked for out.
void Stack::take(const Place& place, const Vectors& chosen, Run& run) const {
  const Scores& scores = place.cross ? run.source->scores : run.scores;
  const int number = static_cast<int>(place.index) + 1;
  // The rounding of scores, which may be large, would be much of a weight.
  const auto exact = [](const at::Tensor& vectors) {
    return vectors.to(at::kFloat, /*non_blocking=*/false, /*copy=*/false, at::MemoryFormat::Contiguous);
  };
  const at::Tensor query = exact(chosen.query), key = exact(chosen.key);
  at::Tensor maps = scores.maps(query, key, architecture_.layers[place.index], run.choice.heads);
  if (run.request.kind == WeightKind::norm) {
    // ‖α f(x)‖ = α ‖f(x)‖, as no weight is below 0.
    maps.mul_(norms(block_at(place).output, chosen.value, run.request.heads).unsqueeze(2));
    watch_norms(place, maps, run);
  }
  store_taken(run);  // of the layer before, while a GPU computes this one
  run.taken.push_back({number, &Attention::weights, Arrival(maps)});
  if (run.request.with_query_key) {
    run.taken.push_back({number, &Attention::query, Arrival(query)});
    run.taken.push_back({number, &Attention::key, Arrival(key)});
  }
  if (device_.is_cpu()) store_taken(run);
}

/// The states with an attention's output. Takes them over, so that they are freed when used.
at::Tensor Stack::add_attention(const Place& place, at::Tensor states, Run& run) const {
  const AttentionBlock& block = block_at(place);
  at::Tensor merged = attend(place, states, run).transpose(1, 2).flatten(2);
  const at::Tensor attended = block.output(merged).add_(states);
  merged.reset();
  states.reset();
  return architecture_.order == NormOrder::behind ? block.norm(attended) : attended;
}

at::Tensor Stack::feed_forward(const Layer& layer, const at::Tensor& input) const {
  if (!layer.gate) return layer.outer(activation_(layer.inner(input)));
  return layer.outer(activation_((*layer.gate)(input)).mul_(layer.inner(input)));
}

at::Tensor Stack::run_layer(std::size_t index, at::Tensor states, Run& run) const {
  const Layer& layer = layers_[index];
  if (architecture_.order == NormOrder::parallel) {
    const at::Tensor attended = add_attention({index}, states, run);
    return attended.add_(feed_forward(layer, layer.output_norm(states)));
  }
  states = add_attention({index}, std::move(states), run);
  if (layer.cross) states = add_attention({index, /*cross=*/true}, std::move(states), run);
  if (architecture_.order == NormOrder::before) {
    return states.add_(feed_forward(layer, layer.output_norm(states)));
  }
  return layer.output_norm(feed_forward(layer, states).add_(states));
}

}  // namespace attnviz
