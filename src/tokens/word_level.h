/// WordLevel: a word is a token or the unknown one.
#pragma once

#include "tokens/model.h"

namespace attnviz::tokens {

/// tokenizer.json's model "WordLevel".
class WordLevel : public Model {
 public:
  WordLevel(Vocabulary vocabulary, std::string unk_token)
      : vocabulary_(std::move(vocabulary)), unk_token_(std::move(unk_token)) {}

  [[nodiscard]] const Vocabulary& vocabulary() const override { return vocabulary_; }
  [[nodiscard]] std::unique_ptr<WordSplitter> splitter() const override;
  [[nodiscard]] std::string_view continuation_prefix() const override { return {}; }
  [[nodiscard]] const std::string& unk_token() const { return unk_token_; }

 private:
  Vocabulary vocabulary_;
  std::string unk_token_;
};

}  // namespace attnviz::tokens
