/// output: where a command's result goes, and in which format.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "attnviz/file.h"
#include "cli/flags.h"

namespace attnviz::cli {

struct OutputOptions {
  std::optional<std::string> path;  ///< - is standard output
  std::string format;               ///< one of the command's formats, never empty once read
};

/// -o and --format. The first of `formats` is taken where neither says which; `stem` shows in the help
/// what a file is called that was not named.
void add_output_flags(Flags& flags, OutputOptions& options, const std::vector<std::string>& formats,
                      const std::string& stem);

/// The format that --format or the path's extension says. Throws Error: an unknown extension, or two
/// that contradict each other.
[[nodiscard]] std::string output_format(const OutputOptions& options,
                                        const std::vector<std::string>& formats);

/// A file that appears when it is complete, or standard output.
class Output {
 public:
  /// In the format that the options tell. Where they name no path, it becomes a new file in the current
  /// directory. Throws Error when it can't be written.
  Output(const OutputOptions& options, std::ostream& out);

  /// As OutputFile's.
  void hand_over();

  /// Writes and completes. A file's path is then printed on standard output; where none was named, it is
  /// called "<stem>.<format>", or with the first number from 2 on that makes it a new file.
  void write(const std::function<void(const Sink&)>& writer, const std::string& stem);

 private:
  std::ostream& out_;
  std::optional<OutputFile> file_;
};

}  // namespace attnviz::cli
