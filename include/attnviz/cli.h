/// cli: the command line. Arguments in; status, stdout and stderr out.
#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace attnviz::cli {

/// The streams of a run, so that tests need no process.
struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool own_process = false;  ///< which may give up rights for good before it reads a file
};

/// Runs `attnviz <arguments…>` (without the program's name). Returns the exit status: 0 done; 1 `check`
/// found a difference; 2 it could not be done. Never throws.
[[nodiscard]] int run(std::span<const std::string> arguments, const Streams& streams);

}  // namespace attnviz::cli
