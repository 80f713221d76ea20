// Whatever the bytes, as an archive and as a source: an Error, or nothing; never a read outside them. What is
// written anew of either passes again, as the same.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "attnviz/error.h"
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

std::string rewritten(std::span<const std::byte> archive) {
  std::string bytes;
  for (const attnviz::ArchivePart& part : attnviz::written_anew(archive)) {
    bytes += part.own;
    bytes += part.kept;
  }
  return bytes;
}

std::string checked(std::string_view source) {
  attnviz::ScriptUnits units;
  return attnviz::checked_source(source, "__torch__.a", units);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  attempt([&] { attnviz::check_archive_bytes(bytes, "fuzz"); });
  std::string archive, source;
  attempt([&] { archive = rewritten(bytes); });
  attempt([&] { source = checked(text); });
  // Where there is one, it is no fault any more.
  if (!archive.empty() && rewritten(std::as_bytes(std::span(archive))) != archive) std::abort();
  if (!source.empty() && checked(source) != source) std::abort();
  return 0;
}
