/// file: bytes in and out of files. What is read is read whole or mapped; what is written appears
/// under its name only when it is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attnviz {

/// Takes the next piece of an output. Writers of formats take a Sink, so that nothing large is
/// held twice and tests need no files.
using Sink = std::function<void(std::string_view)>;

/// Whether there is a file, directory or the like of that name: false also where it may not be looked at.
/// Throws Error naming the path when a failing disk or the like leaves it open: a file passed over would be
/// another answer.
[[nodiscard]] bool is_there(const std::filesystem::path& path);
/// The same for a directory.
[[nodiscard]] bool is_directory_there(const std::filesystem::path& path);

/// The whole file, of a model, a figure or a run: whatever such a directory holds comes from anywhere, so it
/// must be a regular file, which a pipe or a device behind its name, that would never end, is not; and where
/// `most` says so, no larger. Throws Error naming the path and the reason. What users name as text is read as
/// a stream.
[[nodiscard]] std::string read_file(const std::filesystem::path& path, std::size_t most = SIZE_MAX);

/// Throws as read_file() does, of a file that is then read piece by piece.
void expect_regular_file(const std::filesystem::path& path);

/// A file mapped read-only (privately) for as long as the object lives. Movable.
class MappedFile {
 public:
  /// Throws Error as read_file() does. An empty file maps to no bytes.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const;

  /// Tells the system that these bytes of a mapping are not needed for now: they no longer count as this
  /// process's memory, and are read again where they are looked at.
  static void let_go(std::span<const std::byte> bytes);

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

/// From now on, a mapped file that has become shorter than it was, or whose disk fails, ends the process with
/// status 2 and a message that names it, instead of SIGBUS.
void watch_mapped_files();

/// What these two know: one list a process. A module that holds this room once more shares the program's.
struct WatchedFiles;
[[nodiscard]] WatchedFiles& watched_files();
void share_watched_files(WatchedFiles& list);

/// Removes the files that have no name of their own yet, where a process ends without the end of its objects.
/// A signal's handler may call it.
void remove_unfinished_files() noexcept;

/// A file being written beside its final name: a reader sees the old file or the whole new one,
/// never half of one. Destroyed without commit(), it leaves nothing behind. Movable.
class OutputFile {
 public:
  /// Throws Error naming `path` when its directory does not exist or can't be written.
  explicit OutputFile(std::filesystem::path path);

  /// A new file in the current directory, whose name is known later and ends in `ending`, ".svg".
  [[nodiscard]] static OutputFile new_here(std::string ending);

  OutputFile(OutputFile&&) noexcept;
  OutputFile& operator=(OutputFile&&) noexcept;
  ~OutputFile();

  /// What a new file's name is to begin with; where that is a file, "-2" and so on comes behind.
  void name_after(const std::string& stem);

  /// Leaves the right to give the file its name to a process that does just that: this one may give the right
  /// up, and needs none from here on to write the file. No other thread may have been started yet.
  void hand_over();

  /// Throws Error naming the path and the reason (a full disk, a closed pipe).
  void write(std::string_view bytes);

  /// fsync, rename to the final name, fsync of the directory. Nothing may be written afterwards. Returns the
  /// path.
  std::filesystem::path commit();

 private:
  OutputFile();

  struct State;
  std::unique_ptr<State> state_;
};

/// Makes it where it is missing, not its parents; returns whether it was. Throws Error naming it.
bool make_directory(const std::filesystem::path& directory);

/// A directory to write into, made where it is missing. If it was made, it goes with the object while it is
/// empty.
class OutputDirectory {
 public:
  /// Throws Error as make_directory().
  explicit OutputDirectory(std::filesystem::path path);
  OutputDirectory(OutputDirectory&&) noexcept;
  OutputDirectory& operator=(OutputDirectory&&) noexcept;
  ~OutputDirectory();

  [[nodiscard]] const std::filesystem::path& path() const;

  /// As OutputFile's: leaves the right to remove the directory.
  void hand_over();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A file's name in its directory, and its bytes.
struct NamedFile {
  std::string name;
  std::string_view bytes;
};

/// Writes files into a directory; each appears under its name only when it is complete and on the disk, and
/// on return all names are on the disk too. Until then they are called `part` and a number: a killed process
/// leaves some of those at most. All are open at once, so some hundred are as many as there should be. Throws
/// Error naming the file; no part stays, and each name has its old file or its new one.
void write_files(const std::filesystem::path& directory, std::span<const NamedFile> files,
                 const std::string& part);

/// Removes what a killed write_files() left under these names.
void remove_parts(const std::filesystem::path& directory, const std::string& part);

/// Appends to a regular file that exists and is no link; on return the bytes are on the disk. Throws Error
/// naming the path, the file being as it was before.
void append_to_file(const std::filesystem::path& path, std::string_view bytes);

/// Cuts a regular file that is no link behind its first `size` bytes, on the disk too.
void cut_file(const std::filesystem::path& path, std::size_t size);

/// A file that stands for the right to write somewhere. It exists while it is held, and goes when the holder
/// releases it; a killed holder's file stays, and hinders nobody.
class FileLock {
 public:
  /// Nothing when another holds it. Throws Error when the file can't be made.
  [[nodiscard]] static std::optional<FileLock> take(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  FileLock(std::filesystem::path path, int file) : path_(std::move(path)), file_(file) {}

  std::filesystem::path path_;
  int file_ = -1;
};

/// The SHA-256 of bytes as 64 lower-case hexadecimal digits (FIPS 180-4).
[[nodiscard]] std::string sha256_of(std::string_view bytes);

/// The SHA-256 of a file as 64 lower-case hexadecimal digits (FIPS 180-4).
[[nodiscard]] std::string sha256_of_file(const std::filesystem::path& path);

/// A zip archive of stored entries (PKWARE's APPNOTE 6.3.10), written to a Sink without going back. Sizes and
/// offsets that do not fit 32 bits take the ZIP64 fields. The same entries give the same bytes: every entry
/// has the date that stands for none, 1980-01-01.
class ZipWriter {
 public:
  /// The first value that 32 bits can't hold beside their mark for "see ZIP64".
  static constexpr std::uint64_t kFirstZip64 = 0xFFFF'FFFF;

  /// `sink` must outlive the writer. `first_zip64` is lowered to see ZIP64 fields in small archives.
  explicit ZipWriter(const Sink& sink, std::uint64_t first_zip64 = kFirstZip64)
      : sink_(sink), first_zip64_(first_zip64) {}

  /// One entry: its content in pieces, one behind the other.
  void add(const std::string& name, std::initializer_list<std::string_view> pieces);

  /// The same of a content whose checksum is known, so that it is not gone through.
  void add_known(const std::string& name, std::string_view content, std::uint32_t checksum);

  /// The directory. Nothing may be added afterwards.
  void finish();

 private:
  struct Entry {
    std::string name;
    std::uint32_t checksum = 0;
    std::uint64_t size = 0, offset = 0;
  };

  void put(std::string_view bytes);
  void begin(Entry entry);
  [[nodiscard]] std::string directory_record(const Entry& entry) const;
  [[nodiscard]] std::string zip64_end(std::uint64_t directory_begin) const;

  const Sink& sink_;
  std::uint64_t first_zip64_;
  std::uint64_t written_ = 0;
  std::vector<Entry> entries_;
};

/// What lies in a zip archive, as views into it.
struct ArchiveEntry {
  std::string_view name;
  std::uint64_t size = 0;  ///< once inflated
  bool deflated = false;
  std::uint32_t checksum = 0;  ///< CRC-32 once inflated, as the archive tells it
  std::span<const std::byte> stored;
};

/// An archive's entries in its directory's order, checked before a program that trusts it reads them. Throws
/// Error that says what is wrong with the archive, without naming it.
[[nodiscard]] std::vector<ArchiveEntry> read_archive(std::span<const std::byte> archive);

/// CRC-32 of ISO 3309, as zip takes it; `before` is that of the bytes in front.
[[nodiscard]] std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);

}  // namespace attnviz
