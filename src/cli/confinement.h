/// confinement: what a command gives up before its first model is opened.
#pragma once

#include <filesystem>
#include <vector>

#include "attnviz/cli.h"
#include "attnviz/sandbox.h"

namespace attnviz::cli {

/// Confines a process of the program's own, whose threads all start later. `outputs` are the files and
/// directories that the command is to write. Throws Error as confine().
void confine_to(const std::vector<std::filesystem::path>& outputs, Sandbox sandbox, const Streams& streams);

}  // namespace attnviz::cli
