/// A file read from front to back.
#pragma once

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>

#include "file/descriptor.h"

namespace attnviz {

inline constexpr std::size_t kBlockBytes = 1 << 18;

/// Calls `take(block)` for each piece of what is left of `file`. Throws Error naming `path`.
template <class Take>
void for_each_block(const Descriptor& file, const std::filesystem::path& path, Take&& take) {
  std::string block(kBlockBytes, '\0');
  while (true) {
    const ssize_t count = ::read(file.number(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw read_fault(path, errno);
    if (count == 0) return;
    take(std::string_view(block).substr(0, static_cast<std::size_t>(count)));
  }
}

}  // namespace attnviz
