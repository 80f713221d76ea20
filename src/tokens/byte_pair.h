/// Byte pair encoding: a word starts as characters, and the pair with the lowest rank is merged, again
/// and again (Sennrich et al. 2016; byte-level: Radford et al. 2019).
#pragma once

#include <array>
#include <optional>

#include "tokens/model.h"
#include "tokens/vocabulary_files.h"

namespace attnviz::tokens {

/// tokenizer.json's model "BPE".
struct BytePairOptions {
  std::optional<std::string> unk_token;  ///< unset: what the vocabulary can't spell is left out
  std::string continuing_subword_prefix;
  std::string end_of_word_suffix;
  bool byte_fallback = false;  ///< a character without a token becomes its bytes' tokens, "<0xE4>"
  bool fuse_unk = false;       ///< unknown neighbours become one token
  bool ignore_merges = false;  ///< a word that is a token is taken whole
  bool byte_level = false;     ///< words are bytes, written as GPT-2's 256 characters
};

/// The character that GPT-2 writes for a byte: itself if printable in Latin-1, else one from U+0100 on.
[[nodiscard]] char32_t byte_level_character(unsigned char byte);

class BytePair : public Model {
 public:
  struct Merge {
    std::uint32_t rank = UINT32_MAX;
    Vocabulary::Entry result = Vocabulary::kAbsent;
  };

  /// Throws Error naming the merge whose tokens the vocabulary lacks. Ids are distinct.
  BytePair(Vocabulary vocabulary, const std::vector<MergePair>& merges, BytePairOptions options);

  [[nodiscard]] const Vocabulary& vocabulary() const override { return vocabulary_; }
  [[nodiscard]] std::unique_ptr<WordSplitter> splitter() const override;
  [[nodiscard]] std::string_view continuation_prefix() const override {
    return options_.continuing_subword_prefix;
  }
  [[nodiscard]] const BytePairOptions& options() const { return options_; }

  /// The merge of two neighbours; its result is kAbsent when there is none.
  [[nodiscard]] Merge merge(Vocabulary::Entry left, Vocabulary::Entry right) const;

  /// The entry of one character of a word, with prefix and suffix where they belong.
  [[nodiscard]] Vocabulary::Entry symbol(std::string_view character, bool first, bool last) const;
  /// Byte fallback's entry of a byte; kAbsent where there is none.
  [[nodiscard]] Vocabulary::Entry byte_piece(unsigned char byte) const { return byte_pieces_[byte]; }
  /// The same for a byte, byte-level.
  [[nodiscard]] Vocabulary::Entry symbol(unsigned char byte, bool first, bool last) const {
    return byte_symbols_[static_cast<std::size_t>(first) * 2 + static_cast<std::size_t>(last)][byte];
  }

 private:
  struct Slot {
    std::uint64_t pair = UINT64_MAX;
    Merge merge;
  };

  void insert(std::uint64_t pair, Merge merge);
  Vocabulary::Entry expect(std::string_view head, std::string_view tail, std::size_t rank) const;

  Vocabulary vocabulary_;
  BytePairOptions options_;
  std::vector<Slot> slots_;  ///< a power of two, at most half full
  std::array<Vocabulary::Entry, 256> byte_pieces_;
  std::array<std::array<Vocabulary::Entry, 256>, 4> byte_symbols_;
};

}  // namespace attnviz::tokens
