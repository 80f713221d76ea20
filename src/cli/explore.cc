#include "cli/explore.h"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "attnviz/render.h"
#include "cli/console.h"
#include "cli/drawing.h"
#include "cli/table.h"
#include "cli/values.h"

namespace attnviz::cli {
namespace {

/// A head with what makes it worth a look.
struct Finding {
  HeadMetrics metrics;
  std::string reasons;
  double telling = 0;  ///< 0 at the threshold, 1 at the most that is possible; the greater of its reasons'
};

void add_reason(Finding& finding, const std::string& name, double value, double threshold, double most) {
  if (!(value > threshold)) return;
  finding.reasons += (finding.reasons.empty() ? "" : " ") + name;
  // Rounding may put the value at the most, or past it.
  const double share = most > threshold ? std::min((value - threshold) / (most - threshold), 1.0) : 1;
  finding.telling = std::max(finding.telling, share);
}

std::vector<Finding> findings(const Report& report, const Attention& attention) {
  const auto tokens = static_cast<double>(report.labels.size());
  std::vector<Finding> found;
  for (const HeadMetrics& metrics : head_metrics(attention, report.labels)) {
    Finding finding{metrics, {}};
    const Thresholds& thresholds = report.thresholds;
    add_reason(finding, "LOCAL", metrics.diagonal, thresholds.explorer_local, tokens);
    add_reason(finding, "GLOBAL", metrics.last_row_entropy, thresholds.explorer_global, std::log(tokens));
    if (!finding.reasons.empty()) found.push_back(std::move(finding));
  }
  return found;
}

std::string listing(const Report& report, const Attention& attention, const std::vector<Finding>& found) {
  const Thresholds& thresholds = report.thresholds;
  std::string text = visible(report.card.name) + ": " + std::to_string(found.size()) + " of the " +
                     std::to_string(attention.layers.size() * attention.heads.size()) +
                     " heads looked at are LOCAL or GLOBAL, as course material has it\n\n";
  if (found.empty()) return text + "--explorer-local and --explorer-global set the thresholds.\n";
  Table table({">layer", ">head", ">diagonal", ">last row", ">telling", "reasons"});
  for (const Finding& finding : found) {
    const HeadMetrics& metrics = finding.metrics;
    table.add({std::to_string(metrics.layer), std::to_string(metrics.head), show_fixed(metrics.diagonal, 2),
               show_fixed(metrics.last_row_entropy, 2), show_fixed(finding.telling, 2), finding.reasons});
  }
  return text + table.set() + "\n  LOCAL    the diagonal's sum is above " +
         show_general(thresholds.explorer_local, 6) + " (evenly spread attention" +
         (attention.causal ? " of a causal model has more than 1)" : " has 1)") +
         "\n  GLOBAL   the last row's entropy is above " + show_general(thresholds.explorer_global, 6) +
         " nats (evenly spread: " + show_fixed(std::log(static_cast<double>(report.labels.size())), 2) +
         ")\n  telling  0 at the threshold, 1 at the most that is possible\n\n";
}

/// As `attnviz render` would draw it.
Figure drawn(const Report& report, const Heatmap& heatmap, const HeadMetrics& head) {
  Figure figure = head_heatmap(heatmap, {}, text_measure());
  std::vector<std::string> arguments = {
      "render",  "--layer",       std::to_string(head.layer), "--head", std::to_string(head.head),
      "--model", report.choice.model};
  const auto& [ablated, predict] = std::tie(report.choice.ablated, report.choice.predict);
  const Precision precision = report.choice.options.precision;
  if (report.choice.truncate) arguments.emplace_back("--truncate");
  if (precision != Precision::fp32) arguments.insert(arguments.end(), {"--precision", name_of(precision)});
  if (report.choice.options.allow_non_finite) arguments.emplace_back("--allow-non-finite");
  if (!ablated.empty()) arguments.insert(arguments.end(), {"--ablate", show_places(ablated)});
  if (predict) arguments.insert(arguments.end(), {"--predict", std::to_string(*predict)});
  figure.record = to_json({.program = "attnviz " ATTNVIZ_VERSION,
                           .arguments = std::move(arguments),
                           .texts = {report.recorded},
                           .look = {},
                           .drawn = heatmap});
  return figure;
}

}  // namespace

Product explore(const Report& report, const Attention& attention, const OutputOptions& options,
                const Streams& streams) {
  const std::vector<Finding> found = findings(report, attention);
  Product product{.printed = listing(report, attention, found)};
  if (options.path == "-") print(streams.err, std::exchange(product.printed, ""));
  if (found.empty()) return product;
  const auto most = std::max_element(
      found.begin(), found.end(), [](const Finding& a, const Finding& b) { return a.telling < b.telling; });
  const std::string layer = std::to_string(most->metrics.layer), head = std::to_string(most->metrics.head);
  const Heatmap heatmap{.weights = attention.at(most->metrics.layer, most->metrics.head),
                        .queries = report.labels,
                        .keys = report.labels,
                        .causal = attention.causal,
                        .title = report.title + " · Layer " + layer + " · Head " + head,
                        .subtitle = report.sentence.shown(),
                        .notes = report.notes};
  product.stem = report.stem + "-layer" + layer + "-head" + head;
  product.write = [figure = drawn(report, heatmap, most->metrics), format = options.format](
                      const Sink& sink) { write_figure(figure, format, LookOptions{}.dpi, sink); };
  return product;
}

}  // namespace attnviz::cli
