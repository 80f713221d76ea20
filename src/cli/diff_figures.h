/// diff_figures: the difference of two saved figures, from the numbers that their files carry.
#pragma once

#include <span>
#include <string>

#include "attnviz/cli.h"
#include "attnviz/record.h"
#include "cli/confinement.h"

namespace attnviz::cli {

/// Whether the arguments of diff name saved figures rather than a text.
[[nodiscard]] bool names_figures(std::span<const std::string> arguments);

/// diff with two figures in place of a text. Throws Error as the command line's faults ask for.
[[nodiscard]] Task figures_task(std::span<const std::string> arguments, const Streams& streams);

/// Whether a record is of such a difference.
[[nodiscard]] bool is_of_figures(const Record& record);

}  // namespace attnviz::cli
