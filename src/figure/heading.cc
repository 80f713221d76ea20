#include "figure/heading.h"

#include <algorithm>
#include <string_view>

namespace attnviz {
namespace {

/// Of a text with its target both are seen: each has half of the room, and what the other leaves of its half.
std::string shortened_sentence(const Page& page, const std::string& sentence, double room, double size) {
  constexpr std::string_view kArrow = "  →  ";
  const std::string whole = page.shortened(sentence, room, size);
  const std::size_t at = sentence.rfind(kArrow);
  if (whole == sentence || at == std::string::npos) return whole;
  const std::string source = sentence.substr(0, at), target = sentence.substr(at + kArrow.size());
  const double both = room - page.width(kArrow, size);
  const auto beside = [&](const std::string& text, const std::string& other) {
    return page.shortened(text, both - page.width(other, size), size);
  };
  const std::string begin = beside(source, page.shortened(target, both / 2, size));
  return begin + std::string(kArrow) + beside(target, begin);
}

}  // namespace

void draw_heading(Page& page, double x, double y, double right, const std::string& title,
                  const std::string& sentence) {
  const auto room = [&](double at_least) { return std::max(right - x, at_least); };
  double bottom = y - 7;
  if (!sentence.empty()) {
    const double size = TypeSizes::kSubtitle;
    page.add(Text{.x = x,
                  .y = bottom - size / 2,
                  .text = shortened_sentence(page, sentence, room(0), size),
                  .size = size,
                  .color = page.colors().muted});
    bottom -= size + 4.5;
  }
  if (!title.empty()) {
    constexpr double kRoomForAName = 400;  // names make a page wider rather than being cut
    const double size = TypeSizes::kTitle;
    page.add(Text{.x = x,
                  .y = bottom - size / 2,
                  .text = page.shortened(title, room(kRoomForAName), size, true),
                  .size = size,
                  .color = page.colors().ink,
                  .bold = true});
  }
}

void draw_notes(Page& page, double x, double right, const std::vector<std::string>& notes) {
  const double size = TypeSizes::kNote;
  double y = page.bounds().bottom + 4;
  for (const std::string& note : notes) {
    for (const std::string& line : page.wrapped(visible(note), right - x, size)) {
      y += size * 1.3;
      page.add(Text{.x = x, .y = y - size / 2, .text = line, .size = size, .color = page.colors().muted});
    }
  }
}

}  // namespace attnviz
