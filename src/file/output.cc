#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <random>
#include <utility>

#include "attnviz/file.h"
#include "file/descriptor.h"
#include "file/watched.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

/// Small pieces (a JSON writer's numbers) are gathered until there are this many bytes.
constexpr std::size_t kGatheredBytes = 1 << 16;
/// As many links in a row as Linux follows before it answers ELOOP.
constexpr int kMostLinks = 40;
constexpr int kMostNames = 100;
constexpr mode_t kNewFileMode = 0666;  // less the umask

/// Where a symbolic link leads to: the file it names is replaced, and the link stays.
fs::path followed(fs::path path) {
  std::error_code fault;
  for (int links = 0; links < kMostLinks && fs::is_symlink(fs::symlink_status(path, fault)); ++links) {
    path = path.parent_path() / fs::read_symlink(path, fault);
  }
  return path;
}

std::string temporary_name() {
  std::random_device source;
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), ".attnviz-%08x%08x.part", source(), source());
  return name.data();
}

/// Where /proc shows a file that has no name, so that it can be linked to one.
std::string unnamed_path(const Descriptor& file) { return "/proc/self/fd/" + std::to_string(file.number()); }

}  // namespace

struct OutputFile::State {
  explicit State(fs::path path);
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  void flush();
  void give_name();

  fs::path shown;      ///< the path as it was given, for errors
  fs::path target;     ///< the path without links
  fs::path temporary;  ///< the file's name until it is complete; empty while it has none
  Watched unfinished;
  Descriptor file;
  bool in_place = false;
  std::string gathered;

 private:
  void open_in_place();
  void open_beside();
  [[nodiscard]] bool link_to(const fs::path& name) const;
  template <class Create>
  void take_temporary_name(const Create& create);
};

OutputFile::State::State(fs::path path) : shown(std::move(path)), target(followed(shown)) {
  if (target.filename().empty()) throw write_fault(shown, EISDIR);
  struct stat existing = {};
  // A link of /proc leads to a pipe by no path that could be followed.
  const bool is_pipe = ::stat(shown.c_str(), &existing) == 0 && S_ISFIFO(existing.st_mode);
  if (is_pipe) {
    open_in_place();
  } else if (::stat(target.c_str(), &existing) != 0) {
    if (errno != ENOENT) throw write_fault(shown, errno);
    open_beside();
  } else if (S_ISDIR(existing.st_mode)) {
    throw write_fault(shown, EISDIR);
  } else if (S_ISREG(existing.st_mode)) {
    // Replacing it needs the directory's permission only, but whoever made a file read-only meant it.
    if (::faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0) throw write_fault(shown, errno);
    open_beside();
    // Without effect on a file system without permissions: there it has none to keep.
    std::ignore = ::fchmod(file.number(), existing.st_mode & 0777);
  } else {
    open_in_place();
  }
}

OutputFile::State::~State() {
  if (!temporary.empty()) ::unlink(temporary.c_str());
}

/// A device or a pipe: there is nothing to replace.
void OutputFile::State::open_in_place() {
  in_place = true;
  file = Descriptor(::open(shown.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.is_open()) throw write_fault(shown, errno);
}

/// Without a name where the file system can do that: then even a killed process leaves nothing.
void OutputFile::State::open_beside() {
  file = Descriptor(::open(directory_of(target).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kNewFileMode));
  if (file.is_open() && ::access(unnamed_path(file).c_str(), F_OK) == 0) return;
  take_temporary_name([this](const fs::path& name) {
    file = Descriptor(::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kNewFileMode));
    return file.is_open();
  });
}

bool OutputFile::State::link_to(const fs::path& name) const {
  return ::linkat(AT_FDCWD, unnamed_path(file).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

/// Tries names until `create(name)` does not meet a file of that name.
template <class Create>
void OutputFile::State::take_temporary_name(const Create& create) {
  for (int attempt = 0; attempt < kMostNames; ++attempt) {
    const fs::path name = directory_of(target) / temporary_name();
    // Before it is there: what comes behind that can't fail.
    unfinished = Watched(name);
    fs::path taken = name;
    if (create(name)) {
      temporary = std::move(taken);
      return;
    }
    if (errno != EEXIST) break;
  }
  throw write_fault(shown, errno);
}

void OutputFile::State::flush() {
  write_all(file, gathered, shown);
  gathered.clear();
}

void OutputFile::State::give_name() {
  if (temporary.empty()) {
    if (link_to(target)) return;
    if (errno != EEXIST) throw write_fault(shown, errno);
    take_temporary_name([this](const fs::path& name) { return link_to(name); });
  }
  if (::rename(temporary.c_str(), target.c_str()) != 0) throw write_fault(shown, errno);
  temporary.clear();
  unfinished = {};
}

OutputFile::OutputFile(fs::path path) : state_(std::make_unique<State>(std::move(path))) {}

OutputFile::~OutputFile() = default;

void OutputFile::write(std::string_view bytes) {
  if (state_->gathered.size() + bytes.size() >= kGatheredBytes) state_->flush();
  if (bytes.size() >= kGatheredBytes) return write_all(state_->file, bytes, state_->shown);
  state_->gathered += bytes;
}

void OutputFile::commit() {
  state_->flush();
  if (!state_->in_place) {
    if (::fsync(state_->file.number()) != 0) throw write_fault(state_->shown, errno);
    state_->give_name();
    sync_directory(directory_of(state_->target), state_->shown);
  }
  if (!state_->file.close()) throw write_fault(state_->shown, errno);
}

}  // namespace attnviz
