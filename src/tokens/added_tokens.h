/// Tokens that are found in a text as a whole, before anything is split.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tokens/normalizer.h"
#include "tokens/vocabulary.h"

namespace attnviz::tokens {

/// An entry of tokenizer.json's "added_tokens".
struct AddedToken {
  std::string content;
  bool single_word = false;  ///< only where no letter, mark, digit or connector touches it
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< takes the white space behind it
  bool normalized = true;    ///< found in the normalized text, as its own normal form
  bool special = false;
  std::uint32_t id = 0;  ///< given by AddedVocabulary
};

/// Part [begin, end) of a text: an added token, or the text between two of them.
struct AddedSpan {
  const AddedToken* token = nullptr;
  std::size_t begin = 0, end = 0;
};

class AddedVocabulary {
 public:
  /// Ids are the model's where it knows the content, else those behind its last. Throws Error for tokens
  /// whose matches are not defined: two with one normal form, one that vanishes in normalization, one
  /// that starts with white space and strips it.
  AddedVocabulary(std::vector<AddedToken> tokens, const Vocabulary& model, const Normalizer& normalizer);

  /// All of the text, in order: leftmost-longest matches of the tokens that are (not) normalized, and
  /// what lies between. Spans of a token that strips may overlap the span before.
  [[nodiscard]] std::vector<AddedSpan> find(std::string_view text, bool normalized) const;

  /// Special tokens are no longer found: their text is split like any other.
  void split_special_tokens(bool split) { splits_special_ = split; }

  [[nodiscard]] const std::vector<AddedToken>& tokens() const { return tokens_; }
  [[nodiscard]] const AddedToken* by_id(std::int64_t id) const;
  [[nodiscard]] const AddedToken* by_content(std::string_view content) const;

 private:
  struct Pattern {
    std::string text;
    std::size_t token = 0;
  };
  /// Patterns in the order of their bytes, and where those of each first byte begin.
  struct Patterns {
    std::vector<Pattern> sorted;
    std::vector<std::uint32_t> first_byte;

    void sort();
    [[nodiscard]] const Pattern* longest_at(std::string_view text, std::size_t offset) const;
  };

  void add(AddedToken token, const Vocabulary& model, std::uint32_t& next_id);
  void add_patterns(const Normalizer& normalizer);
  void check_patterns(const Patterns& patterns) const;

  std::vector<AddedToken> tokens_;
  std::unordered_map<std::string, std::size_t> place_of_content_;
  std::unordered_map<std::int64_t, std::size_t> place_of_id_;
  Patterns plain_, normalized_;
  std::unordered_set<std::string> special_;  ///< what was special when it was added, be it no more
  bool splits_special_ = false;
};

}  // namespace attnviz::tokens
