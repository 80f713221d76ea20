// Preloaded into a program, cuts a file to SHRINK_TO bytes as soon as it is mapped: the file whose path ends
// with SHRINK_AT.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <climits>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void shrink(int file) {
  const char *const ending = std::getenv("SHRINK_AT"), *const bytes = std::getenv("SHRINK_TO");
  if (file < 0 || !ending || !bytes) return;
  char path[PATH_MAX] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  if (::readlink(link.c_str(), path, sizeof path - 1) < 0 || !std::string_view(path).ends_with(ending))
    return;
  if (::truncate(path, std::atol(bytes)) != 0) std::abort();
}

template <class Map>
void* mapped(const char* name, void* address, std::size_t size, int rights, int flags, int file,
             off_t offset) {
  static auto* const call = reinterpret_cast<Map*>(::dlsym(RTLD_NEXT, name));
  void* const start = call(address, size, rights, flags, file, offset);
  shrink(file);
  return start;
}

}  // namespace

extern "C" void* mmap(void* address, std::size_t size, int rights, int flags, int file,
                      off_t offset) noexcept {
  return mapped<decltype(::mmap)>("mmap", address, size, rights, flags, file, offset);
}
