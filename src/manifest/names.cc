#include <glib.h>

#include <algorithm>

#include "attnviz/manifest.h"
#include "attnviz/text.h"

namespace attnviz {
namespace {

constexpr std::size_t kLongestName = 255;  // NAME_MAX of Linux's file systems
constexpr std::size_t kLongestId = 80;

bool is_taken(std::string_view name) {
  return name == "index.html" || name == "analysis.jsonl" ||
         (name.starts_with("manifest") && name.ends_with(".jsonl")) ||
         (name.starts_with("run") && name.ends_with(".json"));
}

}  // namespace

bool is_file_name(std::string_view name) {
  const bool sound = !name.empty() && name.size() <= kLongestName && name.front() != '.' &&
                     name.find('/') == std::string_view::npos &&
                     find_invalid_utf8(name) == std::string_view::npos && !is_taken(name);
  // What visible() would alter acts on a terminal instead of being seen.
  return sound && visible(name) == name;
}

std::string safe_name(std::string_view id) {
  const std::string utf8 = valid_utf8(id, InvalidUtf8::replace, "id");
  std::string name;
  bool after_letter = false;  // a mark belongs to one
  for (std::size_t offset = 0; offset < utf8.size();) {
    const std::size_t begin = offset;
    const char32_t c = next_code_point(utf8, offset);
    const bool letter = g_unichar_isalnum(c) || (after_letter && g_unichar_ismark(c));
    after_letter = letter;
    const std::string_view kept = letter || c == '_' || c == '.'
                                      ? std::string_view(utf8).substr(begin, offset - begin)
                                      : std::string_view("-");
    if (name.empty() && (kept == "-" || kept == ".")) continue;
    if (name.size() + kept.size() > kLongestId) break;
    name += kept;
  }
  name.erase(name.find_last_not_of("-.") + 1);
  return name.empty() ? "item" : name;
}

}  // namespace attnviz
