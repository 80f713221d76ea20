#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "attnviz/file.h"
#include "file/descriptor.h"

namespace attnviz {
namespace {

/// Whether the file that was opened is still the one of this name.
bool is_named(const Descriptor& file, const std::filesystem::path& path) {
  struct stat opened = {}, named = {};
  return ::fstat(file.number(), &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

std::optional<FileLock> FileLock::take(const std::filesystem::path& path) {
  while (true) {
    Descriptor file(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!file.is_open()) throw write_fault(path, errno);
    if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return std::nullopt;
      throw write_fault(path, errno);
    }
    // Between opening and locking, its holder may have removed it: what is locked then is no longer the lock.
    if (is_named(file, path)) return FileLock(path, file.release());
  }
}

FileLock::FileLock(FileLock&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  return *this;
}

FileLock::~FileLock() {
  if (file_ < 0) return;
  // While it is still locked: nobody can hold what is removed.
  ::unlink(path_.c_str());
  ::close(file_);
}

}  // namespace attnviz
