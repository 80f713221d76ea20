/// analyze_report: what analyze found in one text, and the forms in which it says so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attnviz/analysis.h"
#include "attnviz/catalog.h"
#include "attnviz/record.h"
#include "cli/request.h"
#include "cli/sentence.h"

namespace attnviz::cli {

/// Parts that are left out are empty.
struct Report {
  ModelCard card;
  Sentence sentence;
  std::vector<std::string> notes;   ///< what alters the numbers
  std::vector<std::string> tokens;  ///< as the vocabulary writes them
  std::vector<TokenLabel> labels;   ///< as a reader would
  Thresholds thresholds;
  bool causal = false;
  double uniform_entropy = 0;
  std::vector<HeadMetrics> heads;
  std::vector<LayerMetrics> layers;
  std::vector<double> received;
  int connection_layer = 0;
  std::optional<int> connection_head;  ///< unset: the mean over all heads
  std::vector<Connection> connections;
  RecordedText recorded;    ///< for a figure of it
  ModelChoice choice;       ///< likewise
  std::string title, stem;  ///< likewise: what the figure and its file call the model
  std::string forecast;     ///< a table of what is predicted
};

enum class Part { heads, layers, received, connections };

/// "early", "middle" or "late": course material's thirds of a model's layers.
[[nodiscard]] std::string depth_of(int layer, int layers);

/// The labels of one head, parted by spaces.
[[nodiscard]] std::string labels_line(const HeadMetrics& metrics, const Thresholds& thresholds);

/// One object on one line.
[[nodiscard]] std::string as_json(const Report& report);

/// One part as comma-separated values, quoted as in RFC 4180, with a line of headings.
[[nodiscard]] std::string as_csv(const Report& report, Part part);

/// The same where many texts stand in one file: each row begins with the text's index, the headings stand
/// once.
[[nodiscard]] std::string csv_headings_of_many(Part part);
[[nodiscard]] std::string as_csv_of_many(const Report& report, Part part);

/// Tables for people, at most 100 columns wide where the tokens allow it: one part, or all.
[[nodiscard]] std::string as_tables(const Report& report, std::optional<Part> part, std::size_t top);

}  // namespace attnviz::cli
