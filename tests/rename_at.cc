// Preloaded into a program: once it has opened RENAME_TO for the first time, RENAME_FROM gets that name.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <fcntl.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using Open = int (*)(const char*, int, ...);

int open_and_rename(const char* path, int flags, mode_t mode) {
  static const auto open_before = reinterpret_cast<Open>(dlsym(RTLD_NEXT, "open"));
  const int file = open_before(path, flags, mode);
  const char* const to = std::getenv("RENAME_TO");
  const char* const from = std::getenv("RENAME_FROM");
  if (to && from && std::strcmp(path, to) == 0) std::rename(from, to);  // which is gone the next time
  return file;
}

mode_t mode_in(int flags, std::va_list rest) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
}

}  // namespace

extern "C" int open(const char* path, int flags, ...) {
  std::va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_in(flags, rest);
  va_end(rest);
  return open_and_rename(path, flags, mode);
}

// The same on 64-bit systems.
extern "C" int open64(const char* path, int flags, ...) __attribute__((alias("open")));
