/// An encoding beside the texts it was made of.
#pragma once

#include <optional>
#include <string_view>

#include "attnviz/tokens.h"
#include "tokens/characters.h"

namespace attnviz::tokens {

/// Borrows both.
class EncodedText {
 public:
  EncodedText(const Encoding& encoding, std::string_view text, std::optional<std::string_view> pair)
      : encoding_(encoding), first_(text), second_(pair.value_or(std::string_view())) {}

  /// The characters that the token's offsets count. It is not one that the post-processor added.
  [[nodiscard]] const Characters& characters(std::size_t token) const {
    return encoding_.sequence[token] == 1 ? second_ : first_;
  }
  [[nodiscard]] Range trimmed(std::size_t token) const {
    return characters(token).trimmed(encoding_.offsets[token]);
  }
  /// From the first to the last character of its tokens that is no white space.
  [[nodiscard]] Range trimmed(const TokenGroup& group) const;

  [[nodiscard]] const Encoding& encoding() const { return encoding_; }

 private:
  const Encoding& encoding_;
  Characters first_, second_;
};

[[nodiscard]] std::vector<TokenGroup> words(const EncodedText& text);

}  // namespace attnviz::tokens
