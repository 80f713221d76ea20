/// What a subword model is to the pipeline: words in, pieces out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokens/vocabulary.h"

namespace attnviz::tokens {

/// An entry of the vocabulary and the bytes [begin, end) of the word that it stands for.
struct Piece {
  Vocabulary::Entry entry = Vocabulary::kAbsent;
  std::uint32_t begin = 0, end = 0;
};

/// Splits the words of one text, and remembers what it split: most words of a long text come again.
class WordSplitter {
 public:
  WordSplitter() = default;
  WordSplitter(const WordSplitter&) = delete;
  WordSplitter& operator=(const WordSplitter&) = delete;
  virtual ~WordSplitter() = default;

  /// Valid until the next call. Throws Error when the word needs an unknown token that the vocabulary lacks.
  [[nodiscard]] std::span<const Piece> split(std::string_view word);

 protected:
  /// What split() does for a word that it does not remember.
  [[nodiscard]] virtual std::span<const Piece> divide(std::string_view word) = 0;

 private:
  struct Slot {
    std::uint32_t hash = 0, word_begin = 0, word_size = 0, pieces_begin = 0, pieces_size = 0;
  };
  void grow();

  std::vector<Slot> slots_;
  std::size_t remembered_ = 0;
  std::string words_;
  std::vector<Piece> pieces_;
};

class Model {
 public:
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  virtual ~Model() = default;

  [[nodiscard]] virtual const Vocabulary& vocabulary() const = 0;
  /// The splitter borrows the model.
  [[nodiscard]] virtual std::unique_ptr<WordSplitter> splitter() const = 0;
  /// What continuations are marked with ("##"); empty when they are not.
  [[nodiscard]] virtual std::string_view continuation_prefix() const = 0;
  /// What a piece of a word is called: its entry, unless the model keeps the spelling of unknown text.
  [[nodiscard]] virtual std::string_view name(const Piece& piece, std::string_view /*word*/) const {
    return vocabulary().token(piece.entry);
  }
};

}  // namespace attnviz::tokens
