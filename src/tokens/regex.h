/// Regular expressions, as far as tokenizers use them, with the meaning that Oniguruma gives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokens/character_set.h"

namespace attnviz::tokens {

/// Literals, . and classes, \p{..} of general categories (Unicode 16.0), \s \d \w and their negations,
/// groups, (?i: ) for ASCII letters, alternation, ? * + {m,n} greedy, lazy and possessive, (?= ) and (?! ),
/// \A, $ and \z.
class Regex {
 public:
  struct Match {
    std::size_t begin = 0, end = 0;
  };

  /// Throws Error naming the pattern and the part of it that is not supported. A pattern that may match no
  /// character is refused too.
  explicit Regex(std::string_view pattern);

  /// The pattern that matches `text` and nothing else.
  [[nodiscard]] static Regex literal(std::string_view text);

  /// All matches, from left to right. Throws Error when they take more steps than those of any usual pattern.
  [[nodiscard]] std::vector<Match> find_all(std::string_view text) const;

  static constexpr std::uint32_t kEndless = UINT32_MAX;

  /// What the program does at one place. Instructions are named by their numbers.
  struct Instruction {
    enum class Kind : std::uint8_t {
      repeat,  ///< from `least` to `most` characters of `set`, as many as there are, then fewer
      split,   ///< the next instruction and, if that fails, `other`; the other way round when `lazy`
      jump,    ///< to `other`
      look,    ///< the instructions up to an end match (or not: `negated`) here; then to `other`
      start,   ///< the next instruction, at the start of the text
      atom,    ///< the instructions up to an end, as they match first; then to `other`
      end,     ///< of a look, an atom, or all
    };
    Kind kind = Kind::end;
    bool lazy = false, possessive = false, negated = false;
    std::uint32_t set = 0, least = 1, most = 1;
    std::uint32_t other = 0;
  };
  struct Program {
    std::vector<Instruction> instructions;
    std::vector<CharacterSet> sets;
  };

 private:
  std::string pattern_;
  Program program_;
};

}  // namespace attnviz::tokens
