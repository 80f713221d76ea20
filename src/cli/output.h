/// output: where a command's result goes, and in which format.
#pragma once

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
  /// Where the options name no path: "<stem>.<format>" in the current directory, or with the first
  /// number from 2 on that makes it a new file. Throws Error when it can't be written.
  Output(const OutputOptions& options, const std::string& format, const std::string& stem, std::ostream& out);

  /// Writes and completes. A file's path is then printed on standard output.
  void write(const std::function<void(const Sink&)>& writer);

 private:
  std::string path_;
  std::ostream& out_;
  std::optional<OutputFile> file_;
};

}  // namespace attnviz::cli
