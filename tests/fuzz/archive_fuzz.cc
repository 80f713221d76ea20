// Whatever the bytes: an Error, or nothing; never a read outside them.
#include <cstdint>
#include <span>

#include "attnviz/error.h"
#include "catalog/archive.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    attnviz::check_archive_bytes({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
  } catch (const attnviz::Error&) {
  }
  return 0;
}
