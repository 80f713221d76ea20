#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <new>
#include <system_error>
#include <utility>

#include "attnviz/error.h"
#include "attnviz/file.h"
#include "attnviz/manifest.h"

namespace attnviz {
namespace {

Error fault_of(const std::filesystem::path& path) {
  return Error(path.string() + ": can't be read: " + std::generic_category().message(errno));
}

int opened(const std::filesystem::path& path) {
  expect_regular_file(path);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file < 0) throw fault_of(path);
  return file;
}

/// XXH64 takes what it gets from a disk or from memory as fast as that gives it, which SHA-256 does not: a
/// run must not wait half a minute for the weights of a large model.
std::string digest_of(int file, const std::filesystem::path& path) {
  constexpr std::size_t kBlock = 1 << 20;
  std::string block(kBlock, '\0');
  const std::unique_ptr<XXH64_state_t, decltype(&XXH64_freeState)> digest(XXH64_createState(),
                                                                          &XXH64_freeState);
  if (!digest) throw std::bad_alloc();
  XXH64_reset(digest.get(), 0);
  for (off_t at = 0;;) {
    const ssize_t count = ::pread(file, block.data(), kBlock, at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw fault_of(path);
    if (count == 0) break;
    XXH64_update(digest.get(), block.data(), static_cast<std::size_t>(count));
    at += count;
  }
  std::array<char, 17> digits{};
  const unsigned long long sum = XXH64_digest(digest.get());
  std::snprintf(digits.data(), digits.size(), "%016llx", sum);
  return std::string("xxh64 ") + digits.data();
}

}  // namespace

SourceFile::SourceFile(std::filesystem::path path) : path_(std::move(path)), file_(opened(path_)) {
  try {
    state_ = state();
    digest_ = digest_of(file_, path_);
  } catch (...) {
    ::close(file_);
    throw;
  }
}

SourceFile::SourceFile(SourceFile&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      state_(other.state_),
      digest_(std::move(other.digest_)) {}

SourceFile::~SourceFile() {
  if (file_ >= 0) ::close(file_);
}

std::array<std::int64_t, 3> SourceFile::state() const {
  struct stat status = {};
  if (::fstat(file_, &status) != 0) throw fault_of(path_);
  return {status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

void SourceFile::expect_unchanged() {
  const std::array<std::int64_t, 3> now = state();
  if (now == state_) return;
  if (digest_of(file_, path_) != digest_) {
    throw Error(path_.string() + ": was changed while the run read it",
                "put it back as it was and go on with --resume, or start anew in another directory");
  }
  state_ = now;
}

}  // namespace attnviz
