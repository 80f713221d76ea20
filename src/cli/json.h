/// json: objects as programs read them, members in the order in which they were added.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace attnviz::cli {

/// On one line. Names from model files need not be UTF-8: what is not becomes U+FFFD.
[[nodiscard]] inline std::string one_line(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace attnviz::cli
