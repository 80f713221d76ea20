#include "attnviz/text.h"
#include "check/names.h"
#include "check/status.h"

namespace attnviz {
namespace {

/// Escaped as GitHub's runner reads it
/// (https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts); a property's value takes
/// more.
std::string command_text(std::string_view text, bool property) {
  std::string escaped;
  for (const char c : text) {
    if (c == '%') {
      escaped += "%25";
    } else if (c == '\r') {
      escaped += "%0D";
    } else if (c == '\n') {
      escaped += "%0A";
    } else if (property && c == ':') {
      escaped += "%3A";
    } else if (property && c == ',') {
      escaped += "%2C";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string totals(std::span<const CheckResult> results) {
  const auto counts = counts_of(results);
  const std::size_t obsolete = counts[static_cast<std::size_t>(CheckResult::Status::obsolete)];
  std::string line = "check: " + counted(results.size() - obsolete, "figure") + ":";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0 && i > 0) continue;
    line += (i == 0 ? " " : ", ") + std::to_string(counts[i]) + " " + std::string(kStatusWords[i]);
  }
  return line;
}

std::string report_text(std::span<const CheckResult> results) {
  std::string text;
  for (const CheckResult& result : results) {
    const std::string name = visible(result.name), headline = headline_of(result);
    if (headline.empty()) {
      for (const std::string& note : result.notes) text += name + ": note: " + visible(note) + "\n";
      continue;
    }
    text += name + ": " + visible(headline) + "\n";
    for (const std::string& line : details_of(result)) text += "  " + visible(line) + "\n";
  }
  return text;
}

std::string report_github(std::span<const CheckResult> results) {
  std::string text;
  for (const CheckResult& result : results) {
    std::string headline = headline_of(result);
    const bool obsolete = result.status == CheckResult::Status::obsolete;
    if (headline.empty() && result.notes.empty()) continue;
    const std::string kind = headline.empty() ? "notice" : obsolete ? "warning" : "error";
    std::string message = visible(headline);
    for (const std::string& line : details_of(result))
      message += (message.empty() ? "" : "\n") + visible(line);
    text += "::" + kind + " file=" + command_text(visible(result.name), true) +
            ",title=attnviz check::" + command_text(message, false) + "\n";
  }
  return text;
}

}  // namespace attnviz
