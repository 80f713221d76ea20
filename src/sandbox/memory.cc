#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include "attnviz/sandbox.h"
#include "sandbox/memory.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

std::size_t number_in(std::string_view text, std::size_t otherwise) {
  const std::size_t digits = std::min(text.find_first_of("0123456789"), text.size());
  std::size_t number = otherwise;
  std::from_chars(text.data() + digits, text.data() + text.size(), number);
  return number;
}

/// What a file tells that holds one number; `otherwise` where there is none, as in "max".
std::size_t number_of(const fs::path& file, std::size_t otherwise) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return number_in(line, otherwise);
}

/// The number on a line of a file, as "MemAvailable:   123 kB".
std::size_t number_of(const fs::path& file, std::string_view name, std::size_t otherwise) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(name)) return number_in(std::string_view(line).substr(name.size()), otherwise);
  }
  return otherwise;
}

/// The names of a control group's files, which differ between the two versions of cgroups.
struct Names {
  std::vector<const char*> limits;
  const char* used;
  std::vector<const char*> caches;  ///< of memory.stat: pages that are given up when memory is needed
};

const Names kSecond = {{"memory.max", "memory.high"}, "memory.current", {"inactive_file ", "active_file "}};
const Names kFirst = {
    {"memory.limit_in_bytes"}, "memory.usage_in_bytes", {"total_inactive_file ", "total_active_file "}};

/// What a group may still take.
std::size_t left_in(const fs::path& group, const Names& names) {
  std::size_t limit = kUnlimited, cached = 0;
  for (const char* const name : names.limits) limit = std::min(limit, number_of(group / name, kUnlimited));
  if (limit == kUnlimited) return limit;
  for (const char* const name : names.caches) cached += number_of(group / "memory.stat", name, 0);
  const std::size_t used = number_of(group / names.used, 0);
  return limit - std::min(limit, used - std::min(used, cached));
}

/// What a group and all those around it may still take. `path` is the group's own, as /proc/self/cgroup tells
/// it; the hierarchy below `mounted` is seen at `place`.
std::size_t left_in_all(const fs::path& place, const std::string& mounted, const std::string& path,
                        const Names& names) {
  const std::string prefix = mounted == "/" ? "" : mounted;
  fs::path group = place;
  if (path.starts_with(prefix + "/")) group /= fs::path(path.substr(prefix.size())).relative_path();
  std::size_t left = kUnlimited;
  for (; group.native().size() > place.native().size(); group = group.parent_path())
    left = std::min(left, left_in(group, names));
  return std::min(left, left_in(place, names));
}

struct GroupPaths {
  std::string second, first;  ///< empty: there is no such hierarchy
};

GroupPaths own_groups(const fs::path& root) {
  GroupPaths paths;
  std::ifstream stream(root / "proc/self/cgroup");
  for (std::string line; std::getline(stream, line);) {  // "4:memory:/user", "0::/user"
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers == ",,") paths.second = line.substr(second + 1);
    if (controllers.find(",memory,") != std::string::npos) paths.first = line.substr(second + 1);
  }
  return paths;
}

/// The limits of the control groups that the process is in.
std::size_t left_in_groups(const fs::path& root) {
  const GroupPaths own = own_groups(root);
  std::size_t left = kUnlimited;
  std::ifstream stream(root / "proc/self/mountinfo");
  for (std::string line; std::getline(stream, line);) {
    // "36 25 0:31 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw": optional fields before the dash
    std::istringstream words(line);
    const std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 6 || fields.end() - dash < 4) continue;
    const std::string &mounted = fields[3], &type = dash[1];
    const fs::path place = root / fs::path(fields[4]).relative_path();
    const bool of_memory = ("," + dash[3] + ",").find(",memory,") != std::string::npos;
    if (type == "cgroup2" && !own.second.empty())
      left = std::min(left, left_in_all(place, mounted, own.second, kSecond));
    if (type == "cgroup" && of_memory && !own.first.empty())
      left = std::min(left, left_in_all(place, mounted, own.first, kFirst));
  }
  return left;
}

}  // namespace

AvailableMemory available_memory(const fs::path& root) {
  const fs::path info = root / "proc/meminfo";
  const std::size_t groups = left_in_groups(root);
  const std::size_t kibibytes = number_of(info, "MemAvailable:", 0);
  if (kibibytes == 0) return {groups, groups};
  const std::size_t machine = kibibytes * 1024, swap = number_of(info, "SwapFree:", 0) * 1024;
  return {std::min(machine, groups), std::min(machine + swap, groups)};
}

void limit_memory() {
  const std::size_t available = available_memory().with_swap;
  rlimit limit = {};
  if (available == kUnlimited || ::getrlimit(RLIMIT_DATA, &limit) != 0) return;
  // A thread's stack counts whole, although little of it is ever touched.
  constexpr std::size_t kStack = 8 << 20;
  const std::size_t stacks = std::thread::hardware_concurrency() * kStack;
  const rlim_t most = number_of("/proc/self/status", "VmData:", 0) * 1024 + stacks + available;
  limit.rlim_cur = std::min(limit.rlim_max, most);
  std::ignore = ::setrlimit(RLIMIT_DATA, &limit);
}

}  // namespace attnviz
