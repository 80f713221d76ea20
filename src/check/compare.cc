#include <algorithm>
#include <optional>
#include <system_error>

#include "attnviz/error.h"
#include "attnviz/file.h"
#include "attnviz/render.h"
#include "check/names.h"
#include "check/steps.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using Status = CheckResult::Status;

constexpr const char* kBaseline = "baseline";

/// Both versions' own faults; where both have files, those of the baseline say so.
template <class Check>
Findings of_both(const Check& check) {
  Findings findings = check(false);
  const Findings more = check(true);
  findings.insert(findings.end(), more.begin(), more.end());
  return findings;
}

Findings read_pictures(const FigureVersion& expected, const FigureVersion& actual) {
  return of_both([&](bool baseline) -> Findings {
    const FigureVersion& version = baseline ? expected : actual;
    if (version.file.empty()) return {};
    try {
      return check_picture(version, baseline && !actual.file.empty() ? kBaseline : "");
    } catch (const Error& error) {
      return {{CheckStep::file, error.what(), {}}};
    }
  });
}

/// As its request says.
std::string_view precision_of(const Record& record) {
  const auto flag = std::find(record.arguments.begin(), record.arguments.end(), "--precision");
  return flag == record.arguments.end() || flag + 1 == record.arguments.end() ? "fp32"
                                                                              : std::string_view(flag[1]);
}

/// A step at a time; the first that finds something ends it.
Findings first_findings(const FigureVersion& expected, const FigureVersion& actual,
                        const CheckOptions& options) {
  const Record &before = expected.record, &after = actual.record;
  Findings findings = check_request(before, after, options);
  if (findings.empty()) findings = check_tokens(before, after);
  if (findings.empty()) {
    findings = of_both([&](bool baseline) {
      return check_invariants(baseline ? before : after, baseline ? kBaseline : "", options);
    });
  }
  if (findings.empty()) findings = check_numbers(before, after, options);
  if (findings.empty()) findings = read_pictures(expected, actual);
  if (findings.empty() && options.pixels && !is_page(actual)) findings = check_pixels(expected, actual);
  return findings;
}

struct Stored {
  std::optional<StoredRecord> record;
  CheckResult fault;  ///< where there is no record
};

Stored read(const fs::path& path, const std::string& whose) {
  Stored stored;
  const std::string name = whose + path.string();
  try {
    if (const std::optional<std::string> json = read_record(path)) {
      stored.record.emplace(*json, path.string());
    } else {
      stored.fault = {{}, Status::missing, {{CheckStep::file, name + ": no record in it"}}};
    }
  } catch (const Error& error) {
    stored.fault = {{}, Status::failed, {{CheckStep::file, whose + error.what()}}};
  }
  return stored;
}

}  // namespace

std::string_view name_of(CheckStep step) {
  constexpr std::string_view kNames[] = {"file",    "request", "tokens", "invariants",
                                         "numbers", "picture", "pixels"};
  return kNames[static_cast<std::size_t>(step)];
}

double usual_atol(std::string_view precision) {
  return precision == "bf16" ? 8e-2 : precision == "fp16" ? 1e-2 : 1e-4;
}

CheckResult compare(const FigureVersion& expected, const FigureVersion& actual, const CheckOptions& given) {
  CheckOptions options = given;
  if (!options.atol) options.atol = usual_atol(precision_of(expected.record));
  CheckResult result{.name = (actual.file.empty() ? expected.file : actual.file).string(),
                     .findings = first_findings(expected, actual, options)};
  if (!options.same_model || result.findings.empty())
    result.notes = request_notes(expected.record, actual.record);
  if (result.findings.empty()) return result;
  const bool unread =
      std::any_of(result.findings.begin(), result.findings.end(),
                  [](const CheckFinding& finding) { return finding.step == CheckStep::file; });
  result.status = unread ? Status::failed : Status::different;
  if (result.findings.front().step == CheckStep::numbers)
    result.maps = differing_maps(expected.record, actual.record, options);
  return result;
}

CheckResult compare_files(const fs::path& expected, const fs::path& actual, const CheckOptions& options) {
  CheckResult result{.name = actual.string()};
  if (!is_there(expected)) {
    result.status = Status::missing;
    result.findings = {{CheckStep::file, "no baseline: " + expected.string()}};
    return result;
  }
  const Stored after = read(actual, ""), before = read(expected, "baseline ");
  for (const Stored* stored : {&after, &before}) {
    if (stored->record) continue;
    result.status = std::max(result.status, stored->fault.status);
    result.findings.insert(result.findings.end(), stored->fault.findings.begin(),
                           stored->fault.findings.end());
  }
  if (!result.findings.empty()) return result;
  return compare({before.record->record(), expected}, {after.record->record(), actual}, options);
}

}  // namespace attnviz
