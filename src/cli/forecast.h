/// forecast: what a model predicts of a text, and what some of its heads are worth to that.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "attnviz/record.h"
#include "cli/request.h"

namespace attnviz::cli {

/// "5.3,6.0": layers and heads. Throws Error.
[[nodiscard]] std::vector<HeadPlace> read_places(const Given& given);

/// As read_places() takes them.
[[nodiscard]] std::string show_places(std::span<const HeadPlace> places);

/// Throws Error: a head that the model has not.
void check_places(std::span<const HeadPlace> places, const ModelCard& card);

/// The reader's choice.predict most probable labels or next tokens.
struct Forecast {
  std::string table{};  ///< with all heads, without each of those ablated, and without them all
  std::vector<RecordedPrediction> predicted{};  ///< without them all, as the figure's attention is
  bool of_labels = false;
};

/// Throws Error as Model::predict().
[[nodiscard]] Forecast forecast(Reader& reader, const Prepared& prepared);

}  // namespace attnviz::cli
