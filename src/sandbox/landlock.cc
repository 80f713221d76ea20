#include "sandbox/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

#include "attnviz/error.h"

// Numbers and structures are those of linux/landlock.h, of which older systems have none, or an older one.

namespace attnviz {
namespace {

constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;
constexpr unsigned kAskVersion = 1;
constexpr int kPathBeneath = 1;

constexpr std::uint64_t kExecute = 1 << 0, kWriteFile = 1 << 1;
constexpr std::uint64_t kRemoveAndMake = 0x1FF0;  // bits 4 to 12: directories, files, devices, sockets, links
constexpr std::uint64_t kRemoveFile = 1 << 5, kMakeDirectory = 1 << 7, kMakeFile = 1 << 8;
constexpr std::uint64_t kRefer = 1 << 13, kTruncate = 1 << 14;         // from versions 2 and 3 on
constexpr std::uint64_t kControlDevice = 1 << 15;                      // from version 5 on: ioctl()
constexpr std::uint64_t kBindTcp = 1 << 0, kConnectTcp = 1 << 1;       // from version 4 on
constexpr std::uint64_t kAbstractSockets = 1 << 0, kSignals = 1 << 1;  // from version 6 on
constexpr int kHasRefer = 2, kHasTruncate = 3, kHasTcp = 4, kHasControl = 5, kHasScopes = 6;

struct Ruleset {
  std::uint64_t files = 0, network = 0, scopes = 0;
};

struct __attribute__((packed)) PathRule {
  std::uint64_t allowed;
  std::int32_t directory;
};

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

[[noreturn]] void refuse(const std::string& what) {
  throw Error("sandbox: " + what + ": " + std::generic_category().message(errno),
              "--sandbox off, where a command has it, leaves the sandbox out");
}

std::uint64_t changes_of(int version) {
  std::uint64_t rights = kWriteFile | kRemoveAndMake;
  if (version >= kHasRefer) rights |= kRefer;
  if (version >= kHasTruncate) rights |= kTruncate;
  if (version >= kHasControl) rights |= kControlDevice;
  return rights;
}

/// Of those, what a place is given that is written to: plain files in it, and directories of them.
constexpr std::uint64_t kGiven = kWriteFile | kTruncate | kRemoveFile | kMakeDirectory | kMakeFile | kRefer;

void allow(const Descriptor& ruleset, const Descriptor& place, const std::filesystem::path& path,
           std::uint64_t rights) {
  struct stat kind = {};
  const bool directory = ::fstat(place.number(), &kind) == 0 && S_ISDIR(kind.st_mode);
  const std::uint64_t of_files = kWriteFile | kTruncate | kControlDevice;
  const PathRule rule{directory ? rights : rights & of_files, place.number()};
  if (::syscall(kAddRule, ruleset.number(), kPathBeneath, &rule, 0) != 0) refuse(path.string());
}

/// What is not there can't be written either.
void allow_device(const Descriptor& ruleset, const std::string& device, std::uint64_t rights) {
  const Descriptor place(::open(device.c_str(), O_PATH | O_CLOEXEC));
  if (place.number() >= 0) allow(ruleset, place, device, rights);
}

}  // namespace

int landlock_version() {
  const long version = ::syscall(kCreateRuleset, nullptr, 0, kAskVersion);
  return version > 0 ? static_cast<int>(version) : 0;
}

void restrict_by_landlock(std::span<const std::filesystem::path> writable) {
  const int version = landlock_version();
  const std::uint64_t changes = changes_of(version);
  Ruleset rights{.files = changes | kExecute};
  if (version >= kHasTcp) rights.network = kBindTcp | kConnectTcp;
  if (version >= kHasScopes) rights.scopes = kAbstractSockets | kSignals;
  // An older kernel takes what it does not know as long as that is zero.
  const Descriptor ruleset(static_cast<int>(::syscall(kCreateRuleset, &rights, sizeof rights, 0)));
  if (ruleset.number() < 0) refuse("Landlock");
  for (const std::filesystem::path& path : writable) {
    const Descriptor place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (place.number() < 0) refuse(path.string());
    allow(ruleset, place, path, changes & kGiven);
  }
  // What libraries open to throw words away, and what a GPU's driver is spoken to through.
  const std::uint64_t writes = changes & (kWriteFile | kTruncate | kControlDevice);
  for (const char* device : {"/dev/null", "/dev/dri", "/dev/nvidiactl", "/dev/nvidia-uvm",
                             "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset"}) {
    allow_device(ruleset, device, writes);
  }
  constexpr int kMostGpus = 16;
  for (int gpu = 0; gpu < kMostGpus; ++gpu) {
    allow_device(ruleset, "/dev/nvidia" + std::to_string(gpu), writes);
  }
  if (::syscall(kRestrictSelf, ruleset.number(), 0) != 0) refuse("Landlock");
}

}  // namespace attnviz
