/// Unicode's normal forms (UAX #15) and the plainer changes that tokenizer.json knows, each a NormalizerStep.
#pragma once

#include <string>

#include "tokens/normalizer.h"

namespace attnviz::tokens {

/// "NFD", "NFC", "NFKD" and "NFKC", of Unicode 9.0.
struct NormalForm {
  bool compatible = false;
  bool composed = false;

  [[nodiscard]] AlignedText operator()(AlignedView text) const;
};

/// "Lowercase": character by character, by the full mapping.
[[nodiscard]] AlignedText lowercase(AlignedView text);
/// "StripAccents": without marks.
[[nodiscard]] AlignedText strip_accents(AlignedView text);
/// "Nmt": control characters vanish, and unusual spaces become usual ones.
[[nodiscard]] AlignedText nmt(AlignedView text);
/// "ByteLevel": each byte as the character that GPT-2 writes for it.
[[nodiscard]] AlignedText spell_bytes(AlignedView text);

/// "Strip": no white space at an end.
struct Strip {
  bool left = true, right = true;

  [[nodiscard]] AlignedText operator()(AlignedView text) const;
};

/// "Prepend", to a text that is not empty.
struct Prepend {
  std::string prefix;

  [[nodiscard]] AlignedText operator()(AlignedView text) const;
};

}  // namespace attnviz::tokens
