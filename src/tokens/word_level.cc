#include "tokens/word_level.h"

#include "attnviz/error.h"

namespace attnviz::tokens {
namespace {

class WordLevelSplitter : public WordSplitter {
 public:
  explicit WordLevelSplitter(const WordLevel& model) : model_(model) {}

 private:
  std::span<const Piece> divide(std::string_view word) override {
    Vocabulary::Entry entry = model_.vocabulary().find(word);
    if (entry == Vocabulary::kAbsent) entry = model_.vocabulary().find(model_.unk_token());
    if (entry == Vocabulary::kAbsent) {
      throw Error("tokenizer: the vocabulary lacks its unknown token \"" + model_.unk_token() + "\"",
                  "the text has a word that the vocabulary does not know");
    }
    piece_ = {entry, 0, static_cast<std::uint32_t>(word.size())};
    return {&piece_, 1};
  }

  const WordLevel& model_;
  Piece piece_;
};

}  // namespace

std::unique_ptr<WordSplitter> WordLevel::splitter() const {
  return std::make_unique<WordLevelSplitter>(*this);
}

}  // namespace attnviz::tokens
