/// status: a result in a word, and in a line.
#pragma once

#include <array>
#include <span>
#include <string>

#include "attnviz/check.h"

namespace attnviz {

inline constexpr std::array<std::string_view, 5> kStatusWords = {"same", "different", "missing", "obsolete",
                                                                 "failed"};

[[nodiscard]] inline std::string word_of(CheckResult::Status status) {
  return std::string(kStatusWords[static_cast<std::size_t>(status)]);
}

/// How many results have each status, in the order of the words.
[[nodiscard]] inline std::array<std::size_t, kStatusWords.size()> counts_of(
    std::span<const CheckResult> results) {
  std::array<std::size_t, kStatusWords.size()> counts{};
  for (const CheckResult& result : results) ++counts[static_cast<std::size_t>(result.status)];
  return counts;
}

/// "numbers: 12 of 289 cells changed"; empty for one that is the same.
[[nodiscard]] inline std::string headline_of(const CheckResult& result) {
  if (result.status == CheckResult::Status::obsolete) return "obsolete: no such figure any more";
  if (result.findings.empty()) return {};
  const CheckFinding& first = result.findings.front();
  return std::string(name_of(first.step)) + ": " + first.message;
}

/// What follows the headline: its details, the other findings, the notes.
[[nodiscard]] inline std::vector<std::string> details_of(const CheckResult& result) {
  std::vector<std::string> lines;
  for (const CheckFinding& finding : result.findings) {
    if (&finding != &result.findings.front())
      lines.push_back(std::string(name_of(finding.step)) + ": " + finding.message);
    lines.insert(lines.end(), finding.details.begin(), finding.details.end());
  }
  for (const std::string& note : result.notes) lines.push_back("note: " + note);
  return lines;
}

}  // namespace attnviz
