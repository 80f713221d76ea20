#include <nlohmann/json.hpp>

#include "check/status.h"

namespace attnviz {

std::string report_json(std::span<const CheckResult> results) {
  using Json = nlohmann::ordered_json;
  Json totals = Json::object(), figures = Json::array();
  const auto counts = counts_of(results);
  for (std::size_t i = 0; i < counts.size(); ++i) totals[std::string(kStatusWords[i])] = counts[i];
  for (const CheckResult& result : results) {
    Json findings = Json::array();
    for (const CheckFinding& finding : result.findings) {
      findings.push_back(
          {{"step", name_of(finding.step)}, {"message", finding.message}, {"details", finding.details}});
    }
    figures.push_back({{"name", result.name},
                       {"status", word_of(result.status)},
                       {"findings", findings},
                       {"notes", result.notes}});
  }
  const Json report = {{"program", "attnviz " ATTNVIZ_VERSION}, {"totals", totals}, {"figures", figures}};
  return report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace attnviz
