/// An open file's number, and how a system call's failure is worded.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string_view>
#include <utility>

#include "attnviz/error.h"

namespace attnviz {

/// Closes its file with itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (is_open()) ::close(number_);
  }

  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  [[nodiscard]] int number() const { return number_; }

  /// Leaves the file open, and closing it to whoever takes the number.
  [[nodiscard]] int release() { return std::exchange(number_, -1); }

  /// False when the system reports a late failure of an earlier write; errno says which.
  [[nodiscard]] bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_ = -1;
};

/// "<path>: can't be read: No such file or directory", with a hint; `number` is errno's value.
[[nodiscard]] Error read_fault(const std::filesystem::path& path, int number);
[[nodiscard]] Error write_fault(const std::filesystem::path& path, int number);

/// The directory that holds `path`.
[[nodiscard]] std::filesystem::path directory_of(const std::filesystem::path& path);

/// Opens a regular file for reading. Throws Error naming the path for anything else.
[[nodiscard]] Descriptor open_to_read(const std::filesystem::path& path);

/// Writes all of it. Throws Error naming `path`.
void write_all(const Descriptor& file, std::string_view bytes, const std::filesystem::path& path);

/// Puts a directory's names on the disk. Throws Error naming `path`, the file it is done for.
void sync_directory(const std::filesystem::path& directory, const std::filesystem::path& path);

}  // namespace attnviz
