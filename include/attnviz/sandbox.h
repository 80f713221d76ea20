/// sandbox: what the process gives up before it runs a model, which may come from a stranger.
#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace attnviz {

enum class Sandbox {
  automatic,  ///< where the kernel has Landlock
  require,    ///< else Error
  off,
};

/// From here on this thread, and those it starts, can change files only in `writable`, directories and
/// devices, and neither open TCP connections, listen, run programs nor signal other processes, as far as the
/// kernel knows how to forbid it (Linux 5.13, 6.7 and 6.12: Documentation/userspace-api/landlock.rst).
/// Reading stays free. The whole process gets no more memory than is available. What is open already stays
/// usable. A path that is not there yet stands for its nearest directory that is. Throws Error: required, but
/// not to be had.
void confine(Sandbox sandbox, std::span<const std::filesystem::path> writable);

/// "Landlock 7: files, TCP, signals", or why there is none.
[[nodiscard]] std::string sandbox_state();

}  // namespace attnviz
