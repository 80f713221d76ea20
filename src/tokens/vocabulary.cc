#include "tokens/vocabulary.h"

#include <algorithm>
#include <string>

namespace attnviz::tokens {

void Vocabulary::insert(std::string_view token, std::uint32_t id) {
  if (entries_.size() * 2 >= slots_.size()) grow();
  TokenHash hash;
  hash.add(token);
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash.value() & mask;
  for (; slots_[at].entry != kAbsent; at = (at + 1) & mask) {
    Item& item = entries_[slots_[at].entry];
    if (slots_[at].hash == hash.value() && item.token == token) {
      item.id = id;
      return;
    }
  }
  slots_[at] = {hash.value(), static_cast<Entry>(entries_.size())};
  entries_.push_back({token, id});
  longest_ = std::max(longest_, token.size());
}

void Vocabulary::grow() {
  const std::vector<Slot> old = std::move(slots_);
  slots_.assign(std::max<std::size_t>(1 << 14, old.size() * 2), {});
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.entry == kAbsent) continue;
    std::size_t at = slot.hash & mask;
    while (slots_[at].entry != kAbsent) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

Vocabulary::Entry Vocabulary::find(std::string_view token) const { return find(token, {}); }

Vocabulary::Entry Vocabulary::find(std::string_view head, std::string_view tail) const {
  TokenHash hash;
  hash.add(head);
  hash.add(tail);
  return find(hash.value(), head, tail);
}

Vocabulary::Entry Vocabulary::find(std::uint32_t hash, std::string_view head, std::string_view tail) const {
  if (slots_.empty()) return kAbsent;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots_[at].entry != kAbsent; at = (at + 1) & mask) {
    if (slots_[at].hash != hash) continue;
    const std::string_view token = entries_[slots_[at].entry].token;
    if (token.size() == head.size() + tail.size() && token.substr(0, head.size()) == head &&
        token.substr(head.size()) == tail) {
      return slots_[at].entry;
    }
  }
  return kAbsent;
}

std::array<Vocabulary::Entry, 256> byte_pieces(const Vocabulary& vocabulary) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::array<Vocabulary::Entry, 256> entries{};
  std::string name = "<0x00>";
  for (std::size_t byte = 0; byte < entries.size(); ++byte) {
    name[3] = kDigits[byte >> 4];
    name[4] = kDigits[byte & 15];
    entries[byte] = vocabulary.find(name);
  }
  return entries;
}

}  // namespace attnviz::tokens
