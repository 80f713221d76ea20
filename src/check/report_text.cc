#include <array>

#include "attnviz/check.h"
#include "attnviz/text.h"
#include "check/names.h"

namespace attnviz {

std::string totals(std::span<const CheckResult> results) {
  constexpr std::array kWords = {"same", "different", "missing", "obsolete", "failed"};
  std::array<std::size_t, kWords.size()> counts{};
  for (const CheckResult& result : results) ++counts[static_cast<std::size_t>(result.status)];
  std::string line = "check: " + counted(results.size() - counts[3], "figure") + ":";
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (counts[i] == 0 && i > 0) continue;
    line += (i == 0 ? " " : ", ") + std::to_string(counts[i]) + " " + kWords[i];
  }
  return line;
}

std::string report_text(std::span<const CheckResult> results) {
  std::string text;
  for (const CheckResult& result : results) {
    const std::string name = visible(result.name);
    for (const CheckFinding& finding : result.findings) {
      text += name + ": " + std::string(name_of(finding.step)) + ": " + visible(finding.message) + "\n";
      for (const std::string& detail : finding.details) text += "  " + visible(detail) + "\n";
    }
    if (result.status == CheckResult::Status::obsolete)
      text += name + ": obsolete: no such figure any more\n";
    for (const std::string& note : result.notes) {
      text += (result.findings.empty() ? name + ": note: " : "  note: ") + visible(note) + "\n";
    }
  }
  return text;
}

}  // namespace attnviz
