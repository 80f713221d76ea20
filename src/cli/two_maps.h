/// two_maps: two of a kind: what compare and diff lay side by side or subtract.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "cli/drawing.h"

namespace attnviz::cli {

/// What is given once holds for both sides; what is given twice tells them apart.
struct TwoMapsOptions {
  std::vector<std::string> models;
  std::vector<MapChoice> layers;  ///< of each only the layer
  std::vector<std::optional<int>> heads;
  std::optional<std::string> against;  ///< the second side's text
  bool align = false;
  DrawingOptions drawing;
};

/// The selecting flags, --align, and those of every drawing command.
void add_two_maps_flags(Flags& flags, TwoMapsOptions& options, const std::string& stem);

/// One side. Its maps point into it: it stays where it is.
struct Side {
  Subject* subject = nullptr;
  MapChoice choice;
  HeadMetrics metrics;         ///< of all tokens, whichever are shown
  std::vector<float> weights;  ///< of the tokens shown

  [[nodiscard]] MatrixView matrix() const { return {weights, subject->attention.keys}; }
};

/// Whether both sides are of one model, however it was asked for.
[[nodiscard]] bool same_model(const Side& a, const Side& b);

struct TwoMaps {
  std::array<Side, 2> sides;
  std::string title;                  ///< what they have in common: "minilm", or nothing
  std::array<std::string, 2> titles;  ///< what tells them apart: "Layer 6 · Head 0"
  std::string stem;                   ///< of a file name
  std::vector<std::string> notes;
  std::string subtitle;
};

/// Both sides of a plan that compares. To `subtract` them, tokens that differ are aligned. Its ready() throws
/// Error when nothing tells the sides apart, or where tokens can't be aligned.
[[nodiscard]] FigurePlan plan_of_two(const TwoMapsOptions& options, bool subtract);

/// The maps, once both models ran.
[[nodiscard]] TwoMaps two_maps(const TwoMapsOptions& options, std::span<Subject> subjects);

}  // namespace attnviz::cli
