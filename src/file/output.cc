#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>

#include "attnviz/file.h"
#include "file/deputy.h"
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
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  void open(fs::path path);
  void open_new(std::string ending_of_its_name);
  void flush();
  [[nodiscard]] int give_name(const std::string& stem);
  [[nodiscard]] fs::path new_name(const std::string& stem, int number) const;

  fs::path shown{};      ///< the path as it was given, for errors
  fs::path target{};     ///< the path without links; empty while a new file has no name
  std::string ending{};  ///< of a new file's name
  std::string stem{};    ///< what it begins with
  fs::path temporary{};  ///< the file's name until it is complete; empty while it has none
  Watched unfinished{};
  Descriptor file{};
  bool in_place = false;
  std::string gathered{};
  std::unique_ptr<Deputy> deputy{};  ///< has the temporary name, and gives the file its own

 private:
  void open_in_place();
  void open_beside(mode_t mode);
  [[nodiscard]] fs::path directory() const { return directory_of(target); }
  [[nodiscard]] bool link_to(const fs::path& name) const;
  template <class Create>
  [[nodiscard]] bool take_temporary_name(const Create& create);
  [[nodiscard]] bool replace_target();
  [[nodiscard]] bool take_new_name(const fs::path& name);
};

void OutputFile::State::open(fs::path path) {
  shown = std::move(path);
  target = followed(shown);
  if (target.filename().empty()) throw write_fault(shown, EISDIR);
  struct stat existing = {};
  // A link of /proc leads to a pipe by no path that could be followed.
  const bool is_pipe = ::stat(shown.c_str(), &existing) == 0 && S_ISFIFO(existing.st_mode);
  if (is_pipe) {
    open_in_place();
  } else if (::stat(target.c_str(), &existing) != 0) {
    if (errno != ENOENT) throw write_fault(shown, errno);
    open_beside(kNewFileMode);
  } else if (S_ISDIR(existing.st_mode)) {
    throw write_fault(shown, EISDIR);
  } else if (S_ISREG(existing.st_mode)) {
    // Replacing it needs the directory's permission only, but whoever made a file read-only meant it.
    if (::faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0) throw write_fault(shown, errno);
    open_beside(existing.st_mode & 0777);
    // Without effect on a file system without permissions: there it has none to keep. Refused where the
    // process is confined: then the umask may have taken some, and nobody got more than before.
    std::ignore = ::fchmod(file.number(), existing.st_mode & 0777);
  } else {
    open_in_place();
  }
}

void OutputFile::State::open_new(std::string ending_of_its_name) {
  ending = std::move(ending_of_its_name);
  std::error_code fault;
  shown = fs::current_path(fault);
  open_beside(kNewFileMode);
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
void OutputFile::State::open_beside(mode_t mode) {
  file = Descriptor(::open(directory().c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
  if (file.is_open() && ::access(unnamed_path(file).c_str(), F_OK) == 0) return;
  const auto create = [&](const fs::path& name) {
    file = Descriptor(::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode));
    return file.is_open();
  };
  if (!take_temporary_name(create)) throw write_fault(shown, errno);
}

bool OutputFile::State::link_to(const fs::path& name) const {
  return ::linkat(AT_FDCWD, unnamed_path(file).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

/// Tries names until `create(name)` does not meet a file of that name. Where it fails, errno says why.
template <class Create>
bool OutputFile::State::take_temporary_name(const Create& create) {
  for (int attempt = 0; attempt < kMostNames; ++attempt) {
    const fs::path name = directory() / temporary_name();
    // Before it is there: what comes behind that can't fail.
    unfinished = Watched(name);
    fs::path taken = name;
    if (create(name)) {
      temporary = std::move(taken);
      return true;
    }
    if (errno != EEXIST) break;
  }
  unfinished = {};
  return false;
}

void OutputFile::State::flush() {
  write_all(file, gathered, shown);
  gathered.clear();
}

bool OutputFile::State::replace_target() {
  if (temporary.empty()) {
    if (link_to(target)) return true;
    if (errno != EEXIST || !take_temporary_name([this](const fs::path& name) { return link_to(name); }))
      return false;
  }
  if (::rename(temporary.c_str(), target.c_str()) != 0) return false;
  temporary.clear();
  unfinished = {};
  return true;
}

/// Whether the name was free, and is the file's now.
bool OutputFile::State::take_new_name(const fs::path& name) {
  if (temporary.empty()) return link_to(name);
  bool done = ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, name.c_str(), RENAME_NOREPLACE) == 0;
  if (!done && errno == EINVAL) {  // a file system that can't see to it itself
    std::error_code fault;
    errno = EEXIST;
    done = !fs::exists(fs::symlink_status(name, fault)) && ::rename(temporary.c_str(), name.c_str()) == 0;
  }
  if (!done) return false;
  temporary.clear();
  unfinished = {};
  return true;
}

fs::path OutputFile::State::new_name(const std::string& name_stem, int number) const {
  return name_stem + (number == 1 ? "" : "-" + std::to_string(number)) + ending;
}

/// Returns the number that a new file's name has got, from 1 on, or errno's value as a negative number.
int OutputFile::State::give_name(const std::string& name_stem) {
  if (!target.empty()) return replace_target() ? 1 : -errno;
  // A zero byte would be the name's end, and hide its ending.
  const bool is_plain =
      !name_stem.starts_with('.') && name_stem.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
  if (name_stem.empty() || !is_plain) return -EINVAL;
  for (int number = 1;; ++number) {
    if (take_new_name(new_name(name_stem, number))) return number;
    if (errno != EEXIST) return -errno;
  }
}

OutputFile::OutputFile(fs::path path) : OutputFile() { state_->open(std::move(path)); }

OutputFile OutputFile::new_here(std::string ending) {
  OutputFile file;
  file.state_->open_new(std::move(ending));
  return file;
}

OutputFile::OutputFile() : state_(std::make_unique<State>()) {}

OutputFile::OutputFile(OutputFile&&) noexcept = default;

OutputFile& OutputFile::operator=(OutputFile&&) noexcept = default;

OutputFile::~OutputFile() = default;

void OutputFile::name_after(const std::string& stem) {
  if (!state_->ending.empty()) state_->shown = state_->new_name(state_->stem = stem, 1);
}

void OutputFile::hand_over() {
  State& state = *state_;
  if (state.in_place) return;
  state.deputy = std::make_unique<Deputy>(
      [&state](const std::string& stem) { return state.give_name(stem); },
      [&state] {
        if (!state.temporary.empty()) ::unlink(state.temporary.c_str());
      },
      state.file.number());
  // Both are the deputy's now, which has a copy of this.
  state.temporary.clear();
  state.unfinished = {};
}

void OutputFile::write(std::string_view bytes) {
  if (state_->gathered.size() + bytes.size() >= kGatheredBytes) state_->flush();
  if (bytes.size() >= kGatheredBytes) return write_all(state_->file, bytes, state_->shown);
  state_->gathered += bytes;
}

fs::path OutputFile::commit() {
  State& state = *state_;
  state.flush();
  if (!state.in_place) {
    if (::fsync(state.file.number()) != 0) throw write_fault(state.shown, errno);
    const int number = state.deputy ? state.deputy->ask(state.stem) : state.give_name(state.stem);
    if (number < 0) throw write_fault(state.shown, -number);
    if (state.target.empty()) state.shown = state.target = state.new_name(state.stem, number);
    sync_directory(directory_of(state.target), state.shown);
  }
  if (!state.file.close()) throw write_fault(state.shown, errno);
  return state.shown;
}

}  // namespace attnviz
