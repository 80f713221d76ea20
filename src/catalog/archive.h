/// A zip archive's directory, checked before a program that trusts it reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attnviz {

/// Views into the archive.
struct ArchiveEntry {
  std::string_view name;
  std::uint64_t size = 0;  ///< once inflated
  bool deflated = false;
  std::uint32_t checksum = 0;  ///< CRC-32 once inflated, as the archive tells it
  std::span<const std::byte> stored;
};

/// In the directory's order. Throws Error that says what is wrong with the archive, without naming it.
[[nodiscard]] std::vector<ArchiveEntry> read_archive(std::span<const std::byte> archive);

}  // namespace attnviz
