/// confinement: a command opens what it is to write, gives up the right to write anything else, and only then
/// reads what may come from a stranger.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "attnviz/cli.h"
#include "attnviz/file.h"
#include "attnviz/sandbox.h"
#include "cli/output.h"

namespace attnviz::cli {

/// What a command is to write.
struct Writes {
  std::optional<OutputOptions> output{};              ///< the file of -o and --format, or standard output
  std::vector<std::filesystem::path> files{};         ///< others
  std::vector<std::filesystem::path> directories{};   ///< files in these, made where they are missing
  std::vector<std::filesystem::path> also_altered{};  ///< directories that are there, whose files are linked
  Sandbox sandbox = Sandbox::automatic;
};

/// The same, open.
struct Outputs {
  std::optional<Output> output{};
  std::vector<OutputFile> files{};
  std::vector<OutputDirectory> directories{};
};

/// A command line that is understood: all that could be told from it alone is right.
struct Task {
  Writes writes{};
  std::function<int(Outputs&)> act{};  ///< returns the exit status
};

/// Opens what the task writes, confines a process of the program's own, whose threads all start later, and
/// acts. Throws Error as opening does, and as confine().
int run_task(const Task& task, const Streams& streams);

}  // namespace attnviz::cli
