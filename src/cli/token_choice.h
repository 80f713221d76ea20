/// token_choice: which token a user means.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "attnviz/text.h"
#include "cli/values.h"

namespace attnviz::cli {

/// The index of the token that `given` names: "3", its position, counting from 0; "bank", the first that is
/// written so; "bank#2", the second; "1984#1", the first that is a number itself. Marks may be left out, and
/// the case where no token is written exactly so. Throws Error that says how many there are, or which is
/// near.
[[nodiscard]] std::size_t find_token(const Given& given, std::span<const TokenLabel> labels);

/// All tokens that are written as `word`, with their marks or without; else those that are but for the case.
[[nodiscard]] std::vector<std::size_t> tokens_named(const std::string& word,
                                                    std::span<const TokenLabel> labels);

}  // namespace attnviz::cli
