#include "model/torch/threads.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <thread>

namespace attnviz {
namespace {

namespace fs = std::filesystem;

constexpr double kMostProcessors = 1 << 20;

std::string first_line(const std::string& path) {
  std::ifstream stream(path);
  std::string line;
  std::getline(stream, line);
  return line;
}

/// This process's place in the one tree of control groups that there is today ("0::/user.slice"); "/" where
/// it is in none, or is not told.
fs::path own_group() {
  std::ifstream stream("/proc/self/cgroup");
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("0::/")) return line.substr(3);
  }
  return "/";
}

}  // namespace

std::optional<int> processor_quota(const fs::path& tree, const fs::path& group) {
  std::optional<int> least;
  for (fs::path at = tree / group.relative_path();; at = at.parent_path()) {
    std::ifstream stream(at / "cpu.max");
    double quota = 0, period = 0;
    if (stream >> quota >> period && quota > 0 && period > 0) {
      const int processors = static_cast<int>(std::min(std::ceil(quota / period), kMostProcessors));
      least = std::min(least.value_or(processors), processors);
    }
    if (at == tree || !at.has_relative_path()) return least;
  }
}

int usable_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }
  std::set<std::string> cores;  // processors of one core list the same siblings
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const std::string number = std::to_string(cpu);
    const std::string siblings =
        first_line("/sys/devices/system/cpu/cpu" + number + "/topology/thread_siblings_list");
    cores.insert(siblings.empty() ? "cpu" + number : siblings);
  }
  const int count = std::max(1, static_cast<int>(cores.size()));
  return std::min(count, processor_quota("/sys/fs/cgroup", own_group()).value_or(count));
}

}  // namespace attnviz
