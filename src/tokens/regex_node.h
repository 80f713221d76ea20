/// A regular expression as a tree.
#pragma once

#include <cstdint>
#include <vector>

#include "tokens/character_set.h"
#include "tokens/regex.h"

namespace attnviz::tokens {

struct RegexNode {
  enum class Kind : std::uint8_t {
    set,       ///< one character
    sequence,  ///< of the children
    choice,    ///< the first child that leads to a match
    repeat,    ///< the child, from `least` to `most` times
    look,      ///< the child matches ahead, or not when `negated`
    start,     ///< nothing, at the start of the text
  };
  Kind kind = Kind::sequence;
  CharacterSet set = {};
  std::vector<RegexNode> children = {};
  std::uint32_t least = 1, most = 1;
  bool lazy = false, possessive = false, negated = false;

  /// Of what it matches, in characters, at least.
  [[nodiscard]] std::size_t shortest() const;
};

/// Throws Error for a program that would be too long, or repeat what may be empty.
[[nodiscard]] Regex::Program compile(const RegexNode& root);

}  // namespace attnviz::tokens
