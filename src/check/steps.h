/// steps: each compares one thing, and finds nothing where all is well.
#pragma once

#include <string>
#include <vector>

#include "attnviz/check.h"

namespace attnviz {

using Findings = std::vector<CheckFinding>;

// Options have their atol here.

/// What is worth knowing of two requests that may be the same: models, files of theirs, flags that made no
/// difference.
[[nodiscard]] std::vector<std::string> request_notes(const Record& expected, const Record& actual);
[[nodiscard]] Findings check_request(const Record& expected, const Record& actual,
                                     const CheckOptions& options);

[[nodiscard]] Findings check_tokens(const Record& expected, const Record& actual);

/// `whose` names the record where there are two: "baseline", or nothing.
[[nodiscard]] Findings check_invariants(const Record& record, const std::string& whose,
                                        const CheckOptions& options);

/// The maps of both have one shape.
[[nodiscard]] Findings check_numbers(const Record& expected, const Record& actual,
                                     const CheckOptions& options);

/// Those whose numbers differ, at most a page of them.
[[nodiscard]] std::vector<DifferingMap> differing_maps(const Record& expected, const Record& actual,
                                                       const CheckOptions& options);

/// Whether it is a page, which draws its record itself: there is no picture to compare.
[[nodiscard]] bool is_page(const FigureVersion& version);

/// Throws Error when the file can't be read.
[[nodiscard]] Findings check_picture(const FigureVersion& version, const std::string& whose);

[[nodiscard]] Findings check_pixels(const FigureVersion& expected, const FigureVersion& actual);

}  // namespace attnviz
