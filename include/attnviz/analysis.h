/// analysis: what attention says. Tokens merged or left out, metrics of heads and layers, connections
/// between tokens, and attention through all layers.
///
/// Where nothing else is said, A is one head's matrix of n × n, its rows sum to 1, logarithms are natural
/// (entropies are in nats), and every function throws Error when labels and matrix do not match.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attnviz/attention.h"
#include "attnviz/text.h"

namespace attnviz {

// --- Which tokens

/// Each group of neighbouring tokens as one: the sum over the key's pieces, the mean over the query's
/// (Clark et al. 2019, section 4.1), so that rows still sum to 1. Groups are in order and do not overlap;
/// tokens in no group are left out, and rows then sum to less. Query and key vectors are dropped.
[[nodiscard]] Attention merge_tokens(const Attention& attention, std::span<const TokenGroup> groups);
/// The same where queries and keys are not the same tokens.
[[nodiscard]] Attention merge_tokens(const Attention& attention, std::span<const TokenGroup> queries,
                                     std::span<const TokenGroup> keys);

/// Divides every row by its sum; a row without any weight stays as it is.
[[nodiscard]] Attention renormalized(Attention attention);

// --- Heads and layers

/// One head's metrics. The first seven are heuristics of course material on attention, kept to the letter so
/// that its numbers can be reproduced; the others are the literature's (Clark et al. 2019).
struct HeadMetrics {
  int layer = 0;                ///< counting from 1
  int head = 0;                 ///< counting from 0
  double entropy = 0;           ///< mean over rows of −Σ A·log(A + 1e-10)
  double locality = 0;          ///< mean over rows of Σ A where |i − j| ≤ 2
  double first_token = 0;       ///< mean of column 0
  double diagonal = 0;          ///< Σ A[i, i]; divided by n it is a share
  double last_row_entropy = 0;  ///< entropy of the last row
  double distance_score = 0;    ///< Σ A[i, j] / (|i − j| + 1), divided by n²
  double punctuation = 0;       ///< mean, over the tokens . , ! ? ; :, of their column's mean; 0 without any
  double distance_score_per_row = 0;  ///< distance_score times n: does not fade with the length
  double previous = 0;                ///< mean weight on the token before (rows 1 …)
  double next = 0;                    ///< mean weight on the token behind (rows … n − 2)
  double special = 0;                 ///< mean over rows of the weight on special tokens
  double mean_distance = 0;           ///< mean over rows of Σ A·|i − j|
};

/// Above which values a head gets a label, and two tokens a connection.
struct Thresholds {
  double global = 2.0;           ///< entropy → "global"
  double local = 0.7;            ///< locality → "local"
  double special_token = 0.3;    ///< first_token → "special_token"
  double positional = 0.15;      ///< distance_score → "positional"
  double delimiter = 0.2;        ///< punctuation → "delimiter"
  double explorer_local = 0.5;   ///< diagonal → the explorer's LOCAL
  double explorer_global = 2.0;  ///< last_row_entropy → the explorer's GLOBAL
  double connection = 0.1;       ///< weight of a connection
};

/// Of every layer and head, in the attention's order.
[[nodiscard]] std::vector<HeadMetrics> head_metrics(const Attention& attention,
                                                    std::span<const TokenLabel> labels);

/// global, local, special_token, positional, delimiter: those that apply, in this order.
[[nodiscard]] std::vector<std::string> labels_of(const HeadMetrics& metrics, const Thresholds& thresholds);

struct LayerMetrics {
  int layer = 0;           ///< counting from 1
  double mean_weight = 0;  ///< over heads, queries and keys; 1/n unless tokens were left out
  double entropy = 0;      ///< mean over its heads
};

[[nodiscard]] std::vector<LayerMetrics> layer_metrics(const Attention& attention);

/// The entropy of attention that is spread evenly: log n, or for a causal model the mean of log(i + 1).
[[nodiscard]] double uniform_entropy(std::size_t tokens, bool causal);

/// The mean over all layers and heads: [queries, keys], row-major.
[[nodiscard]] std::vector<float> overall_mean(const Attention& attention);

/// What each token receives: the column sums of overall_mean.
[[nodiscard]] std::vector<double> received(const Attention& attention);

// --- Connections between tokens

enum class ConnectionKind {
  positional,  ///< neighbours
  special,     ///< either end is a special token
  syntactic,   ///< the query is the, a or an
  semantic,    ///< any other
};

struct Connection {
  std::size_t from = 0, to = 0;  ///< query and key, counting from 0
  double weight = 0;
  ConnectionKind kind = ConnectionKind::semantic;
};

/// Different tokens whose weight exceeds `threshold`, strongest first; the first kind that fits.
[[nodiscard]] std::vector<Connection> connections(const MatrixView& weights,
                                                  std::span<const TokenLabel> labels, double threshold);

/// "positional", …
[[nodiscard]] std::string name_of(ConnectionKind kind);

// --- Through all layers (Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers")

/// Attention rollout: the product of ½(A + I) over the layers, A the mean over heads (or one head), rows
/// renormalised. One matrix [queries, keys] a layer, the product up to it; the last is the whole
/// model's. The attention holds all layers from 1 on in their order, else Error.
[[nodiscard]] std::vector<std::vector<float>> rollout(const Attention& attention,
                                                      std::optional<int> head = std::nullopt);

/// The share of all weight that lies on the first `count` keys. A causal model's rollout piles up there:
/// every layer moves weight to earlier tokens and none back. Say it beside such a rollout.
[[nodiscard]] double share_of_first(const MatrixView& weights, std::size_t count = 1);

/// The most tokens that attention_flow takes.
inline constexpr std::size_t kMostFlowTokens = 64;

/// Attention flow: the maximum flow from each token of the last layer to each input token, through edges
/// of capacity ½(A + I). [queries, keys]; rows do not sum to 1. Throws Error beyond kMostFlowTokens.
[[nodiscard]] std::vector<float> attention_flow(const Attention& attention,
                                                std::optional<int> head = std::nullopt);

}  // namespace attnviz
