/// Unigram: a word becomes the pieces whose scores add up to the most (Kudo 2018).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "tokens/model.h"

namespace attnviz::tokens {

/// A vocabulary of pieces and their scores (logarithms of probabilities); a piece's id is its place.
struct ScoredVocabulary {
  Vocabulary pieces;
  std::vector<double> scores;

  /// Throws Error when the piece is there already.
  void append(std::string_view piece, double score);
};

/// tokenizer.json's model "Unigram".
struct UnigramOptions {
  std::optional<std::uint32_t> unk_id;  ///< unset: what the vocabulary can't spell is an Error
  bool byte_fallback = false;           ///< unknown text becomes its bytes, "<0xE4>"
  bool single_precision = false;        ///< sums are kept in it, as sentencepiece itself does
};

class Unigram : public Model {
 public:
  /// Throws Error when unk_id is not in the vocabulary.
  Unigram(ScoredVocabulary vocabulary, UnigramOptions options);

  [[nodiscard]] const Vocabulary& vocabulary() const override { return vocabulary_.pieces; }
  [[nodiscard]] std::unique_ptr<WordSplitter> splitter() const override;
  [[nodiscard]] std::string_view continuation_prefix() const override { return {}; }
  /// An unknown piece is called what the text spells.
  [[nodiscard]] std::string_view name(const Piece& piece, std::string_view word) const override;

  [[nodiscard]] double score(Vocabulary::Entry entry) const { return vocabulary_.scores[entry]; }
  [[nodiscard]] double unknown_score() const { return unknown_score_; }
  [[nodiscard]] std::optional<Vocabulary::Entry> unknown() const { return options_.unk_id; }
  /// The entries of the 256 bytes; kAbsent where there is none or no fallback.
  [[nodiscard]] const std::array<Vocabulary::Entry, 256>& bytes() const { return bytes_; }
  [[nodiscard]] bool byte_fallback() const { return options_.byte_fallback; }
  [[nodiscard]] bool single_precision() const { return options_.single_precision; }

  /// Bit n: a piece of n bytes, or of 63 and more for the last bit, may start like `text`. At least one byte.
  [[nodiscard]] std::uint64_t sizes_at(std::string_view text) const;

 private:
  ScoredVocabulary vocabulary_;
  UnigramOptions options_;
  double unknown_score_ = 0;
  std::array<Vocabulary::Entry, 256> bytes_;
  std::vector<std::uint64_t> sizes_;  ///< by a hash of the first bytes
};

}  // namespace attnviz::tokens
