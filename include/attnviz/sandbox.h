/// sandbox: what the process gives up before it reads what may come from a stranger.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace attnviz {

enum class Sandbox {
  automatic,  ///< what the kernel has of Landlock and seccomp
  require,    ///< both, else Error
  off,
};

/// From here on this thread, and those it starts, can change files only in `writable`, directories and
/// devices that are there. It runs no program, starts no process, connects to nobody, sends no datagram and
/// signals no other process; it alters no file's mode, owner, times or attributes, no other process and
/// nothing of the kernel's: as far as the kernel knows how to forbid it (Linux 5.13: landlock.rst and
/// seccomp_filter.rst of its Documentation/userspace-api). Reading stays free. What is open already stays
/// usable. The whole process gets no more memory than is available. Throws Error: required, but not to be
/// had; a place that is not there.
void confine(Sandbox sandbox, std::span<const std::filesystem::path> writable);

/// In bytes; as many as there can be where the system does not say.
struct AvailableMemory {
  std::size_t memory = 0;     ///< without swapping
  std::size_t with_swap = 0;  ///< as much as there is, before processes are ended
};

/// Of the machine, or of the control groups that the process is in (a container, a batch system's job),
/// whichever has less. `root` is the directory of /proc and /sys.
[[nodiscard]] AvailableMemory available_memory(const std::filesystem::path& root = "/");

/// "Landlock 7: files, TCP, signals; seccomp: …", or what there is none of.
[[nodiscard]] std::string sandbox_state();

}  // namespace attnviz
