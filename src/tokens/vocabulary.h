/// A vocabulary: tokens and their ids, found by hash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace attnviz::tokens {

/// A hash that grows byte by byte, so that all prefixes of a word cost one pass (FNV-1a, 64 bits).
class TokenHash {
 public:
  void add(char byte) { state_ = (state_ ^ static_cast<unsigned char>(byte)) * 0x100000001B3U; }
  void add(std::string_view bytes) {
    for (const char byte : bytes) add(byte);
  }
  /// FNV's low bits are weak in short strings: a multiplication spreads them.
  [[nodiscard]] std::uint32_t value() const {
    return static_cast<std::uint32_t>(((state_ ^ state_ >> 29) * 0x9E3779B97F4A7C15U) >> 32);
  }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325U;
};

/// Entries are numbered in the order of insertion. The tokens' bytes are borrowed.
class Vocabulary {
 public:
  using Entry = std::uint32_t;
  static constexpr Entry kAbsent = UINT32_MAX;

  /// A token that is there already takes the new id.
  void insert(std::string_view token, std::uint32_t id);

  [[nodiscard]] Entry find(std::string_view token) const;
  /// The entry of `head` followed by `tail`, whose hash is `hash`.
  [[nodiscard]] Entry find(std::uint32_t hash, std::string_view head, std::string_view tail) const;
  [[nodiscard]] Entry find(std::string_view head, std::string_view tail) const;

  [[nodiscard]] std::string_view token(Entry entry) const { return entries_[entry].token; }
  [[nodiscard]] std::uint32_t id(Entry entry) const { return entries_[entry].id; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// Bytes of its longest token.
  [[nodiscard]] std::size_t longest() const { return longest_; }

 private:
  struct Item {
    std::string_view token;
    std::uint32_t id = 0;
  };
  struct Slot {
    std::uint32_t hash = 0;
    Entry entry = kAbsent;
  };

  void grow();

  std::vector<Item> entries_;
  std::vector<Slot> slots_;  ///< a power of two, at most half full
  std::size_t longest_ = 0;
};

/// The entries of "<0x00>" to "<0xFF>"; kAbsent where the vocabulary lacks one.
[[nodiscard]] std::array<Vocabulary::Entry, 256> byte_pieces(const Vocabulary& vocabulary);

}  // namespace attnviz::tokens
