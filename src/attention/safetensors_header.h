/// The JSON of a safetensors file's header, before it is compared with the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/attention.h"

namespace attnviz {

struct HeaderEntry {
  std::string name;
  std::string type;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  ///< offsets into the data behind the header
};

struct Header {
  std::vector<HeaderEntry> entries;  ///< each name once
  Provenance metadata;
};

/// Throws Error with the bare fault: not JSON, not of the format's form, a name twice.
[[nodiscard]] Header parse_header(std::string_view text);

/// A name from a file, fit for one line of a message.
[[nodiscard]] std::string in_quotes(std::string_view name);

}  // namespace attnviz
