// Any lines as the arguments of a command that draws, as a figure's record holds them: an Error, or a plan
// whose own record asks for the same again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/text.h"
#include "cli/command.h"

namespace {

using attnviz::cli::plan_of;

/// The command as recorded, with what its plan keeps of the arguments.
std::vector<std::string> replanned(const std::vector<std::string>& request) {
  return plan_of(request).drawing.request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  if (attnviz::find_invalid_utf8(rest) != std::string_view::npos) return 0;  // a record is UTF-8
  std::vector<std::string> arguments;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    arguments.emplace_back(line);
  }
  std::vector<std::string> request;
  try {
    request = replanned(arguments);
  } catch (const attnviz::Error&) {
    return 0;
  }
  if (replanned(request) != request) std::abort();
  return 0;
}
