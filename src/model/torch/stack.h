/// A stack of layers, run from token ids to its last states, with the attention taken out that is asked for.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <optional>
#include <vector>

#include "model/torch/activation.h"
#include "model/torch/architecture.h"
#include "model/torch/layers.h"
#include "model/torch/not_finite.h"
#include "model/torch/request.h"
#include "model/torch/runtime.h"
#include "model/torch/scores.h"

namespace attnviz {

/// Which heads are wanted, and the key heads that serve them, as int64 on the CPU; undefined when that is all
/// of them in order.
struct HeadChoice {
  at::Tensor heads;
  at::Tensor key_heads;  ///< each once
  at::Tensor key_of;     ///< for each of `heads`, its key head's place among `key_heads`
};

/// What a decoder behind an encoder reads of it.
struct Source {
  at::Tensor states;  ///< [sentences, source tokens, hidden]
  Scores scores;
};

/// What a layer gave, on its way to the results' member `to`.
struct Taken {
  int layer = 1;
  std::vector<float> Attention::*to = nullptr;
  Arrival values;
};

/// What one run carries from layer to layer.
struct Run {
  const Request& request;
  Scores scores;
  HeadChoice choice = {};
  std::vector<Attention> results = {};
  std::vector<Taken> taken = {};  ///< not in the results yet
  std::optional<Source> source = {};
  bool sound = true;                      ///< of what was looked at, beside
  std::vector<at::Tensor> lengths = {};   ///< of all queries, or all keys, of a layer as one vector
  std::optional<NotFinite> fault = {};    ///< looked for in an eager run
  std::optional<int> bad_states = {};     ///< as the fault's, likewise

  /// Whether all was finite, and far from what overflows: then the fused kernel gives what eager attention
  /// does, which it does not where queries or keys are not finite. Not of an eager run.
  [[nodiscard]] bool is_sound() const;

  /// Looks at numbers that it depends on.
  void look_at(const at::Tensor& numbers);
};

class Stack {
 public:
  /// Throws Error when a tensor is missing or has another shape than the configuration says. `architecture`
  /// outlives it.
  Stack(const Architecture& architecture, const Weights& weights, c10::Device device);

  [[nodiscard]] const Architecture& architecture() const { return architecture_; }

  /// Of no results yet, and no source.
  [[nodiscard]] Run start(const Batch& batch, const Request& request) const;

  /// The states behind all layers.
  [[nodiscard]] at::Tensor run_through(const Batch& batch, Run& run) const;

  /// What a decoder behind it reads: those states behind the norm there.
  [[nodiscard]] at::Tensor encode(const Batch& batch, Run& run) const;

  /// Fills the results, and runs no further than the deepest layer that is asked for.
  void take_out(const Batch& batch, Run& run) const;

  /// Whether query and key vectors make up the weights of its own tokens.
  [[nodiscard]] bool has_bias() const { return embeddings_.relative_bias != nullptr; }

 private:
  /// The states behind the first `count` layers.
  [[nodiscard]] at::Tensor run_layers(std::size_t count, const Batch& batch, Run& run) const;

  /// A layer's attention: to its own tokens, or across to its source's.
  struct Place {
    std::size_t index = 0;
    bool cross = false;
  };
  /// [sentences, heads, tokens, head_size]; of some heads, or of all.
  struct Vectors {
    at::Tensor query, key, value;
  };

  [[nodiscard]] at::Tensor embed(const Batch& batch) const;
  [[nodiscard]] at::Tensor positions(const at::Tensor& ids) const;
  [[nodiscard]] HeadChoice choose(const std::vector<int>& heads) const;
  [[nodiscard]] const AttentionBlock& block_at(const Place& place) const;
  [[nodiscard]] at::Tensor attention_input(const AttentionBlock& block, const at::Tensor& states) const;
  [[nodiscard]] at::Tensor spread(const at::Tensor& of_key_heads) const;
  void watch(const Place& place, const Vectors& vectors, const std::vector<int>& heads, Run& run) const;
  void watch_states(int layer, const at::Tensor& states, Run& run) const;
  void watch_norms(const Place& place, const at::Tensor& maps, Run& run) const;
  void take(const Place& place, const Vectors& chosen, Run& run) const;
  [[nodiscard]] at::Tensor attend(const Place& place, const at::Tensor& states, Run& run) const;
  void attend_last(const Place& place, const at::Tensor& states, Run& run) const;
  [[nodiscard]] at::Tensor add_attention(const Place& place, at::Tensor states, Run& run) const;
  [[nodiscard]] at::Tensor feed_forward(const Layer& layer, const at::Tensor& input) const;
  [[nodiscard]] at::Tensor run_layer(std::size_t index, at::Tensor states, Run& run) const;

  const Architecture& architecture_;
  Activation activation_;
  c10::Device device_;
  Embeddings embeddings_;
  std::vector<Layer> layers_;
  std::optional<Norm> final_norm_;
};

}  // namespace attnviz
