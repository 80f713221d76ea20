// Preloaded into a program, lets one call fail: the FAIL_AT'th of its kind, FAIL_KIND=memory (allocations),
// FAIL_KIND=files (what opens, reads, writes and renames) or FAIL_KIND=threads (what starts one). FAIL_LOG
// names a file that gets the name of the library that asked in vain, and, when the program ends by itself,
// the number of such calls.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// glibc's own allocator, under the names that it keeps for those who stand in front of it.
extern "C" void* __libc_malloc(std::size_t);
extern "C" void* __libc_calloc(std::size_t, std::size_t);
extern "C" void* __libc_realloc(void*, std::size_t);
extern "C" void* __libc_memalign(std::size_t, std::size_t);

namespace {

enum Kind : int { kNone, kMemory, kFiles, kThreads };

std::atomic<int> kind = kNone;  // what is counted; nothing before the program's own start
std::atomic<long> calls = 0;
long wanted = 0;
int log_file = -1;  // opened at once: later the process may no longer be allowed to
pid_t entered = 0;  // not a process that this one forks, which has the log no more

void log(const char* line) {
  if (log_file < 0 || ::getpid() != entered) return;
  const std::size_t size = std::strlen(line);
  if (::write(log_file, line, size) != static_cast<ssize_t>(size)) std::abort();
}

bool fails_for(const void* caller, Kind one, int error) {
  if (kind.load(std::memory_order_relaxed) != one || ++calls != wanted) return false;
  kind = kNone;
  Dl_info library = {};
  if (::dladdr(caller, &library) != 0 && library.dli_fname) log(library.dli_fname);
  errno = error;
  return true;
}

#define fails(...) fails_for(__builtin_return_address(0), __VA_ARGS__)

template <class Call>
Call* real(const char* name) {
  return reinterpret_cast<Call*>(::dlsym(RTLD_NEXT, name));
}

__attribute__((constructor)) void enter() {
  const char* const text = std::getenv("FAIL_KIND");
  const char* const at = std::getenv("FAIL_AT");
  if (at) wanted = std::atol(at);
  if (const char* const path = std::getenv("FAIL_LOG")) {
    log_file = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  }
  entered = ::getpid();
  const auto asks_for = [text](const char* name) { return text && std::strcmp(text, name) == 0; };
  if (asks_for("memory")) kind = kMemory;
  if (asks_for("files")) kind = kFiles;
  if (asks_for("threads")) kind = kThreads;
}

void report() {
  kind = kNone;
  char line[32];
  std::snprintf(line, sizeof line, "\n%ld", calls.load());
  log(line);
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) { return fails(kMemory, ENOMEM) ? nullptr : __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) {
  return fails(kMemory, ENOMEM) ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) {
  return fails(kMemory, ENOMEM) ? nullptr : __libc_realloc(block, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return fails(kMemory, ENOMEM) ? nullptr : __libc_memalign(alignment, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  return fails(kMemory, ENOMEM) ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
  if (fails(kMemory, ENOMEM)) return ENOMEM;
  *block = __libc_memalign(alignment, size);
  return *block ? 0 : ENOMEM;
}
// libc's own would ask for the memory itself, whoever wants the copy.
char* strndup(const char* text, std::size_t most) {
  if (fails(kMemory, ENOMEM)) return nullptr;
  const std::size_t size = strnlen(text, most);
  auto* const copy = static_cast<char*>(__libc_malloc(size + 1));
  if (!copy) return nullptr;
  std::memcpy(copy, text, size);
  copy[size] = 0;
  return copy;
}
char* strdup(const char* text) {
  if (fails(kMemory, ENOMEM)) return nullptr;
  const std::size_t size = std::strlen(text) + 1;
  auto* const copy = static_cast<char*>(__libc_malloc(size));
  return copy ? static_cast<char*>(std::memcpy(copy, text, size)) : nullptr;
}

// The program leaves through _exit.
[[noreturn]] void _exit(int status) {
  static auto* const call = real<void(int)>("_exit");
  report();
  call(status);
  __builtin_unreachable();
}

// Defines a function that now and then gives `result` and `error` instead of what the one behind it gives.
#define ATTNVIZ_FAILS(result_type, name, parameters, arguments, result, error) \
  result_type name parameters {                                                \
    static auto* const call = real<result_type parameters>(#name);             \
    if (fails(kFiles, error)) return result;                                   \
    return call arguments;                                                     \
  }
// The same for those that take a mode only where they create a file.
#define ATTNVIZ_FAILS_TO_OPEN(name, parameters, arguments)                        \
  int name(ATTNVIZ_ALL parameters, int flags, ...) {                              \
    static auto* const call = real<int(ATTNVIZ_ALL parameters, int, ...)>(#name); \
    std::va_list rest;                                                            \
    va_start(rest, flags);                                                        \
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                                 \
    if (fails(kFiles, EMFILE)) return -1;                                         \
    return call(ATTNVIZ_ALL arguments, flags, mode);                              \
  }
#define ATTNVIZ_ALL(...) __VA_ARGS__

// clang-format off
ATTNVIZ_FAILS(ssize_t, write, (int file, const void* bytes, size_t count), (file, bytes, count), -1, ENOSPC)
ATTNVIZ_FAILS(ssize_t, pwrite, (int file, const void* bytes, size_t count, off_t at), (file, bytes, count, at), -1, ENOSPC)
ATTNVIZ_FAILS(ssize_t, pwrite64, (int file, const void* bytes, size_t count, off_t at), (file, bytes, count, at), -1, ENOSPC)
ATTNVIZ_FAILS(ssize_t, read, (int file, void* bytes, size_t count), (file, bytes, count), -1, EIO)
ATTNVIZ_FAILS(ssize_t, pread, (int file, void* bytes, size_t count, off_t at), (file, bytes, count, at), -1, EIO)
ATTNVIZ_FAILS(ssize_t, pread64, (int file, void* bytes, size_t count, off_t at), (file, bytes, count, at), -1, EIO)
ATTNVIZ_FAILS(FILE*, fopen, (const char* path, const char* mode), (path, mode), nullptr, EMFILE)
ATTNVIZ_FAILS(FILE*, fopen64, (const char* path, const char* mode), (path, mode), nullptr, EMFILE)
ATTNVIZ_FAILS(int, fstat, (int file, struct stat* status), (file, status), -1, EIO)
ATTNVIZ_FAILS(int, stat, (const char* path, struct stat* status), (path, status), -1, EIO)
ATTNVIZ_FAILS(int, lstat, (const char* path, struct stat* status), (path, status), -1, EIO)
ATTNVIZ_FAILS(int, rename, (const char* from, const char* to), (from, to), -1, EIO)
ATTNVIZ_FAILS(int, link, (const char* from, const char* to), (from, to), -1, EIO)
ATTNVIZ_FAILS(int, linkat, (int from_directory, const char* from, int to_directory, const char* to, int flags),
              (from_directory, from, to_directory, to, flags), -1, EIO)
ATTNVIZ_FAILS(int, unlink, (const char* path), (path), -1, EIO)
ATTNVIZ_FAILS(int, mkdir, (const char* path, mode_t mode), (path, mode), -1, ENOSPC)
ATTNVIZ_FAILS(int, fsync, (int file), (file), -1, EIO)
ATTNVIZ_FAILS(int, fdatasync, (int file), (file), -1, EIO)
ATTNVIZ_FAILS(int, ftruncate, (int file, off_t size), (file, size), -1, EIO)
ATTNVIZ_FAILS(void*, mmap, (void* address, size_t size, int protection, int flags, int file, off_t at),
              (address, size, protection, flags, file, at), MAP_FAILED, ENOMEM)
ATTNVIZ_FAILS_TO_OPEN(open, (const char* path), (path))
ATTNVIZ_FAILS_TO_OPEN(open64, (const char* path), (path))
ATTNVIZ_FAILS_TO_OPEN(openat, (int directory, const char* path), (directory, path))
// clang-format on

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*begin)(void*),
                   void* argument) {
  static auto* const call =
      real<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  return fails(kThreads, EAGAIN) ? EAGAIN : call(thread, attributes, begin, argument);
}

int close(int file) {
  static auto* const call = real<int(int)>("close");
  const int result = call(file);  // closed even where it fails, as Linux does
  return fails(kFiles, EIO) ? -1 : result;
}
}
