/// view_parts: the view of a text whose model ran.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attnviz/figure.h"
#include "cli/job.h"

namespace attnviz::cli {

/// All that the subject's attention holds, the last of its layers and all of its heads in sight. It borrows
/// from the subject, whose tokens shown are chosen.
[[nodiscard]] View view_of(const Subject& subject, View::Kind kind);

/// Leaves as many layers about `layer`, or the last, as keep a page's numbers under 10 MB, always that one;
/// of several subjects each has the same share of them. Returns what each one's view has to say of it, or
/// nothing where all are left.
[[nodiscard]] std::vector<std::string> keep_what_fits(std::span<Subject> subjects, std::optional<int> layer);

}  // namespace attnviz::cli
