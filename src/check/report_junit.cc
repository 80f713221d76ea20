#include <algorithm>
#include <ctime>

#include "attnviz/render.h"
#include "check/escape.h"
#include "check/names.h"
#include "check/status.h"

namespace attnviz {
namespace {

/// In universal time, as the schema wants it: without a zone.
std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts)};
}

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + escaped_markup(value) + "\"";
}

std::string test_case(const CheckResult& result) {
  using Status = CheckResult::Status;
  const std::string begin = "  <testcase" + attribute("name", result.name) +
                            attribute("classname", "attnviz.check") + attribute("time", "0");
  if (result.status == Status::same) return begin + "/>\n";
  if (result.status == Status::obsolete)
    return begin + ">\n   <skipped" + attribute("message", headline_of(result)) + "/>\n  </testcase>\n";
  const std::string element = result.status == Status::failed ? "error" : "failure";
  std::string text = headline_of(result);
  for (const std::string& line : details_of(result)) text += "\n" + line;
  std::string lines;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines += (lines.empty() ? "" : "\n") + escaped_markup(std::string_view(text).substr(start, end - start));
    start = end + 1;
  }
  const std::string type = result.findings.empty() ? "" : std::string(name_of(result.findings.front().step));
  return begin + ">\n   <" + element + attribute("message", headline_of(result)) + attribute("type", type) +
         ">" + lines + "</" + element + ">\n  </testcase>\n";
}

}  // namespace

/// As the Apache Ant JUnit schema has it (https://github.com/windyroad/JUnit-Schema).
std::string report_junit(std::span<const CheckResult> results) {
  const auto counts = counts_of(results);
  const auto count = [&](CheckResult::Status status) { return counts[static_cast<std::size_t>(status)]; };
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n <testsuite";
  xml += attribute("name", "attnviz check") + attribute("package", "attnviz") + attribute("id", "0") +
         attribute("timestamp", stated_date().value_or(now())) + attribute("hostname", "localhost") +
         attribute("tests", std::to_string(results.size())) +
         attribute("failures", std::to_string(count(CheckResult::Status::different) +
                                              count(CheckResult::Status::missing))) +
         attribute("errors", std::to_string(count(CheckResult::Status::failed))) +
         attribute("skipped", std::to_string(count(CheckResult::Status::obsolete))) + attribute("time", "0") +
         ">\n  <properties/>\n";
  for (const CheckResult& result : results) xml += test_case(result);
  return xml + "  <system-out>" + escaped_markup(totals(results)) +
         "</system-out>\n  <system-err></system-err>\n </testsuite>\n</testsuites>\n";
}

}  // namespace attnviz
