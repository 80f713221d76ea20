#include "tokens/model.h"

namespace attnviz::tokens {
namespace {

// Longer words seldom come again, and a text with more different words gains little from the rest.
constexpr std::size_t kLongestRemembered = 64;
constexpr std::size_t kMostRemembered = 1 << 16;

}  // namespace

std::span<const Piece> WordSplitter::split(std::string_view word) {
  if (word.size() > kLongestRemembered || word.empty()) return divide(word);
  if (remembered_ * 2 >= slots_.size() && remembered_ < kMostRemembered) grow();
  TokenHash hash;
  hash.add(word);
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash.value() & mask;
  for (; slots_[at].word_size > 0; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.hash == hash.value() &&
        std::string_view(words_).substr(slot.word_begin, slot.word_size) == word) {
      return std::span(pieces_).subspan(slot.pieces_begin, slot.pieces_size);
    }
  }
  const std::span<const Piece> pieces = divide(word);
  if (remembered_ == kMostRemembered) return pieces;
  ++remembered_;
  slots_[at] = {hash.value(), static_cast<std::uint32_t>(words_.size()),
                static_cast<std::uint32_t>(word.size()), static_cast<std::uint32_t>(pieces_.size()),
                static_cast<std::uint32_t>(pieces.size())};
  words_ += word;
  pieces_.insert(pieces_.end(), pieces.begin(), pieces.end());
  return pieces;
}

void WordSplitter::grow() {
  const std::vector<Slot> old = std::move(slots_);
  slots_.assign(old.empty() ? 128 : old.size() * 4, {});
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.word_size == 0) continue;
    std::size_t at = slot.hash & mask;
    while (slots_[at].word_size > 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

}  // namespace attnviz::tokens
