#include "cli/confinement.h"

namespace attnviz::cli {
namespace {

namespace fs = std::filesystem;

/// A file is written beside where links lead, and then renamed: that takes its directory. Devices and pipes
/// are written as they are.
fs::path place_of(const fs::path& output) {
  std::error_code fault;
  const fs::path place = fs::weakly_canonical(fs::absolute(output, fault), fault);
  if (fs::is_fifo(output, fault)) return place;
  const bool as_it_is = fs::exists(place, fault) && !fs::is_regular_file(place, fault);
  return as_it_is ? place : place.parent_path();
}

}  // namespace

void confine_to(const std::vector<fs::path>& outputs, Sandbox sandbox, const Streams& streams) {
  if (!streams.own_process) return;
  std::vector<fs::path> places;
  for (const fs::path& output : outputs) places.push_back(place_of(output));
  confine(sandbox, places);
}

}  // namespace attnviz::cli
