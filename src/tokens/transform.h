/// How the reference keeps a text and its origins together when it changes characters.
#pragma once

#include <cstddef>
#include <vector>

#include "tokens/aligned_text.h"

namespace attnviz::tokens {

/// A character of the new text, and what it stands for in the old one.
struct Change {
  char32_t code_point = 0;
  /// 1: it is inserted behind what was taken before it; 0: it takes the place of the next character;
  /// -n: of the next one and the n behind that.
  std::ptrdiff_t change = 0;
};

/// The new text; the first `removed` characters of the old one vanish. An inserted character has the origin
/// of the character before it in the old text, any other that of the first it replaces.
[[nodiscard]] AlignedText transform(AlignedView text, const std::vector<Change>& changes,
                                    std::size_t removed = 0);

}  // namespace attnviz::tokens
