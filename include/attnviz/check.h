/// check: whether two versions of a figure say the same. Numbers decide; pixels only guard the renderer.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/record.h"

namespace attnviz {

/// What is compared, in this order: what is wrong with one step explains what is wrong with the next, so the
/// first that fails ends the comparison.
enum class CheckStep {
  file,        ///< both can be read, and carry a record
  request,     ///< text, pair, what was drawn, and what alters its numbers
  tokens,      ///< tokens, ids and the labels shown, exactly
  invariants,  ///< finite, rows that sum to 1, zeros above a causal diagonal, weights in [0, 1]
  numbers,     ///< every number drawn, within a tolerance
  picture,     ///< the picture in the file shows the numbers in its record
  pixels,      ///< everything but text is drawn alike, within one level a channel
};

/// "request", "tokens", …
[[nodiscard]] std::string_view name_of(CheckStep step);

struct CheckOptions {
  /// Numbers agree when |actual − expected| <= atol + rtol · |expected|. Unset: usual_atol() of the precision
  /// in which the figure was computed.
  std::optional<double> atol{};
  double rtol = 1e-3;
  bool same_model = false;  ///< another model, or another file of it, is a difference, not a note
  bool pixels = false;      ///< the last step, too
};

/// What numbers computed in "fp32", "fp16" or "bf16" are worth: fp16 varies by 5e-3, bf16 by 4e-2 between
/// machines.
[[nodiscard]] double usual_atol(std::string_view precision);

/// What a step found: a line, and what belongs to it.
struct CheckFinding {
  CheckStep step;
  std::string message;
  std::vector<std::string> details{};
};

/// A map with numbers that differ, for reports that draw it.
struct DifferingMap {
  std::string title;
  std::vector<float> expected, actual;
  std::vector<TokenLabel> queries, keys;
  bool causal = false, cross = false, is_signed = false, rows_are_layers = false;
};

struct CheckResult {
  enum class Status {
    same,
    different,
    missing,   ///< there is no baseline, or a file without a record: nothing to compare with
    obsolete,  ///< a baseline whose figure is gone
    failed,    ///< a file that can't be read
  };

  std::string name;  ///< the figure's path, as it was given
  Status status = Status::same;
  std::vector<CheckFinding> findings{};  ///< of one step
  std::vector<std::string> notes{};      ///< worth knowing, and no difference: "model.safetensors changed"
  std::vector<DifferingMap> maps{};
};

/// One version of a figure: its record, and the file with its picture where there is one.
struct FigureVersion {
  const Record& record;
  std::filesystem::path file{};  ///< empty for numbers that were just computed
};

/// Never throws for what it finds: a picture that can't be read is a finding.
[[nodiscard]] CheckResult compare(const FigureVersion& expected, const FigureVersion& actual,
                                  const CheckOptions& options);

/// The same of two files. A baseline that isn't there, a file without a record and one that can't be read are
/// results of their own.
[[nodiscard]] CheckResult compare_files(const std::filesystem::path& expected,
                                        const std::filesystem::path& actual, const CheckOptions& options);

/// The first number of a figure that is not finite, and where: "layer 6 head 0 "bank"(5) → "river"(2): nan".
/// Nothing where all are, where its request allowed others, and of a figure made of figures, which may hold
/// anything.
[[nodiscard]] std::optional<std::string> first_not_finite(const Record& record);

/// "check: 40 figures: 38 same, 1 different, 1 missing"
[[nodiscard]] std::string totals(std::span<const CheckResult> results);

/// A line for each figure that is not the same, with its details below; nothing for the others unless they
/// have notes.
[[nodiscard]] std::string report_text(std::span<const CheckResult> results);

/// A page for people, in itself whole: of each map that differs what was expected, what it is, and the
/// difference.
[[nodiscard]] std::string report_html(std::span<const CheckResult> results);

/// For build servers: JUnit's XML, a test case a figure.
[[nodiscard]] std::string report_junit(std::span<const CheckResult> results);

/// One JSON object.
[[nodiscard]] std::string report_json(std::span<const CheckResult> results);

/// Workflow commands, a line a figure, that GitHub shows beside the files.
[[nodiscard]] std::string report_github(std::span<const CheckResult> results);

}  // namespace attnviz
