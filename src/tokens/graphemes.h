/// Grapheme clusters: what a reader takes for one character (Unicode 17.0, UAX #29, section 3, extended).
#pragma once

#include <cstddef>
#include <string_view>

namespace attnviz::tokens {

/// Where the cluster that starts at `offset` ends. `text` is valid UTF-8, and a cluster starts there. Linear
/// in the cluster's bytes.
[[nodiscard]] std::size_t grapheme_end(std::string_view text, std::size_t offset);

}  // namespace attnviz::tokens
