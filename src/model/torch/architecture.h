/// What a checkpoint's config.json says about the forward pass, as plain data: families differ in nothing
/// else. Needs no libtorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/torch/config.h"

namespace attnviz {

/// How the parts are called in the file, without ".weight" and ".bias". An empty name: there is no such part.
struct TensorNames {
  std::string words = {};                     ///< every checkpoint of the family has it
  std::vector<std::string> other_words = {};  ///< or one of these, where several parts share it
  std::string positions = {};                 ///< empty: none are learned
  std::string types = {};                     ///< token types
  std::string word_projection = {};           ///< of the words alone, to the model's width
  std::string embedding_norm = {};            ///< of words, positions and types together
  std::string embedding_projection = {};      ///< to the model's width, behind the norm
  std::string relative_bias = {};             ///< on scores, by distance

  // Behind a layer's own prefix:
  std::string query = {}, key = {}, value = {};  ///< one name where they are fused
  std::string query_norm = {}, key_norm = {};
  std::string output = {};          ///< of the attention
  std::string attention_norm = {};  ///< before or behind the attention, as the order says
  std::string cross_query = {}, cross_key = {}, cross_value = {};  ///< a decoder's, of what its encoder gives
  std::string cross_output = {}, cross_norm = {};
  std::string gate = {};               ///< beside `inner`: activation(gate(x)) · inner(x)
  std::string inner = {}, outer = {};  ///< the feed-forward part
  std::string output_norm = {};        ///< before or behind the feed-forward part

  std::string final_norm = {};        ///< behind the last layer
  std::string final_projection = {};  ///< behind that, to the words' width, without bias
};

/// What makes a prediction of the last states.
struct TopPlan {
  std::string next_token = {};  ///< to logits of the vocabulary, without bias; empty: none is known
  bool tied = true;             ///< the word embedding stands in for it

  std::string classifier = "classifier";  ///< of the first token
  bool last_token = false;                ///< a classifier of the last one, which has no bias
  std::int64_t padding_id = -1;           ///< which passes over these, without a pad_token_id; -1: none
  std::string pooler = {};                ///< before it, from the model's width to the same
  bool pooler_inside = false;             ///< its name has the encoder's prefix
  std::string pooler_activation = "tanh";
};

struct LayerPlan {
  std::string prefix = {};  ///< of its tensors' names; layers of one prefix share them
  double scale = 1;         ///< what the dot products are multiplied with
  std::int64_t window = 0;  ///< a query sees the keys that stand fewer than that from it; 0: all
};

/// Positions as rotations of queries and keys (Su et al. 2021), of their first 2 · frequencies.size()
/// numbers, the first half of them against the second.
struct Rotary {
  std::vector<float> frequencies;  ///< radians a token; none: no rotation
  double factor = 1;               ///< of the rotated vectors' length
};

enum class NormKind { layer, rms, rms_around_one };  ///< the last stores its weights less 1
enum class NormOrder {
  behind,   ///< behind each part and its residual (BERT)
  before,   ///< before each part, inside its residual (GPT-2)
  parallel  ///< before, and both parts read the layer's input (GPT-NeoX)
};
enum class Fused {
  no,
  in_thirds,  ///< all queries, all keys, all values
  by_head     ///< query, key and value of head 0, of head 1, …
};

/// A stack of layers, and the one behind it.
struct Architecture {
  TensorNames names;
  TopPlan top;
  std::vector<LayerPlan> layers;
  std::int64_t heads = 0;
  std::int64_t key_heads = 0;  ///< each serves heads / key_heads neighbouring heads
  std::int64_t head_size = 0;
  std::int64_t hidden = 0;
  std::int64_t embedding = 0;  ///< width of the word embedding
  std::int64_t inner = 0;      ///< width of the feed-forward part
  std::int64_t vocabulary = 0;
  std::int64_t types = 0;  ///< rows of the token type embedding
  bool causal = false;     ///< a query sees itself and what is before it
  bool scales_queries = false;  ///< before their products with keys, which then overflow later
  bool mask_replaces = false;  ///< scores; in all other families it is added to them, and NaN stays NaN

  std::int64_t positions = 0;       ///< rows of the position embedding; where there is none, the most tokens
  std::int64_t first_position = 0;  ///< the first token's
  /// RoBERTa counts only other tokens; those with this id have the position before the first. -1: none.
  std::int64_t uncounted_id = -1;
  bool sinusoids = false;  ///< positions are computed where the file has none (Vaswani et al. 2017)
  Rotary rotary;
  std::int64_t buckets = 0;   ///< rows of the relative bias
  std::int64_t furthest = 0;  ///< the distance from which on it no longer changes
  bool only_before = false;   ///< all rows are for keys before the query

  NormKind norm = NormKind::layer;
  NormOrder order = NormOrder::behind;
  double epsilon = 1e-12;  ///< of the norms
  std::string activation;  ///< as transformers names it
  double word_scale = 1;   ///< what the word embeddings are multiplied with
  Fused fused = Fused::no;
  bool input_major = false;  ///< projections are stored as [inputs, outputs]
  bool projection_bias = true, output_bias = true, feed_forward_bias = true;

  std::shared_ptr<const Architecture> decoder = {};  ///< of an encoder-decoder, whose encoder this is

  /// A tensor that every checkpoint of the family has, under one name.
  [[nodiscard]] std::string anchor() const;

  /// The most tokens that have a position.
  [[nodiscard]] std::size_t max_tokens() const {
    return static_cast<std::size_t>(positions - first_position);
  }
};

/// The row of the relative bias for a key that stands `distance` behind its query: half the rows are for keys
/// before it, half for those behind, each small distance with its own, larger ones together (Raffel et al.
/// 2020); or all rows are for keys before it, and those behind share the query's own.
[[nodiscard]] std::int64_t relative_bucket(const Architecture& architecture, std::int64_t distance);

/// Missing entries take the defaults of transformers' configuration classes. Throws Error naming the file and
/// the entry that is malformed, or that asks for a variant which is not implemented.
[[nodiscard]] Architecture read_architecture(const Config& config);

}  // namespace attnviz
