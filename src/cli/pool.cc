#include "cli/pool.h"

#include <algorithm>

namespace attnviz::cli {
namespace {

const Choices<Pool> kPools = {{"max", Pool::max}, {"mean", Pool::mean}};

PoolOptions read_pool(const Given& given) {
  constexpr int kMost = 1 << 16;
  const std::size_t colon = given.value.find(':');
  PoolOptions options{.how = read_choice({given.flag, given.value.substr(0, colon)}, kPools)};
  if (colon == std::string::npos) return options;
  options.by = static_cast<std::size_t>(read_integer({given.flag, given.value.substr(colon + 1)}, 1, kMost));
  return options;
}

void note(std::vector<std::string>& notes, const std::string& line) {
  if (std::find(notes.begin(), notes.end(), line) == notes.end()) notes.push_back(line);
}

}  // namespace

void add_pool_flag(Flags& flags, PoolOptions& options) {
  flags.value("--pool", "max|mean[:N]",
              "where a map has more than " + std::to_string(kMostUnpooled) +
                  " tokens, a cell shows the largest of several weights, or their mean; with :N of N × N "
                  "(default: max)",
              [&](const Given& given) { options = read_pool(given); });
}

void PooledMaps::pool(Heatmap& map, const PoolOptions& options) {
  const std::size_t rows = map.rows_are_layers ? 1 : map.weights.rows();
  const std::size_t tokens = std::max(rows, map.weights.columns);
  const Pooling pooling{options.by.value_or((tokens + kMostUnpooled - 1) / kMostUnpooled), options.how};
  if (pooling.by == 1) return;
  weights_.push_back(pooled_weights(map, pooling));
  map.weights = {weights_.back(), (map.weights.columns + pooling.by - 1) / pooling.by};
  map.keys = labels_.emplace_back(pooled_labels(map.keys, pooling.by));
  if (!map.rows_are_layers) map.queries = labels_.emplace_back(pooled_labels(map.queries, pooling.by));
  map.pooling = pooling;
  map.notes.push_back(pooling_note(map, pooling));
}

PooledMaps::PooledMaps(Drawn drawn, const PoolOptions& options) : drawn_(std::move(drawn)) {
  if (auto* const map = std::get_if<Heatmap>(&drawn_)) pool(*map, options);
  if (auto* const grid = std::get_if<HeatmapGrid>(&drawn_)) {
    for (Heatmap& panel : grid->panels) pool(panel, options);
    const Heatmap& first = grid->panels.front();
    if (first.pooling.by > 1) note(grid->notes, first.notes.back());
  }
  if (auto* const comparison = std::get_if<Comparison>(&drawn_)) {
    for (Compared& side : comparison->sides) {
      pool(side.map, options);
      if (side.map.pooling.by > 1) note(comparison->notes, side.map.notes.back());
    }
  }
}

}  // namespace attnviz::cli
