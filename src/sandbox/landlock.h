/// The Linux kernel's Landlock, by its system calls: the C library has no functions for them.
#pragma once

#include <filesystem>
#include <span>

namespace attnviz {

/// The version of what the kernel has; 0 where it has none, or it is switched off.
[[nodiscard]] int landlock_version();

/// As confine() tells. Throws Error with the system's reason.
void restrict_by_landlock(std::span<const std::filesystem::path> writable);

}  // namespace attnviz
