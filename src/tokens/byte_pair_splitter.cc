#include "tokens/byte_pair_splitter.h"

#include <algorithm>

#include "attnviz/error.h"
#include "attnviz/text.h"

namespace attnviz::tokens {
namespace {

constexpr std::uint32_t kNone = UINT32_MAX;

// Below this, looking at every pair is faster than keeping a heap.
constexpr std::size_t kFewSymbols = 48;

/// Lengths that the reference counts in are those of the byte-level characters, in UTF-8.
std::uint32_t byte_level_length(char byte) {
  return byte_level_character(static_cast<unsigned char>(byte)) < 0x80 ? 1 : 2;
}

}  // namespace

std::span<const Piece> BytePairSplitter::divide(std::string_view word) {
  pieces_.clear();
  if (model_.options().ignore_merges && take_whole(word)) return pieces_;
  add_symbols(word);
  if (symbols_.size() <= kFewSymbols) {
    merge_few();
  } else {
    merge_many();
  }
  collect_pieces();
  if (dropped_ && model_.options().byte_level) align_to_bytes(word);
  return pieces_;
}

bool BytePairSplitter::take_whole(std::string_view word) {
  std::string written;
  if (model_.options().byte_level) {
    for (const char byte : word) append_utf8(written, byte_level_character(static_cast<unsigned char>(byte)));
  } else {
    written = word;
  }
  const Vocabulary::Entry entry = model_.vocabulary().find(written);
  if (entry == Vocabulary::kAbsent) return false;
  pieces_.push_back({entry, 0, static_cast<std::uint32_t>(word.size())});
  return true;
}

void BytePairSplitter::add_symbols(std::string_view word) {
  symbols_.clear();
  unknown_length_ = 0;
  dropped_ = false;
  const bool byte_level = model_.options().byte_level;
  for (std::size_t end = 0; end < word.size();) {
    const std::size_t begin = end;
    if (byte_level) {
      ++end;
    } else {
      (void)next_code_point(word, end);
    }
    const bool first = begin == 0, last = end == word.size();
    const Vocabulary::Entry entry = byte_level
                                        ? model_.symbol(static_cast<unsigned char>(word[begin]), first, last)
                                        : model_.symbol(word.substr(begin, end - begin), first, last);
    const auto length = static_cast<std::uint32_t>(end - begin);
    if (entry != Vocabulary::kAbsent) {
      flush_unknown();
      add_symbol(entry, length);
    } else if (add_bytes(word.substr(begin, length))) {
      continue;
    } else if (model_.options().unk_token) {
      add_unknown(length);
    } else {
      dropped_ = true;
    }
  }
  flush_unknown();
  if (!symbols_.empty()) symbols_.back().next = kNone;
}

void BytePairSplitter::add_symbol(Vocabulary::Entry entry, std::uint32_t length) {
  const auto position = static_cast<std::uint32_t>(symbols_.size());
  symbols_.push_back({entry, length, position - 1, position + 1});
}

/// All bytes of the character, or none. An unknown symbol that waits comes behind them, in the reference too.
bool BytePairSplitter::add_bytes(std::string_view character) {
  if (!model_.options().byte_fallback) return false;
  const auto entry_of = [&](char byte) { return model_.byte_piece(static_cast<unsigned char>(byte)); };
  if (std::any_of(character.begin(), character.end(),
                  [&](char byte) { return entry_of(byte) == Vocabulary::kAbsent; })) {
    return false;
  }
  for (const char byte : character) add_symbol(entry_of(byte), 1);
  return true;
}

void BytePairSplitter::add_unknown(std::uint32_t length) {
  if (!model_.options().fuse_unk) flush_unknown();
  unknown_length_ += length;
}

void BytePairSplitter::flush_unknown() {
  if (unknown_length_ == 0) return;
  const Vocabulary::Entry entry = model_.vocabulary().find(*model_.options().unk_token);
  if (entry == Vocabulary::kAbsent) {
    throw Error("tokenizer: the vocabulary lacks its unknown token \"" + *model_.options().unk_token + "\"",
                "the text has a character that the vocabulary cannot spell");
  }
  add_symbol(entry, unknown_length_);
  unknown_length_ = 0;
}

void BytePairSplitter::merge_few() {
  merges_.clear();
  for (std::size_t i = 0; i + 1 < symbols_.size(); ++i) {
    merges_.push_back(model_.merge(symbols_[i].entry, symbols_[i + 1].entry));
  }
  while (!merges_.empty()) {
    const auto best = std::min_element(merges_.begin(), merges_.end(),
                                       [](const auto& a, const auto& b) { return a.rank < b.rank; });
    if (best->result == Vocabulary::kAbsent) return;
    const auto i = static_cast<std::size_t>(best - merges_.begin());
    symbols_[i].entry = best->result;
    symbols_[i].length += symbols_[i + 1].length;
    symbols_.erase(symbols_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    merges_.erase(best);
    if (i < merges_.size()) merges_[i] = model_.merge(symbols_[i].entry, symbols_[i + 1].entry);
    if (i > 0) merges_[i - 1] = model_.merge(symbols_[i - 1].entry, symbols_[i].entry);
  }
}

void BytePairSplitter::push(std::uint32_t left) {
  const BytePair::Merge merge = model_.merge(symbols_[left].entry, symbols_[symbols_[left].next].entry);
  if (merge.result != Vocabulary::kAbsent) heap_.push_back({merge, left});
}

void BytePairSplitter::merge_many() {
  const auto later = [](const Candidate& a, const Candidate& b) {
    return a.merge.rank != b.merge.rank ? a.merge.rank > b.merge.rank : a.position > b.position;
  };
  const auto push_ordered = [&](std::uint32_t left) {
    const std::size_t size = heap_.size();
    push(left);
    if (heap_.size() > size) std::push_heap(heap_.begin(), heap_.end(), later);
  };
  heap_.clear();
  for (std::uint32_t i = 0; i + 1 < symbols_.size(); ++i) push(i);
  std::make_heap(heap_.begin(), heap_.end(), later);
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Candidate candidate = heap_.back();
    heap_.pop_back();
    Symbol& left = symbols_[candidate.position];
    if (left.length == 0 || left.next == kNone) continue;
    Symbol& right = symbols_[left.next];
    // The pair may have changed since it was pushed.
    if (model_.merge(left.entry, right.entry).result != candidate.merge.result) continue;
    left.entry = candidate.merge.result;
    left.length += right.length;
    left.next = right.next;
    right.length = 0;
    if (left.next != kNone) symbols_[left.next].previous = candidate.position;
    if (left.previous != kNone) push_ordered(left.previous);
    if (left.next != kNone) push_ordered(candidate.position);
  }
}

void BytePairSplitter::collect_pieces() {
  std::uint32_t begin = 0;
  for (const Symbol& symbol : symbols_) {
    if (symbol.length == 0) continue;
    pieces_.push_back({symbol.entry, begin, begin + symbol.length});
    begin += symbol.length;
  }
}

/// The reference adds up the lengths of the symbols that are left, also when characters before them were
/// left out, and looks the sums up in the text as written with byte-level characters. Those take one or
/// two bytes, which only then makes a difference.
void BytePairSplitter::align_to_bytes(std::string_view word) {
  std::vector<std::uint32_t> kept;     // the written length of each byte that became a symbol
  std::vector<std::uint32_t> byte_at;  // the byte of the word at each position of the text as written
  for (std::size_t i = 0; i < word.size(); ++i) {
    const std::uint32_t length = byte_level_length(word[i]);
    const auto byte = static_cast<unsigned char>(word[i]);
    if (model_.symbol(byte, i == 0, i + 1 == word.size()) != Vocabulary::kAbsent) kept.push_back(length);
    byte_at.insert(byte_at.end(), length, static_cast<std::uint32_t>(i));
  }
  std::uint32_t symbol = 0, written = 0;
  for (Piece& piece : pieces_) {
    const std::uint32_t begin = written;
    for (; symbol < piece.end; ++symbol) written += kept[symbol];
    piece.begin = byte_at[begin];
    piece.end = byte_at[written - 1] + 1;
  }
}

}  // namespace attnviz::tokens
