#include <algorithm>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/push_relabel_max_flow.hpp>
#include <cmath>
#include <cstdint>
#include <future>
#include <limits>
#include <string>
#include <thread>
#include <utility>

#include "analysis/shape.h"
#include "attnviz/analysis.h"
#include "attnviz/error.h"

namespace attnviz {
namespace {

/// Capacities in units of 2^-40: sums and differences are exact, as push-relabel needs them to end.
using Amount = std::int64_t;
constexpr int kUnitBits = 40;

/// The tokens of every level, from the input (level 0) to what the last layer gives, and between neighbouring
/// levels an edge from each token down to each, of capacity ½(A + I). Boost.Graph finds the flow.
class FlowNetwork {
 public:
  FlowNetwork(const std::vector<std::vector<double>>& layers, std::size_t tokens)
      : tokens_(tokens), top_(layers.size()), graph_(graph_of(layers.size(), tokens)) {
    const std::size_t edges = boost::num_edges(graph_);
    capacity_.resize(edges);
    residual_.resize(edges);
    reverse_.resize(edges);
    for (auto [edge, end] = boost::edges(graph_); edge != end; ++edge) {
      const std::size_t from = boost::source(*edge, graph_), to = boost::target(*edge, graph_);
      const std::size_t index = boost::get(boost::edge_index, graph_, *edge);
      reverse_[index] = boost::edge(to, from, graph_).first;
      if (from < to) continue;  // upwards only flow that is taken back
      const std::size_t layer = from / tokens_ - 1;
      const double weight = layers[layer][from % tokens_ * tokens_ + to % tokens_];
      capacity_[index] = std::llround(std::ldexp(weight, kUnitBits));
    }
  }

  /// From a token of the last layer to one of the input.
  [[nodiscard]] double between(std::size_t from, std::size_t to) {
    const auto index = boost::get(boost::edge_index, graph_);
    const Amount flow = boost::push_relabel_max_flow(
        graph_, top_ * tokens_ + from, to, boost::make_iterator_property_map(capacity_.begin(), index),
        boost::make_iterator_property_map(residual_.begin(), index),
        boost::make_iterator_property_map(reverse_.begin(), index), boost::get(boost::vertex_index, graph_));
    return std::ldexp(static_cast<double>(flow), -kUnitBits);
  }

 private:
  using Graph = boost::compressed_sparse_row_graph<boost::directedS>;

  static Graph graph_of(std::size_t layers, std::size_t tokens) {
    std::vector<std::pair<std::size_t, std::size_t>> edges;  // sorted by where they begin
    const auto add = [&](std::size_t from, std::size_t level) {
      for (std::size_t to = 0; to < tokens; ++to) edges.emplace_back(from, level * tokens + to);
    };
    for (std::size_t from = 0; from < (layers + 1) * tokens; ++from) {
      const std::size_t level = from / tokens;
      if (level > 0) add(from, level - 1);
      if (level < layers) add(from, level + 1);
    }
    return {boost::edges_are_sorted, edges.begin(), edges.end(), (layers + 1) * tokens};
  }

  std::size_t tokens_, top_;
  Graph graph_;
  std::vector<Amount> capacity_, residual_;
  std::vector<Graph::edge_descriptor> reverse_;
};

}  // namespace

std::vector<float> attention_flow(const Attention& attention, std::optional<int> head) {
  const std::size_t tokens = tokens_of(attention);
  if (tokens > kMostFlowTokens) {
    throw Error("attention flow: takes at most " + std::to_string(kMostFlowTokens) + " tokens, got " +
                    std::to_string(tokens),
                "rollout takes any number");
  }
  const std::vector<std::vector<double>> layers = residual_layers(attention, head);
  std::vector<float> flow(tokens * tokens);
  const auto finite = [](double capacity) { return std::isfinite(capacity); };
  for (const std::vector<double>& layer : layers) {
    if (std::all_of(layer.begin(), layer.end(), finite)) continue;
    std::fill(flow.begin(), flow.end(), std::numeric_limits<float>::quiet_NaN());
    return flow;
  }
  const FlowNetwork network(layers, tokens);
  const std::size_t workers = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, tokens);
  std::vector<std::future<void>> done;
  for (std::size_t worker = 0; worker < workers; ++worker) {
    done.push_back(std::async(std::launch::async, [&, worker, own = network]() mutable {
      for (std::size_t from = worker; from < tokens; from += workers) {
        for (std::size_t to = 0; to < tokens; ++to) {
          flow[from * tokens + to] = static_cast<float>(own.between(from, to));
        }
      }
    }));
  }
  for (std::future<void>& worker : done) worker.get();
  return flow;
}

}  // namespace attnviz
