#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "analysis/shape.h"
#include "attnviz/analysis.h"
#include "attnviz/error.h"

namespace attnviz {
namespace {

/// Capacities in units of 2^-40, so that sums and differences are exact and no tolerance is needed.
using Amount = std::int64_t;
constexpr int kUnitBits = 40;

/// Maximum flow from tokens of the last layer to input tokens, by Dinic's algorithm (1970): flow along
/// shortest paths until none has room, then along longer ones. Flow goes down through the layers, or back up
/// where it takes earlier flow back. Both kinds of edges join every token of one level to every token
/// of the next, so residuals are matrices rather than a graph's lists.
class FlowNetwork {
 public:
  FlowNetwork(const std::vector<std::vector<double>>& layers, std::size_t tokens)
      : tokens_(tokens), top_(layers.size()), distance_((top_ + 1) * tokens), next_((top_ + 1) * tokens) {
    for (const std::vector<double>& layer : layers) {
      for (const double weight : layer) capacity_.push_back(std::llround(std::ldexp(weight, kUnitBits)));
    }
  }

  [[nodiscard]] double between(std::size_t from, std::size_t to) {
    down_ = capacity_;
    up_.assign(capacity_.size(), 0);
    source_ = top_ * tokens_ + from;
    sink_ = to;
    const Amount most = std::min(leaving(from), entering(to));
    Amount flow = 0;
    while (flow < most && find_distances()) {
      std::fill(next_.begin(), next_.end(), 0);
      flow += push(source_, most - flow);
    }
    return std::ldexp(static_cast<double>(flow), -kUnitBits);
  }

 private:
  // A node is level · tokens + token; level 0 is the input, level l what layer l gives. The edge between
  // token `upper` of a level and token `lower` of the one below is (level · tokens + upper) · tokens + lower,
  // counted from level 1.
  [[nodiscard]] std::size_t edge(std::size_t upper_node, std::size_t lower) const {
    return (upper_node - tokens_) * tokens_ + lower;
  }

  [[nodiscard]] Amount leaving(std::size_t from) const {
    Amount sum = 0;
    for (std::size_t token = 0; token < tokens_; ++token)
      sum += capacity_[edge(top_ * tokens_ + from, token)];
    return sum;
  }

  [[nodiscard]] Amount entering(std::size_t to) const {
    Amount sum = 0;
    for (std::size_t token = 0; token < tokens_; ++token) sum += capacity_[edge(tokens_ + token, to)];
    return sum;
  }

  /// Of each node to the sink, along edges with room; false when the source is cut off.
  bool find_distances() {
    std::fill(distance_.begin(), distance_.end(), kUnreached);
    queue_.assign(1, sink_);
    distance_[sink_] = 0;
    for (std::size_t first = 0; first < queue_.size() && distance_[source_] == kUnreached; ++first) {
      const std::size_t node = queue_[first], level = node / tokens_, token = node % tokens_;
      const auto reach = [&](std::size_t other, Amount room) {
        if (room == 0 || distance_[other] != kUnreached) return;
        distance_[other] = distance_[node] + 1;
        queue_.push_back(other);
      };
      for (std::size_t other = 0; other < tokens_; ++other) {
        const std::size_t above = (level + 1) * tokens_ + other;
        if (level < top_) reach(above, down_[edge(above, token)]);
        if (level > 0) reach((level - 1) * tokens_ + other, up_[edge(node, other)]);
      }
    }
    return distance_[source_] != kUnreached;
  }

  /// Sends up to `wanted` from a node to the sink along shortest paths; returns how much arrived.
  Amount push(std::size_t node, Amount wanted) {
    if (node == sink_) return wanted;
    const std::size_t level = node / tokens_, token = node % tokens_;
    Amount sent = 0;
    // Edges in front of next_ are used up for as long as distances stay.
    for (std::size_t& next = next_[node]; next < 2 * tokens_; ++next) {
      const bool downward = next < tokens_;
      const std::size_t other = downward ? next : next - tokens_;
      if (downward ? level == 0 : level == top_) continue;
      const std::size_t other_node = (downward ? level - 1 : level + 1) * tokens_ + other;
      if (distance_[other_node] + 1 != distance_[node]) continue;
      const std::size_t index = downward ? edge(node, other) : edge(other_node, token);
      Amount& room = downward ? down_[index] : up_[index];
      if (room == 0) continue;
      const Amount arrived = push(other_node, std::min(wanted - sent, room));
      room -= arrived;
      (downward ? up_[index] : down_[index]) += arrived;
      sent += arrived;
      if (sent == wanted) break;
    }
    return sent;
  }

  static constexpr int kUnreached = -1;

  std::size_t tokens_, top_;
  std::vector<Amount> capacity_;
  std::vector<Amount> down_, up_;  ///< what each edge can still take, and what can be taken back from it
  std::vector<int> distance_;
  std::vector<std::size_t> next_;
  std::vector<std::size_t> queue_;
  std::size_t source_ = 0, sink_ = 0;
};

}  // namespace

std::vector<float> attention_flow(const Attention& attention, std::optional<int> head) {
  const std::size_t tokens = tokens_of(attention);
  if (tokens > kMostFlowTokens) {
    throw Error("attention flow: takes at most " + std::to_string(kMostFlowTokens) + " tokens, got " +
                    std::to_string(tokens),
                "rollout takes any number");
  }
  FlowNetwork network(residual_layers(attention, head), tokens);
  std::vector<float> flow;
  for (std::size_t from = 0; from < tokens; ++from) {
    for (std::size_t to = 0; to < tokens; ++to) {
      flow.push_back(static_cast<float>(network.between(from, to)));
    }
  }
  return flow;
}

}  // namespace attnviz
