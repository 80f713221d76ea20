// Preloaded into a program, kills it at one of the moments at which what is on its disk changes: before the
// KILL_AT'th call that alters files, or half-way through a write, which counts twice. KILL_COUNT names a
// file that gets the number of moments when the program ends by itself.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace {

long moments = 0;

long wanted() {
  static const char* const text = std::getenv("KILL_AT");
  return text ? std::atol(text) : 0;
}

bool is_moment() { return ++moments == wanted(); }

void pass() {
  if (is_moment()) ::raise(SIGKILL);
}

template <class Call>
Call* real(const char* name) {
  return reinterpret_cast<Call*>(::dlsym(RTLD_NEXT, name));
}

__attribute__((destructor)) void leave() {
  const char* const path = std::getenv("KILL_COUNT");
  if (!path) return;
  FILE* const file = std::fopen(path, "w");
  std::fprintf(file, "%ld", moments);
  std::fclose(file);
}

}  // namespace

extern "C" {

ssize_t write(int file, const void* bytes, size_t count) {
  static auto* const call = real<ssize_t(int, const void*, size_t)>("write");
  pass();
  if (is_moment()) {
    call(file, bytes, count / 2);
    ::raise(SIGKILL);
  }
  return call(file, bytes, count);
}

ssize_t pwrite(int file, const void* bytes, size_t count, off_t offset) {
  static auto* const call = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  pass();
  if (is_moment()) {
    call(file, bytes, count / 2, offset);
    ::raise(SIGKILL);
  }
  return call(file, bytes, count, offset);
}

int open(const char* path, int flags, ...) {
  static auto* const call = real<int(const char*, int, ...)>("open");
  std::va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (flags & O_CREAT) pass();
  return call(path, flags, mode);
}

int rename(const char* from, const char* to) {
  static auto* const call = real<int(const char*, const char*)>("rename");
  pass();
  return call(from, to);
}

int link(const char* from, const char* to) {
  static auto* const call = real<int(const char*, const char*)>("link");
  pass();
  return call(from, to);
}

int linkat(int from_directory, const char* from, int to_directory, const char* to, int flags) {
  static auto* const call = real<int(int, const char*, int, const char*, int)>("linkat");
  pass();
  return call(from_directory, from, to_directory, to, flags);
}

int unlink(const char* path) {
  static auto* const call = real<int(const char*)>("unlink");
  pass();
  return call(path);
}

int mkdir(const char* path, mode_t mode) {
  static auto* const call = real<int(const char*, mode_t)>("mkdir");
  pass();
  return call(path, mode);
}

int fsync(int file) {
  static auto* const call = real<int(int)>("fsync");
  pass();
  return call(file);
}

int fdatasync(int file) {
  static auto* const call = real<int(int)>("fdatasync");
  pass();
  return call(file);
}

int ftruncate(int file, off_t size) {
  static auto* const call = real<int(int, off_t)>("ftruncate");
  pass();
  return call(file, size);
}
}
