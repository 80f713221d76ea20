#include "file/descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

namespace attnviz {
namespace {

namespace fs = std::filesystem;

std::string reason(int number) { return std::generic_category().message(number); }

std::string read_hint(const fs::path& path, int number) {
  if (number == EACCES || number == EPERM) return "ask its owner for the right to read it";
  if (number != ENOENT) return {};
  std::error_code fault;
  if (!fs::is_directory(directory_of(path), fault)) {
    return "there is no directory " + directory_of(path).string();
  }
  std::vector<std::string> names;
  for (fs::directory_iterator entry(directory_of(path), fault), end; !fault && entry != end;
       entry.increment(fault)) {
    names.push_back(entry->path().filename().string());
  }
  const std::string meant = nearest(path.filename().string(), names);
  return meant.empty() ? "check the path" : "did you mean " + (path.parent_path() / meant).string() + "?";
}

std::string write_hint(const fs::path& path, int number) {
  switch (number) {
    case ENOENT:
      return "make its directory first: mkdir -p " + directory_of(path).string();
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a place that you may write to";
    case EISDIR:
      return "name a file inside it";
    case ENOSPC:
    case EDQUOT:
      return "free some space, or write to another disk";
    case EFBIG:
      return "raise the limit on file sizes (ulimit -f), or write to another disk";
    case ENAMETOOLONG:
      return "choose a shorter name";
    default:
      return {};
  }
}

}  // namespace

Error read_fault(const fs::path& path, int number) {
  return Error(path.string() + ": can't be read: " + reason(number), read_hint(path, number));
}

Error write_fault(const fs::path& path, int number) {
  return Error(path.string() + ": can't be written: " + reason(number), write_hint(path, number));
}

fs::path directory_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : "."; }

namespace {

void expect_regular(mode_t mode, const fs::path& path) {
  if (S_ISDIR(mode)) throw read_fault(path, EISDIR);
  if (S_ISREG(mode)) return;
  const char* const kind = S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
  throw Error(path.string() + ": not a regular file but " + kind, "copy what it is to hold into a file");
}

}  // namespace

Descriptor open_to_read(const fs::path& path) {
  struct stat status = {};
  // Some devices act when they are opened. What takes the name's place meanwhile is at least not waited for.
  if (::stat(path.c_str(), &status) == 0) expect_regular(status.st_mode, path);
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.is_open()) throw read_fault(path, errno);
  if (::fstat(file.number(), &status) != 0) throw read_fault(path, errno);
  expect_regular(status.st_mode, path);
  return file;
}

void write_all(const Descriptor& file, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.number(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw write_fault(path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void sync_directory(const fs::path& directory, const fs::path& path) {
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A directory that may be written but not read can't be opened; some file systems can't sync one.
  if (!opened.is_open() || ::fsync(opened.number()) == 0 || errno == EINVAL) return;
  throw write_fault(path, errno);
}

}  // namespace attnviz
