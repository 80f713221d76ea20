/// pool: maps of more tokens than a page has room for, whose cells stand for several weights each.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "attnviz/figure.h"
#include "cli/flags.h"

namespace attnviz::cli {

/// The most tokens of a map that is not pooled unless --pool says so.
inline constexpr std::size_t kMostUnpooled = 512;

struct PoolOptions {
  Pool how = Pool::max;
  std::optional<std::size_t> by{};  ///< unset: as many as make at most kMostUnpooled cells of a side
};

/// --pool
void add_pool_flag(Flags& flags, PoolOptions& options);

/// A figure's maps, pooled where they are too large, and the numbers and labels that they borrow. Each says
/// so in its notes, or its figure does.
class PooledMaps {
 public:
  PooledMaps(Drawn drawn, const PoolOptions& options);
  PooledMaps(const PooledMaps&) = delete;
  PooledMaps& operator=(const PooledMaps&) = delete;
  ~PooledMaps() = default;

  [[nodiscard]] const Drawn& drawn() const { return drawn_; }

 private:
  void pool(Heatmap& map, const PoolOptions& options);

  Drawn drawn_;
  std::deque<std::vector<float>> weights_;
  std::deque<std::vector<TokenLabel>> labels_;
};

}  // namespace attnviz::cli
