#include <algorithm>

#include "tokens/words.h"

namespace attnviz {
namespace tokens {
namespace {

/// A word and the characters it covers.
struct Placed {
  TokenGroup group;
  int sequence = 0;
  Range range;
};

std::vector<Placed> placed_words(const EncodedText& text) {
  std::vector<Placed> placed;
  for (const TokenGroup& group : words(text)) {
    const int sequence = text.encoding().sequence[group.first];
    if (sequence < 0) continue;
    const Range range = text.trimmed(group);
    if (!range.empty()) placed.push_back({group, sequence, range});
  }
  return placed;
}

bool is_before(const Placed& word, const Placed& other) {
  return word.sequence != other.sequence ? word.sequence < other.sequence
                                         : word.range.end <= other.range.begin;
}

void merge(Placed& all, const Placed& next) {
  all.group.count = next.group.first + next.group.count - all.group.first;
  all.range.end = std::max(all.range.end, next.range.end);
}

}  // namespace
}  // namespace tokens

Alignment align(const Encoding& first, const Encoding& second, std::string_view text,
                std::optional<std::string_view> pair) {
  using tokens::Placed;
  const std::vector<Placed> ours = tokens::placed_words(tokens::EncodedText(first, text, pair));
  const std::vector<Placed> theirs = tokens::placed_words(tokens::EncodedText(second, text, pair));
  Alignment alignment;
  for (std::size_t i = 0, j = 0; i < ours.size() && j < theirs.size();) {
    if (is_before(ours[i], theirs[j])) {
      ++i;
    } else if (is_before(theirs[j], ours[i])) {
      ++j;
    } else {
      Placed our = ours[i++], their = theirs[j++];
      while (true) {
        if (i < ours.size() && !is_before(their, ours[i])) {
          merge(our, ours[i++]);
        } else if (j < theirs.size() && !is_before(our, theirs[j])) {
          merge(their, theirs[j++]);
        } else {
          break;
        }
      }
      alignment.first.push_back(our.group);
      alignment.second.push_back(their.group);
    }
  }
  return alignment;
}

}  // namespace attnviz
