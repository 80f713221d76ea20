#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "attnviz/file.h"
#include "file/descriptor.h"
#include "file/watched.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPartEnding = ".part";

/// Files that have no name of their own yet; those that never get one go with the object.
class Parts {
 public:
  Parts(const fs::path& directory, std::span<const NamedFile> files, const std::string& part)
      : directory_(directory), files_(files), part_(part) {}
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    for (std::size_t i = named_; i < opened_.size(); ++i) ::unlink(part(i).c_str());
  }

  void write() {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      Descriptor file(::open(part(i).c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666));
      if (!file.is_open()) throw write_fault(path(i), errno);
      opened_.push_back(std::move(file));
      unfinished_.emplace_back(part(i));
      write_all(opened_[i], files_[i].bytes, path(i));
    }
  }

  void sync() {
    // All begin to be written before the first is waited for; without effect where a file system can't.
    for (const Descriptor& file : opened_) {
      std::ignore = ::sync_file_range(file.number(), 0, 0, SYNC_FILE_RANGE_WRITE);
    }
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (::fsync(opened_[i].number()) != 0 || !opened_[i].close()) throw write_fault(path(i), errno);
    }
  }

  void give_names() {
    for (; named_ < files_.size(); ++named_) {
      if (::rename(part(named_).c_str(), path(named_).c_str()) != 0) throw write_fault(path(named_), errno);
    }
  }

 private:
  [[nodiscard]] fs::path path(std::size_t i) const { return directory_ / files_[i].name; }
  [[nodiscard]] fs::path part(std::size_t i) const {
    return directory_ / (part_ + std::to_string(i) + std::string(kPartEnding));
  }

  const fs::path& directory_;
  std::span<const NamedFile> files_;
  const std::string& part_;
  std::vector<Descriptor> opened_;
  std::vector<Watched> unfinished_;
  std::size_t named_ = 0;  ///< so many have their names
};

bool is_part(std::string_view name, std::string_view part) {
  if (!name.starts_with(part) || !name.ends_with(kPartEnding)) return false;
  if (name.size() <= part.size() + kPartEnding.size()) return false;
  const std::string_view number = name.substr(part.size(), name.size() - part.size() - kPartEnding.size());
  return std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// A link would lead the bytes to a file elsewhere, and a pipe to whoever reads it.
Descriptor open_to_alter(const fs::path& path, int flags) {
  const int usual = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  Descriptor file(::open(path.c_str(), usual | flags));
  if (!file.is_open()) {
    if (errno != ELOOP) throw write_fault(path, errno);
    throw Error(path.string() + ": can't be written: it is a link", "put the file itself there");
  }
  struct stat status = {};
  if (::fstat(file.number(), &status) != 0) throw write_fault(path, errno);
  if (!S_ISREG(status.st_mode)) throw Error(path.string() + ": can't be written: it is not a regular file");
  return file;
}

}  // namespace

void write_files(const fs::path& directory, std::span<const NamedFile> files, const std::string& part) {
  if (files.empty()) return;
  Parts parts(directory, files, part);
  parts.write();
  parts.sync();
  parts.give_names();
  sync_directory(directory, directory / files.back().name);
}

void remove_parts(const fs::path& directory, const std::string& part) {
  std::vector<fs::path> left;
  std::error_code fault;
  for (fs::directory_iterator entry(directory, fault), end; !fault && entry != end; entry.increment(fault)) {
    if (is_part(entry->path().filename().string(), part)) left.push_back(entry->path());
  }
  if (fault) throw read_fault(directory, fault.value());
  for (const fs::path& path : left) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw write_fault(path, errno);
  }
}

void append_to_file(const fs::path& path, std::string_view bytes) {
  const Descriptor file = open_to_alter(path, O_APPEND);
  struct stat before = {};
  if (::fstat(file.number(), &before) != 0) throw write_fault(path, errno);
  try {
    write_all(file, bytes, path);
    if (::fdatasync(file.number()) != 0) throw write_fault(path, errno);
  } catch (const Error&) {
    // Where even this fails, readers still meet a line without its end.
    std::ignore = ::ftruncate(file.number(), before.st_size);
    throw;
  }
}

void cut_file(const fs::path& path, std::size_t size) {
  const Descriptor file = open_to_alter(path, 0);
  if (::ftruncate(file.number(), static_cast<off_t>(size)) != 0 || ::fsync(file.number()) != 0) {
    throw write_fault(path, errno);
  }
}

}  // namespace attnviz
