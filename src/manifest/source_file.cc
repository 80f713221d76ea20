#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include "attnviz/error.h"
#include "attnviz/manifest.h"

namespace attnviz {
namespace {

constexpr std::size_t kStripe = 32;

/// XXH64 with seed 0 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md). It takes what it gets
/// from a disk or from memory as fast as that gives it, which SHA-256 does not: a run must not wait half a
/// minute for the weights of a large model.
class Xxh64 {
 public:
  /// All pieces but the last are whole stripes.
  void add(std::string_view bytes) {
    size_ += bytes.size();
    for (; bytes.size() >= kStripe; bytes.remove_prefix(kStripe)) {
      for (std::size_t lane = 0; lane < lanes_.size(); ++lane)
        lanes_[lane] = mixed(lanes_[lane], read<std::uint64_t>(bytes.substr(8 * lane)));
    }
    end_ = bytes;
  }

  /// The last piece must still be there.
  [[nodiscard]] std::uint64_t digest() const {
    std::uint64_t sum = lanes_[2] + k5;
    if (size_ >= kStripe) {
      sum = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) +
            std::rotl(lanes_[3], 18);
      for (const std::uint64_t lane : lanes_) sum = (sum ^ mixed(0, lane)) * k1 + k4;
    }
    return finished(sum + size_);
  }

 private:
  static constexpr std::uint64_t k1 = 0x9E3779B185EBCA87, k2 = 0xC2B2AE3D27D4EB4F, k3 = 0x165667B19E3779F9,
                                 k4 = 0x85EBCA77C2B2AE63, k5 = 0x27D4EB2F165667C5;

  template <class Number>
  static Number read(std::string_view bytes) {
    static_assert(std::endian::native == std::endian::little);
    Number number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    return number;
  }

  static std::uint64_t mixed(std::uint64_t lane, std::uint64_t input) {
    return std::rotl(lane + input * k2, 31) * k1;
  }

  [[nodiscard]] std::uint64_t finished(std::uint64_t sum) const {
    std::string_view end = end_;
    for (; end.size() >= 8; end.remove_prefix(8))
      sum = std::rotl(sum ^ mixed(0, read<std::uint64_t>(end)), 27) * k1 + k4;
    if (end.size() >= 4) {
      sum = std::rotl(sum ^ read<std::uint32_t>(end) * k1, 23) * k2 + k3;
      end.remove_prefix(4);
    }
    for (const char c : end) sum = std::rotl(sum ^ static_cast<unsigned char>(c) * k5, 11) * k1;
    sum = (sum ^ (sum >> 33)) * k2;
    sum = (sum ^ (sum >> 29)) * k3;
    return sum ^ (sum >> 32);
  }

  std::array<std::uint64_t, 4> lanes_ = {k1 + k2, k2, 0, 0 - k1};
  std::uint64_t size_ = 0;
  std::string_view end_;
};

Error fault_of(const std::filesystem::path& path) {
  return Error(path.string() + ": can't be read: " + std::generic_category().message(errno));
}

std::string digest_of(int file, const std::filesystem::path& path) {
  constexpr std::size_t kBlock = 1 << 20;
  std::string block(kBlock, '\0');
  Xxh64 digest;
  off_t at = 0;
  for (std::size_t filled = kBlock; filled == kBlock; at += static_cast<off_t>(filled)) {
    filled = 0;
    while (filled < kBlock) {
      const ssize_t count =
          ::pread(file, block.data() + filled, kBlock - filled, at + static_cast<off_t>(filled));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw fault_of(path);
      if (count == 0) break;
      filled += static_cast<std::size_t>(count);
    }
    digest.add(std::string_view(block).substr(0, filled));
  }
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(digest.digest()));
  return std::string("xxh64 ") + digits.data();
}

}  // namespace

SourceFile::SourceFile(std::filesystem::path path)
    : path_(std::move(path)), file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {
  if (file_ < 0) throw fault_of(path_);
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
