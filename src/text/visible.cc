#include <algorithm>
#include <array>
#include <cstdio>

#include "attnviz/text.h"

namespace attnviz {
namespace {

struct Range {
  char32_t first, last;
};

/// Characters that would act on a terminal or a line of text instead of being seen: C1 controls, the
/// soft hyphen, bidirectional and invisible formatting, line and paragraph separators, tags, noncharacters.
constexpr std::array kUnseen = {
    Range{0x0080, 0x009F},   Range{0x00AD, 0x00AD}, Range{0x061C, 0x061C}, Range{0x180E, 0x180E},
    Range{0x200B, 0x200B},   Range{0x200E, 0x200F}, Range{0x2028, 0x202E}, Range{0x2060, 0x206F},
    Range{0xFDD0, 0xFDEF},   Range{0xFEFF, 0xFEFF}, Range{0xFFF0, 0xFFFB}, Range{0xFFFE, 0xFFFF},
    Range{0xE0000, 0xE007F},
};

bool is_unseen(char32_t c) {
  if ((c & 0xFFFE) == 0xFFFE) return true;
  return std::any_of(kUnseen.begin(), kUnseen.end(),
                     [c](const Range& range) { return range.first <= c && c <= range.last; });
}

}  // namespace

std::string visible(std::string_view utf8) {
  // A file's name may be any bytes.
  if (find_invalid_utf8(utf8) != std::string_view::npos)
    return visible(valid_utf8(utf8, InvalidUtf8::replace, "name"));
  std::string shown;
  shown.reserve(utf8.size());
  for (std::size_t offset = 0; offset < utf8.size();) {
    const char32_t c = next_code_point(utf8, offset);
    if (c < 0x20) {
      append_utf8(shown, 0x2400 + c);
    } else if (c == 0x7F) {
      append_utf8(shown, 0x2421);
    } else if (c >= 0x80 && is_unseen(c)) {
      char name[24];
      std::snprintf(name, sizeof name, "‹U+%04X›", static_cast<unsigned>(c));
      shown += name;
    } else {
      append_utf8(shown, c);
    }
  }
  return shown;
}

}  // namespace attnviz
