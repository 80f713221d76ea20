#include "tokens/byte_pair.h"

#include <bit>

#include "attnviz/error.h"
#include "attnviz/text.h"
#include "tokens/byte_pair_splitter.h"

namespace attnviz::tokens {
namespace {

std::uint64_t pair_key(Vocabulary::Entry left, Vocabulary::Entry right) {
  return static_cast<std::uint64_t>(left) << 32 | right;
}

std::size_t pair_hash(std::uint64_t pair) {
  return static_cast<std::size_t>((pair ^ pair >> 29) * 0x9E3779B97F4A7C15U >> 20);
}

}  // namespace

char32_t byte_level_character(unsigned char byte) {
  if ((byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD)) return byte;
  if (byte <= 0x20) return 0x100 + byte;
  return byte == 0xAD ? 0x143 : 0x121 + byte - 0x7F;
}

BytePair::BytePair(Vocabulary vocabulary, const std::vector<MergePair>& merges, BytePairOptions options)
    : vocabulary_(std::move(vocabulary)), options_(std::move(options)) {
  const bool has_affix = !options_.continuing_subword_prefix.empty() || !options_.end_of_word_suffix.empty();
  if (options_.byte_fallback && (options_.byte_level || has_affix)) {
    throw Error(
        "model \"BPE\": \"byte_fallback\" of byte-level words, or with a prefix or suffix, is not supported");
  }
  slots_.resize(std::bit_ceil(std::max<std::size_t>(16, merges.size() * 2)));
  const std::size_t prefix = options_.continuing_subword_prefix.size();
  Vocabulary::Entry result = 0;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const auto [left, right] = merges[rank];
    const Vocabulary::Entry a = expect(left, {}, rank);
    const Vocabulary::Entry b = expect(right, {}, rank);
    if (right.size() < prefix) {
      throw Error("merge " + std::to_string(rank + 1) + ": \"" + std::string(right) +
                  "\" lacks the prefix \"" + options_.continuing_subword_prefix + "\"");
    }
    const std::string_view tail = right.substr(prefix);
    // Trained vocabularies list what merges make in the order of the merges: try the next one first.
    ++result;
    const bool is_next =
        result < vocabulary_.size() && vocabulary_.token(result).size() == left.size() + tail.size() &&
        vocabulary_.token(result).starts_with(left) && vocabulary_.token(result).ends_with(tail);
    if (!is_next) result = expect(left, tail, rank);
    insert(pair_key(a, b), {static_cast<std::uint32_t>(rank), result});
  }
  byte_pieces_ = byte_pieces(vocabulary_);
  if (!options_.byte_level) return;
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::string character;
    append_utf8(character, byte_level_character(static_cast<unsigned char>(byte)));
    for (std::size_t place = 0; place < byte_symbols_.size(); ++place) {
      byte_symbols_[place][byte] = symbol(character, (place & 2) != 0, (place & 1) != 0);
    }
  }
}

Vocabulary::Entry BytePair::expect(std::string_view head, std::string_view tail, std::size_t rank) const {
  const Vocabulary::Entry entry = vocabulary_.find(head, tail);
  if (entry == Vocabulary::kAbsent) {
    throw Error("merge " + std::to_string(rank + 1) + ": the vocabulary lacks \"" +
                visible(std::string(head) + std::string(tail)) + "\"");
  }
  return entry;
}

void BytePair::insert(std::uint64_t pair, Merge merge) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = pair_hash(pair) & mask;
  while (slots_[at].pair != UINT64_MAX && slots_[at].pair != pair) at = (at + 1) & mask;
  slots_[at] = {pair, merge};
}

BytePair::Merge BytePair::merge(Vocabulary::Entry left, Vocabulary::Entry right) const {
  const std::uint64_t pair = pair_key(left, right);
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = pair_hash(pair) & mask;
  while (slots_[at].pair != UINT64_MAX && slots_[at].pair != pair) at = (at + 1) & mask;
  return slots_[at].pair == pair ? slots_[at].merge : Merge{};
}

Vocabulary::Entry BytePair::symbol(std::string_view character, bool first, bool last) const {
  const std::string_view prefix = first ? std::string_view() : options_.continuing_subword_prefix;
  const std::string_view suffix = last ? std::string_view(options_.end_of_word_suffix) : std::string_view();
  if (prefix.empty()) return vocabulary_.find(character, suffix);
  return vocabulary_.find(std::string(prefix).append(character), suffix);
}

std::unique_ptr<WordSplitter> BytePair::splitter() const { return std::make_unique<BytePairSplitter>(*this); }

}  // namespace attnviz::tokens
