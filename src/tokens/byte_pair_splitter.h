/// Merges the symbols of one word.
#pragma once

#include "tokens/byte_pair.h"

namespace attnviz::tokens {

/// n symbols take O(n log n): they are a linked list, and a heap holds the pairs that can be merged.
class BytePairSplitter : public WordSplitter {
 public:
  explicit BytePairSplitter(const BytePair& model) : model_(model) {}

 private:
  struct Symbol {
    Vocabulary::Entry entry = Vocabulary::kAbsent;
    std::uint32_t length = 0;  ///< in bytes of the word; 0 once it was merged into its left neighbour
    std::uint32_t previous = 0, next = 0;
  };
  struct Candidate {
    BytePair::Merge merge;
    std::uint32_t position = 0;  ///< of the left symbol
  };

  [[nodiscard]] std::span<const Piece> divide(std::string_view word) override;
  [[nodiscard]] bool take_whole(std::string_view word);
  void add_symbols(std::string_view word);
  void add_symbol(Vocabulary::Entry entry, std::uint32_t length);
  [[nodiscard]] bool add_bytes(std::string_view character);
  void add_unknown(std::uint32_t length);
  void flush_unknown();
  void merge_few();
  void merge_many();
  void push(std::uint32_t left);
  void collect_pieces();
  void align_to_bytes(std::string_view word);

  const BytePair& model_;
  std::vector<Symbol> symbols_;
  std::vector<BytePair::Merge> merges_;  ///< merge_few: of symbol i with its right neighbour
  std::vector<Candidate> heap_;
  std::vector<Piece> pieces_;
  std::uint32_t unknown_length_ = 0;  ///< of an unknown symbol that waits: fuse_unk may lengthen it
  bool dropped_ = false;              ///< a character was left out
};

}  // namespace attnviz::tokens
