#include "file/watched.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>

#include "attnviz/file.h"

namespace attnviz {

/// It is never freed, only taken again: a handler reads the list while another thread changes it.
struct Watched::Entry {
  std::atomic<bool> taken = true;
  std::atomic<unsigned> version = 0;  ///< odd while the rest is that of no file, or is being written
  std::atomic<std::uintptr_t> begin = 0, size = 0;  ///< size 0: not mapped, but unfinished
  std::array<std::atomic<char>, PATH_MAX> path = {};
  Entry* next = nullptr;
};

struct WatchedFiles {
  std::atomic<Watched::Entry*> first = nullptr;
};

namespace {

using Entry = Watched::Entry;
using Path = std::array<char, PATH_MAX>;

static_assert(std::atomic<Entry*>::is_always_lock_free && std::atomic<std::uintptr_t>::is_always_lock_free);

WatchedFiles own_list;
std::atomic<WatchedFiles*> list = &own_list;

Entry* first_entry() { return list.load()->first; }

Entry* free_entry() {
  for (Entry* entry = first_entry(); entry; entry = entry->next) {
    bool taken = false;
    if (entry->taken.compare_exchange_strong(taken, true)) return entry;
  }
  auto* const entry = new Entry;
  entry->version = 1;
  std::atomic<Entry*>& first = list.load()->first;
  entry->next = first;
  while (!first.compare_exchange_weak(entry->next, entry)) continue;
  return entry;
}

/// None for a path so long that no system call would take it.
Entry* taken_entry(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  const std::string& text = path.native();
  if (text.size() >= PATH_MAX) return nullptr;
  Entry* const entry = free_entry();
  entry->begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  entry->size = bytes.size();
  for (std::size_t i = 0; i <= text.size(); ++i)
    entry->path[i].store(text.c_str()[i], std::memory_order_relaxed);
  ++entry->version;
  return entry;
}

/// Whether the entry stood for `path` all the while that it was copied.
bool copy_path(const Entry& entry, unsigned version, Path& path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    path[i] = entry.path[i].load(std::memory_order_relaxed);
    if (path[i] == '\0') break;
  }
  path.back() = '\0';
  return version % 2 == 0 && entry.version == version;
}

void write_error(std::string_view text) { std::ignore = ::write(STDERR_FILENO, text.data(), text.size()); }

/// What could act on a terminal is left out of it: control characters, those of two bytes (C1) too.
void show(Path& path) {
  const std::size_t size = std::strlen(path.data());
  for (std::size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(path[i]);
    const bool is_control = byte < 0x20 || byte == 0x7F || (byte == 0xC2 && (path[i + 1] & 0xE0) == 0x80);
    if (is_control) path[i] = '?';
  }
  write_error({path.data(), size});
}

/// Whether the address lies in a mapped file, which then is named.
bool tell_of_file_at(std::uintptr_t address) {
  Path path;
  for (const Entry* entry = first_entry(); entry; entry = entry->next) {
    const unsigned version = entry->version;
    if (address - entry->begin >= entry->size || !copy_path(*entry, version, path)) continue;
    write_error("attnviz: ");
    show(path);
    write_error(
        ": became shorter while it was read, or its disk fails\n"
        "  hint: put the file back as it was, and start again\n");
    return true;
  }
  return false;
}

/// Only calls that a handler may make.
void on_bus_error(int signal, siginfo_t* fault, void*) {
  constexpr int kFailed = 2;
  const bool by_kernel = fault->si_code > 0;
  if (by_kernel && tell_of_file_at(reinterpret_cast<std::uintptr_t>(fault->si_addr))) {
    remove_unfinished_files();
    ::_exit(kFailed);
  }
  // Another's fault: on return the instruction fails again, and ends the process as it would have. What was
  // sent is sent once more.
  ::signal(signal, SIG_DFL);
  if (!by_kernel) ::raise(signal);
}

}  // namespace

Watched::Watched(const std::filesystem::path& unfinished) : entry_(taken_entry(unfinished, {})) {}

Watched::Watched(const std::filesystem::path& mapped, std::span<const std::byte> bytes)
    : entry_(taken_entry(mapped, bytes)) {}

Watched::~Watched() {
  if (!entry_) return;
  ++entry_->version;
  entry_->taken = false;
}

WatchedFiles& watched_files() { return *list; }

void share_watched_files(WatchedFiles& shared) { list = &shared; }

void remove_unfinished_files() noexcept {
  Path path;
  for (const Entry* entry = first_entry(); entry; entry = entry->next) {
    const unsigned version = entry->version;
    if (entry->size == 0 && copy_path(*entry, version, path)) ::unlink(path.data());
  }
}

void watch_mapped_files() {
  struct sigaction action = {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}

}  // namespace attnviz
