/// tokens: a sentence or a pair becomes token ids, exactly as Hugging Face's `tokenizers` 0.23 does.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/text.h"

namespace attnviz {

/// One sentence or pair, tokenized. All vectors have one entry a token.
struct Encoding {
  std::vector<std::string> tokens;  ///< as the vocabulary writes them ("##ing", "Ġbank")
  std::vector<std::int64_t> ids;
  std::vector<std::array<std::uint32_t, 2>> offsets;  ///< [begin, end) in code points of its text
  std::vector<std::int64_t> types;                    ///< token type (segment) ids
  std::vector<std::uint8_t> special;                  ///< 1 for tokens that the post-processor added
  std::vector<std::uint8_t> typed;                    ///< 1 for special tokens that the text spells: "[MASK]"
  std::vector<std::int8_t> sequence;                  ///< 0 or 1: the text it came from; -1 for added tokens

  [[nodiscard]] std::size_t size() const { return ids.size(); }
};

struct EncodeOptions {
  bool special_tokens = true;  ///< add [CLS], [SEP], … as the post-processor says
  std::size_t max_tokens = 0;  ///< 0: no limit; else cut as `truncation=True` does (longest first,
                               ///< from the right), counting special tokens
};

/// A tokenizer read from a model's directory: tokenizer.json, or vocab.txt, or vocab.json +
/// merges.txt, or a .model of sentencepiece, with tokenizer_config.json and special_tokens_map.json beside
/// them. Thread-safe.
class Tokenizer {
 public:
  /// Throws Error naming the file and the fault. A component that is not implemented is refused by
  /// name. `truncation` and `padding` sections are ignored, as a call of transformers' tokenizer does.
  explicit Tokenizer(const std::filesystem::path& directory);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// `text` and `pair` are valid UTF-8 (see valid_utf8). Time is linear in their length.
  [[nodiscard]] Encoding encode(std::string_view text, std::optional<std::string_view> pair = std::nullopt,
                                const EncodeOptions& options = {}) const;

  /// A text in the language that a model writes. Marian's models cut it otherwise than encode, all others
  /// alike.
  [[nodiscard]] Encoding encode_target(std::string_view text, const EncodeOptions& options = {}) const;

  /// How each token is shown to a reader.
  [[nodiscard]] std::vector<TokenLabel> labels(const Encoding& encoding) const;

  /// The same of a token by its id; unset where the vocabulary has none of it. Looks the vocabulary through.
  [[nodiscard]] std::optional<TokenLabel> label(std::int64_t id) const;

  /// Entries of the vocabulary, added tokens included.
  [[nodiscard]] std::size_t vocabulary_size() const;

  /// The id used to pad a batch: the pad token's, or 0.
  [[nodiscard]] std::int64_t padding_id() const;

  /// The files that were read, relative to the directory.
  [[nodiscard]] const std::vector<std::string>& files() const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

/// The words of an encoding: each token is in one group, in order. `text` and `pair` are what was encoded.
/// Words end much as in Unicode's annex 29 (UAX #29, section 4): at white space; between a letter, digit or
/// underscore and any other character, but not at an apostrophe between letters (don't, l'homme) nor at a
/// point or comma between digits (3.14); a hyphen parts (well - known), a run of punctuation and symbols
/// stays together (..., ?!). Each CJK ideograph and each special token, a typed one too, is a word of its
/// own. Marks, joiners and control characters belong to the character before them.
///
/// No token is taken apart, even if a boundary lies inside it. Tokens that share a character are one word,
/// and so are BERT's ## pieces with what they continue. Tokens of white space belong to the word behind them;
/// those with a line end stand for themselves.
[[nodiscard]] std::vector<TokenGroup> words(const Encoding& encoding, std::string_view text,
                                            std::optional<std::string_view> pair = std::nullopt);

/// Two encodings of the same text whose groups cover the same characters, but for those that one of the
/// tokenizers drops.
struct Alignment {
  std::vector<TokenGroup> first, second;  ///< equally many
};

/// The words of both, merged further where their boundaries differ. In no group are tokens whose characters
/// the other encoding does not have: special tokens, line ends, what was cut.
[[nodiscard]] Alignment align(const Encoding& first, const Encoding& second, std::string_view text,
                              std::optional<std::string_view> pair = std::nullopt);

/// How each group is shown: a single token as `labels` has it; a word as its characters in the text, from the
/// first to the last that is no white space. `groups` and `labels` are the encoding's.
[[nodiscard]] std::vector<TokenLabel> group_labels(const Encoding& encoding,
                                                   std::span<const TokenLabel> labels,
                                                   std::span<const TokenGroup> groups, std::string_view text,
                                                   std::optional<std::string_view> pair = std::nullopt);

}  // namespace attnviz
