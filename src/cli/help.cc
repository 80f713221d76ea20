#include "cli/help.h"

#include <algorithm>
#include <sstream>

#include "attnviz/text.h"

namespace attnviz::cli {
namespace {

constexpr std::size_t kWidth = 80;

}  // namespace

std::string wrap(const std::string& text, std::size_t indent) {
  std::istringstream words(text);
  std::string wrapped, word;
  std::string line(indent, ' ');
  while (words >> word) {
    if (line.size() > indent && count_code_points(line) + 1 + count_code_points(word) >= kWidth) {
      wrapped += line + "\n";
      line.assign(indent, ' ');
    }
    line += (line.size() > indent ? " " : "") + word;
  }
  return wrapped + line + "\n";
}

std::string set_groups(const std::vector<HelpGroup>& groups) {
  constexpr std::size_t kWidestName = 24;  // a longer one has a line of its own
  std::size_t column = 0;
  for (const HelpGroup& group : groups) {
    for (const HelpEntry& entry : group.entries) {
      if (entry.name.size() <= kWidestName) column = std::max(column, entry.name.size() + 4);
    }
  }
  std::string set;
  for (const HelpGroup& group : groups) {
    if (group.entries.empty()) continue;
    set += "\n" + group.heading + "\n";
    for (const HelpEntry& entry : group.entries) {
      std::string text = wrap(entry.text, column);
      const std::string name = "  " + entry.name;
      if (name.size() + 2 > column) {
        set += name + "\n" + text;
      } else {
        set += name + text.substr(name.size());
      }
    }
  }
  return set;
}

}  // namespace attnviz::cli
