/// What must be known when a signal ends the process: which files are mapped where, and which are not
/// complete.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <utility>

namespace attnviz {

/// Stands in a list that a signal's handler may read at any time, for as long as it lives. Movable.
class Watched {
 public:
  Watched() = default;
  /// A file that is removed where the process ends at once.
  explicit Watched(const std::filesystem::path& unfinished);
  /// A mapped file: reading what it has no more is told by its name.
  Watched(const std::filesystem::path& mapped, std::span<const std::byte> bytes);
  Watched(Watched&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  Watched& operator=(Watched&& other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~Watched();

  struct Entry;

 private:
  Entry* entry_ = nullptr;
};

}  // namespace attnviz
