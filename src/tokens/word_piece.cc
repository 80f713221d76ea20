#include "tokens/word_piece.h"

#include <algorithm>

#include "attnviz/error.h"
#include "attnviz/text.h"

namespace attnviz::tokens {
namespace {

class WordPieceSplitter : public WordSplitter {
 public:
  explicit WordPieceSplitter(const WordPiece& model) : model_(model) {
    after_prefix_.add(model.options().continuing_subword_prefix);
  }

 private:
  std::span<const Piece> divide(std::string_view word) override {
    pieces_.clear();
    if (count_code_points(word) > model_.options().max_input_chars_per_word) return unknown(word);
    for (std::size_t begin = 0; begin < word.size();) {
      const Piece piece = longest_piece(word, begin);
      if (piece.entry == Vocabulary::kAbsent) return unknown(word);
      pieces_.push_back(piece);
      begin = piece.end;
    }
    return pieces_;
  }

  Piece longest_piece(std::string_view word, std::size_t begin) {
    const std::string_view prefix =
        begin > 0 ? std::string_view(model_.options().continuing_subword_prefix) : std::string_view();
    const std::string_view rest = word.substr(begin, model_.vocabulary().longest());
    TokenHash hash = begin > 0 ? after_prefix_ : TokenHash();
    hashes_.clear();
    for (const char byte : rest) {
      hash.add(byte);
      hashes_.push_back(hash.value());
    }
    for (std::size_t size = rest.size(); size > 0; --size) {
      const bool inside_character = begin + size < word.size() && (word[begin + size] & 0xC0) == 0x80;
      if (inside_character) continue;
      const Vocabulary::Entry entry =
          model_.vocabulary().find(hashes_[size - 1], prefix, rest.substr(0, size));
      if (entry != Vocabulary::kAbsent) {
        return {entry, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin + size)};
      }
    }
    return {};
  }

  std::span<const Piece> unknown(std::string_view word) {
    const Vocabulary::Entry entry = model_.vocabulary().find(model_.options().unk_token);
    if (entry == Vocabulary::kAbsent) {
      throw Error("tokenizer: the vocabulary lacks its unknown token \"" + model_.options().unk_token + "\"",
                  "the text has a word that the vocabulary cannot spell");
    }
    pieces_.assign(1, {entry, 0, static_cast<std::uint32_t>(word.size())});
    return pieces_;
  }

  const WordPiece& model_;
  TokenHash after_prefix_;
  std::vector<std::uint32_t> hashes_;
  std::vector<Piece> pieces_;
};

}  // namespace

WordPiece::WordPiece(Vocabulary vocabulary, WordPieceOptions options)
    : vocabulary_(std::move(vocabulary)), options_(std::move(options)) {}

std::unique_ptr<WordSplitter> WordPiece::splitter() const {
  return std::make_unique<WordPieceSplitter>(*this);
}

}  // namespace attnviz::tokens
