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
  std::vector<std::int8_t> sequence;                  ///< 0 or 1: the text it came from; -1 for added tokens

  [[nodiscard]] std::size_t size() const { return ids.size(); }
};

struct EncodeOptions {
  bool special_tokens = true;  ///< add [CLS], [SEP], … as the post-processor says
  std::size_t max_tokens = 0;  ///< 0: no limit; else cut as `truncation=True` does (longest first,
                               ///< from the right), counting special tokens
};

/// A tokenizer read from a model's directory: tokenizer.json, or vocab.txt, or vocab.json +
/// merges.txt, with tokenizer_config.json and special_tokens_map.json beside them. Thread-safe.
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

  /// How each token is shown to a reader.
  [[nodiscard]] std::vector<TokenLabel> labels(const Encoding& encoding) const;

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

/// The words of an encoding: each token is in one group, in order. Tokens belong together when no white
/// space parts them and no boundary of letters and punctuation lies between them, or when they are parts of
/// one character; each CJK character and each special token is a word of its own. `text` and `pair` are what
/// was encoded.
[[nodiscard]] std::vector<TokenGroup> words(const Encoding& encoding, std::string_view text,
                                            std::optional<std::string_view> pair = std::nullopt);

/// Two encodings of the same text whose words cover the same characters.
struct Alignment {
  std::vector<TokenGroup> first, second;  ///< equally many; special tokens are in no group
};

/// Through character offsets: the words of both, merged further where their boundaries differ.
[[nodiscard]] Alignment align(const Encoding& first, const Encoding& second, std::string_view text,
                              std::optional<std::string_view> pair = std::nullopt);

/// How each group is shown: a single token as `labels` has it, a word as its characters in the text.
[[nodiscard]] std::vector<TokenLabel> group_labels(const Encoding& encoding,
                                                   std::span<const TokenLabel> labels,
                                                   std::span<const TokenGroup> groups, std::string_view text,
                                                   std::optional<std::string_view> pair = std::nullopt);

}  // namespace attnviz
