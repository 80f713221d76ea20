/// file: bytes in and out of files. What is read is read whole or mapped; what is written appears
/// under its name only when it is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace attnviz {

/// Takes the next piece of an output. Writers of formats take a Sink, so that nothing large is
/// held twice and tests need no files.
using Sink = std::function<void(std::string_view)>;

/// The whole file. Throws Error naming the path and the system's reason (a directory is one).
[[nodiscard]] std::string read_file(const std::filesystem::path& path);

/// A file mapped read-only (privately) for as long as the object lives. Movable.
class MappedFile {
 public:
  /// Throws Error naming the path and the system's reason. An empty file maps to no bytes.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

/// A file being written beside its final name: a reader sees the old file or the whole new one,
/// never half of one. Destroyed without commit(), it leaves nothing behind.
class OutputFile {
 public:
  /// Throws Error naming `path` when its directory does not exist or can't be written.
  explicit OutputFile(std::filesystem::path path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  /// Throws Error naming the path and the reason (a full disk, a closed pipe).
  void write(std::string_view bytes);

  /// fsync, rename to the final name, fsync of the directory. Nothing may be written afterwards.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The SHA-256 of a file as 64 lower-case hexadecimal digits (FIPS 180-4).
[[nodiscard]] std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace attnviz
