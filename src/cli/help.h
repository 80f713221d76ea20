/// help: how help texts are set.
#pragma once

#include <string>
#include <vector>

namespace attnviz::cli {

struct HelpEntry {
  std::string name;  ///< "--layer N"
  std::string text;
};

struct HelpGroup {
  std::string heading;
  std::vector<HelpEntry> entries;
};

/// Headings with their entries in two columns, the second wrapped before column 80. A group without
/// entries is left out.
[[nodiscard]] std::string set_groups(const std::vector<HelpGroup>& groups);

/// `text` wrapped before column 80, every line indented and ended.
[[nodiscard]] std::string wrap(const std::string& text, std::size_t indent);

}  // namespace attnviz::cli
