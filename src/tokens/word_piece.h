/// WordPiece: a word becomes the longest known pieces, from left to right.
#pragma once

#include "tokens/model.h"

namespace attnviz::tokens {

/// tokenizer.json's model "WordPiece".
struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  std::size_t max_input_chars_per_word = 100;  ///< a longer word is the unknown token
};

class WordPiece : public Model {
 public:
  WordPiece(Vocabulary vocabulary, WordPieceOptions options);

  [[nodiscard]] const Vocabulary& vocabulary() const override { return vocabulary_; }
  [[nodiscard]] std::unique_ptr<WordSplitter> splitter() const override;
  [[nodiscard]] std::string_view continuation_prefix() const override {
    return options_.continuing_subword_prefix;
  }
  [[nodiscard]] const WordPieceOptions& options() const { return options_; }

 private:
  Vocabulary vocabulary_;
  WordPieceOptions options_;
};

}  // namespace attnviz::tokens
