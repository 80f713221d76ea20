/// escape: text inside HTML and XML.
#pragma once

#include <string>
#include <string_view>

#include "attnviz/text.h"

namespace attnviz {

/// For elements and attributes; control characters, which XML has no place for, are made visible.
[[nodiscard]] inline std::string escaped_markup(std::string_view text) {
  std::string escaped;
  for (const char c : visible(valid_utf8(text, InvalidUtf8::replace, ""))) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace attnviz
