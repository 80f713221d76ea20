/// view_parts: the view of a text whose model ran.
#pragma once

#include <string>

#include "attnviz/figure.h"
#include "cli/job.h"

namespace attnviz::cli {

/// All that the subject's attention holds, the last of its layers and all of its heads in sight. It borrows
/// from the subject, whose tokens shown are chosen.
[[nodiscard]] View view_of(const Subject& subject, View::Kind kind);

/// Leaves as many layers about `layer` as keep a page's numbers under 10 MB, always that one. Returns what a
/// view has to say of it, or nothing where all are left.
[[nodiscard]] std::string keep_what_fits(Attention& attention, int layer);

}  // namespace attnviz::cli
