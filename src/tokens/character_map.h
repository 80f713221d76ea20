/// A character map as sentencepiece compiles it into its models: what becomes of characters in normalization.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokens/aligned_text.h"

namespace attnviz::tokens {

/// tokenizer.json's normalizer "Precompiled", and a .model's normalizer_spec.precompiled_charsmap: the size
/// of a trie (32 bits, little-endian), the trie (a double array of darts-clone: 32 bits a unit, bytes as
/// labels), and the replacements, each ended by a zero byte; a value of the trie is the place of one.
class CharacterMap {
 public:
  /// Throws Error naming the damage.
  explicit CharacterMap(std::string_view bytes);

  /// As the reference applies it: a grapheme cluster of fewer than six bytes becomes the replacement of its
  /// shortest known prefix; of any other cluster each character does. Throws Error for a trie that leads
  /// nowhere.
  [[nodiscard]] AlignedText operator()(AlignedView text) const;

  struct Match {
    std::size_t size = 0;  ///< of the text replaced
    std::string_view replacement;
  };
  /// As sentencepiece applies it: the longest known prefix. Throws as above.
  [[nodiscard]] std::optional<Match> longest(std::string_view text) const;

 private:
  /// Calls `take` with each known prefix, the shortest first, until it returns false.
  template <class Take>
  void for_each_prefix(std::string_view text, Take&& take) const;
  /// Of the shortest prefix that has one.
  [[nodiscard]] std::optional<std::string_view> replacement(std::string_view text) const;
  [[nodiscard]] std::uint32_t unit(std::size_t place) const;
  [[nodiscard]] std::string_view replacement_at(std::size_t place) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

/// The bytes that base64 (RFC 4648, padded) writes; nullopt for other text.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace attnviz::tokens
