/// Bytes compressed as zlib does (RFC 1950).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "render/buffer.h"

namespace attnviz {

/// `level`: 1 (fast) to 12 (small).
[[nodiscard]] Bytes deflated(std::string_view bytes, int level);

/// Throws Error when `packed` is broken (its checksum says so) or holds more than `most` bytes.
[[nodiscard]] std::string inflated(std::string_view packed, std::size_t most);

}  // namespace attnviz
