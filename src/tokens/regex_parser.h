/// From a pattern to the program that Regex runs.
#pragma once

#include <string_view>

#include "tokens/regex.h"

namespace attnviz::tokens {

/// Throws Error naming the pattern and the part of it that is not supported.
[[nodiscard]] Regex::Program read_regex(std::string_view pattern);

}  // namespace attnviz::tokens
