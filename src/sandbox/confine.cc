#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/sandbox.h"
#include "sandbox/landlock.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

/// Kibibytes that a line of a file of /proc tells, as "MemAvailable:   123 kB"; 0 where it does not.
std::size_t kibibytes(const std::string& file, std::string_view name) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(name)) continue;
    const std::size_t digits = std::min(line.find_first_of("0123456789"), line.size());
    std::size_t number = 0;
    std::from_chars(line.data() + digits, line.data() + line.size(), number);
    return number;
  }
  return 0;
}

/// A model that asks for more gets an error, in place of a machine that swaps or ends other processes.
void limit_memory() {
  const std::size_t available =
      kibibytes("/proc/meminfo", "MemAvailable:") + kibibytes("/proc/meminfo", "SwapFree:");
  rlimit limit = {};
  if (available == 0 || ::getrlimit(RLIMIT_DATA, &limit) != 0) return;
  const rlim_t most = (kibibytes("/proc/self/status", "VmData:") + available) * 1024;
  limit.rlim_cur = std::min(limit.rlim_max, most);
  std::ignore = ::setrlimit(RLIMIT_DATA, &limit);
}

fs::path nearest_place(const fs::path& path) {
  std::error_code fault;
  fs::path place = fs::absolute(path, fault);
  while (!fs::exists(place, fault) && place.has_relative_path()) place = place.parent_path();
  return place;
}

}  // namespace

void confine(Sandbox sandbox, std::span<const fs::path> writable) {
  if (sandbox == Sandbox::off) return;
  limit_memory();
  if (landlock_version() > 0) {
    std::vector<fs::path> places;
    for (const fs::path& path : writable) places.push_back(nearest_place(path));
    restrict_by_landlock(places);
  } else if (sandbox == Sandbox::require) {
    throw Error("--sandbox require: the kernel has no Landlock, or it is switched off",
                "Linux has it from 5.13 on, with landlock among lsm= of its command line");
  }
}

std::string sandbox_state() {
  constexpr int kTcp = 4, kScopes = 6;
  const int version = landlock_version();
  if (version == 0) return "none: the kernel has no Landlock, or it is switched off";
  return "Landlock " + std::to_string(version) + ": files" + (version >= kTcp ? ", TCP" : "") +
         (version >= kScopes ? ", signals" : "");
}

}  // namespace attnviz
