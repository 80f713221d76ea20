#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "attnviz/file.h"
#include "file/blocks.h"
#include "file/descriptor.h"
#include "file/watched.h"

namespace attnviz {
namespace {

/// 0 for most of /proc.
std::size_t size_of(const Descriptor& file, const std::filesystem::path& path) {
  struct stat status = {};
  if (::fstat(file.number(), &status) != 0) throw read_fault(path, errno);
  return static_cast<std::size_t>(status.st_size);
}

/// Of what is there and may be looked at.
std::optional<mode_t> mode_of(const std::filesystem::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0) return status.st_mode;
  const int fault = errno;
  for (const int absent : {ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG}) {
    if (fault == absent) return std::nullopt;
  }
  throw read_fault(path, fault);
}

}  // namespace

bool is_there(const std::filesystem::path& path) { return mode_of(path).has_value(); }

bool is_directory_there(const std::filesystem::path& path) {
  const std::optional<mode_t> mode = mode_of(path);
  return mode && S_ISDIR(*mode);
}

void expect_regular_file(const std::filesystem::path& path) { (void)open_to_read(path); }

std::string read_file(const std::filesystem::path& path, std::size_t most) {
  const Descriptor file = open_to_read(path);
  const std::size_t size = size_of(file, path);
  const auto refuse_above = [&](std::size_t bytes) {
    if (bytes <= most) return;
    throw Error(path.string() + ": too large, expected at most " + std::to_string(most) + " bytes, got " +
                    (bytes == size ? "" : "more than ") + std::to_string(bytes),
                "download or export it again");
  };
  refuse_above(size);
  std::string bytes;
  // Only a first guess: a file may grow meanwhile.
  bytes.reserve(size);
  for_each_block(file, path, [&](std::string_view block) {
    refuse_above(bytes.size() + block.size());
    bytes += block;
  });
  return bytes;
}

struct MappedFile::State {
  struct Mapping {
    Mapping() = default;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() {
      if (!bytes.empty()) ::munmap(const_cast<std::byte*>(bytes.data()), bytes.size());
    }

    std::span<const std::byte> bytes;
  };
  Mapping mapping;
  Watched watched;  ///< goes before the mapping, whose addresses may then be another's
};

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file = open_to_read(path);
  const std::size_t size = size_of(file, path);
  if (size == 0) return;
  auto state = std::make_unique<State>();
  void* const start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
  if (start == MAP_FAILED) throw read_fault(path, errno);
  state->mapping.bytes = {static_cast<const std::byte*>(start), size};
  state->watched = Watched(path, state->mapping.bytes);
  state_ = std::move(state);
}

MappedFile::MappedFile(MappedFile&&) noexcept = default;
MappedFile& MappedFile::operator=(MappedFile&&) noexcept = default;
MappedFile::~MappedFile() = default;

std::span<const std::byte> MappedFile::bytes() const {
  return state_ ? state_->mapping.bytes : std::span<const std::byte>();
}

void MappedFile::let_go(std::span<const std::byte> bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::size_t before = (page - address % page) % page;  // of a page that others use, too
  if (bytes.size() < before + page) return;
  const std::size_t whole = (bytes.size() - before) / page * page;
  ::madvise(const_cast<std::byte*>(bytes.data() + before), whole, MADV_DONTNEED);
}

}  // namespace attnviz
