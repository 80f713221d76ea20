// Whatever the bytes, as an archive, as a pickle and as a source: an Error, or nothing; never a read outside
// them.
#include <cstdint>
#include <span>
#include <string_view>

#include "attnviz/error.h"
#include "catalog/pickle.h"
#include "catalog/script_source.h"
#include "catalog/torchscript.h"

namespace {

template <class Check>
void attempt(Check&& check) {
  try {
    check();
  } catch (const attnviz::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  attempt([&] { attnviz::check_archive_bytes(bytes, "fuzz"); });
  attempt([&] { attnviz::check_program_bytes(bytes, "fuzz"); });
  attempt([&] { attnviz::check_pickle(text, {{"0", 64}}); });
  attempt([&] { attnviz::check_source(text); });
  return 0;
}
