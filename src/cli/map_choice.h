/// map_choice: which of a model's maps: a layer or the mean over layers, a head or the mean over heads.
#pragma once

#include <optional>
#include <string>

#include "attnviz/catalog.h"
#include "cli/flags.h"
#include "cli/request.h"

namespace attnviz::cli {

struct MapChoice {
  std::optional<int> layer{};  ///< counting from 1; unset: the last
  bool layer_mean = false;     ///< the mean over all layers
  std::optional<int> head{};   ///< counting from 0; unset: the mean over heads

  [[nodiscard]] Wanted wanted() const;

  /// "Layer 6 · Mean of 12 heads"
  [[nodiscard]] std::string title(const ModelCard& card) const;

  /// "layer6-head0", "layer6-mean", "all-head0"
  [[nodiscard]] std::string stem(const ModelCard& card) const;

  /// Blues for a head, Reds for a mean.
  [[nodiscard]] std::string colors() const { return head && !layer_mean ? "Blues" : "Reds"; }

  friend bool operator==(const MapChoice&, const MapChoice&) = default;
};

/// Reads "N" or "mean".
void read_layer(const Given& given, MapChoice& choice);
[[nodiscard]] std::optional<int> read_head(const Given& given);

/// --layer N|mean and --head K|mean.
void add_map_flags(Flags& flags, MapChoice& choice);

/// "Head 3", "Mean of 12 heads"
[[nodiscard]] std::string head_title(const ModelCard& card, std::optional<int> head);

/// "head3", "mean"
[[nodiscard]] std::string head_stem(std::optional<int> head);

}  // namespace attnviz::cli
