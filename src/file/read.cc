#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "attnviz/file.h"
#include "file/blocks.h"
#include "file/descriptor.h"

namespace attnviz {
namespace {

/// 0 for pipes, devices and most of /proc.
std::size_t size_of(const Descriptor& file, const std::filesystem::path& path) {
  struct stat status = {};
  if (::fstat(file.number(), &status) != 0) throw read_fault(path, errno);
  return S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0;
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

std::string read_file(const std::filesystem::path& path) {
  const Descriptor file = open_to_read(path);
  std::string bytes;
  // Only a first guess: a file may grow meanwhile.
  bytes.reserve(size_of(file, path));
  for_each_block(file, path, [&](std::string_view block) { bytes += block; });
  return bytes;
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file = open_to_read(path);
  const std::size_t size = size_of(file, path);
  if (size == 0) return;
  void* const start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
  if (start == MAP_FAILED) throw read_fault(path, errno);
  bytes_ = {static_cast<const std::byte*>(start), size};
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

void MappedFile::let_go(std::span<const std::byte> bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::size_t before = (page - address % page) % page;  // of a page that others use, too
  if (bytes.size() < before + page) return;
  const std::size_t whole = (bytes.size() - before) / page * page;
  ::madvise(const_cast<std::byte*>(bytes.data() + before), whole, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace attnviz
