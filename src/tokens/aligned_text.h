/// Text that remembers where each of its bytes comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/text.h"

namespace attnviz::tokens {

/// A part of an AlignedText, borrowed.
struct AlignedView {
  std::string_view text;
  const std::uint32_t* origin = nullptr;  ///< one a byte of text: a code point of the user's text

  /// Bytes [begin, end).
  [[nodiscard]] AlignedView slice(std::size_t begin, std::size_t end) const {
    return {text.substr(begin, end - begin), origin + begin};
  }
};

/// UTF-8 and, for each byte, the number of the code point of the user's text that it stands for. Every
/// change made to a text (a character split, removed, inserted, replaced) keeps them in order.
struct AlignedText {
  std::string text;
  std::vector<std::uint32_t> origin;

  void append(char32_t code_point, std::uint32_t from) {
    append_utf8(text, code_point);
    origin.resize(text.size(), from);
  }
  [[nodiscard]] AlignedView view() const { return {text, origin.data()}; }
};

}  // namespace attnviz::tokens
