/// explore: the heads worth a look, after the explorer of course material.
#pragma once

#include "attnviz/attention.h"
#include "attnviz/cli.h"
#include "cli/analyze_report.h"
#include "cli/job.h"

namespace attnviz::cli {

/// Lists the attention's heads that are LOCAL or GLOBAL with their reasons, and draws the most telling one.
/// On standard error, where standard output takes the figure. `options.format` is the figure's.
[[nodiscard]] Product explore(const Report& report, const Attention& attention, const OutputOptions& options,
                              const Streams& streams);

}  // namespace attnviz::cli
