#include "tokens/transform.h"

#include <algorithm>

namespace attnviz::tokens {
namespace {

std::size_t skip(std::string_view text, std::size_t offset, std::size_t characters) {
  for (; characters > 0 && offset < text.size(); --characters) (void)next_code_point(text, offset);
  return offset;
}

}  // namespace

AlignedText transform(AlignedView text, const std::vector<Change>& changes, std::size_t removed) {
  AlignedText result(text);
  if (text.text.empty()) return result;
  result.reserve(text.text.size());
  std::size_t offset = skip(text.text, 0, removed);
  for (const Change& change : changes) {
    // The reference would stop where a change asks for more characters than there are.
    const std::size_t at = change.change > 0 ? std::max<std::size_t>(offset, 1) - 1 : offset;
    result.append(change.code_point, text.origin[std::min(at, text.text.size() - 1)]);
    if (change.change <= 0) offset = skip(text.text, offset, 1 + static_cast<std::size_t>(-change.change));
  }
  return result;
}

}  // namespace attnviz::tokens
