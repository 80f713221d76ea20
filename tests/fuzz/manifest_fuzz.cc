// Any bytes as lines of a manifest: an Error, or entries that are written as they were read.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "attnviz/error.h"
#include "attnviz/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    attnviz::ManifestEntry entry;
    try {
      entry = attnviz::manifest_entry(line, "fuzz");
    } catch (const attnviz::Error&) {
      continue;
    }
    if (attnviz::manifest_entry(attnviz::to_json(entry), "fuzz") != entry) std::abort();
  }
  return 0;
}
