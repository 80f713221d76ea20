// Whatever the bytes: an Error, none, or a record no longer than DEFLATE could make of them.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "attnviz/error.h"
#include "render/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span file(reinterpret_cast<const std::byte*>(data), size);
  try {
    const auto record = attnviz::record_in(file, "fuzz");
    if (record && record->size() > 1032 * size) std::abort();
  } catch (const attnviz::Error&) {
  }
  return 0;
}
