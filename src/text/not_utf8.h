/// How a fault in UTF-8 is worded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace attnviz {

/// "not UTF-8 at byte 17 (0xE4)"
[[nodiscard]] std::string not_utf8(std::string_view bytes, std::size_t offset);

}  // namespace attnviz
