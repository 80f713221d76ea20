#include "unicode.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

namespace attnviz::unicode {
namespace {

/// One step; only `first` may decompose further. `second` is 0 for a character that becomes one other.
struct Decomposition {
  char32_t code_point, first, second;
};

struct CombiningClassRange {
  char32_t first, last;
  std::uint8_t combining_class;
};

/// Every step-th character from `first` to `last` moves by `distance`.
struct LowercaseRange {
  char32_t first, last;
  std::uint8_t step;
  std::int32_t distance;
};

#include "unicode_tables.inc"

bool has(char32_t code_point, Flag flag) {
  const char* classes = kClassesOfBlock[kBlockOf[code_point / kBlockSize]];
  return kFlagsOfClass[classes[code_point % kBlockSize] - 'A'] & flag;
}

/// The range of a sorted table whose `last` is the first that is not below the code point.
template <class Range, std::size_t Size>
const Range* range_at(const Range (&ranges)[Size], char32_t code_point) {
  const Range* found =
      std::lower_bound(std::begin(ranges), std::end(ranges), code_point,
                       [](const Range& range, char32_t value) { return range.last < value; });
  return found != std::end(ranges) && found->first <= code_point ? found : nullptr;
}

// Hangul syllables are arranged so that their decomposition is arithmetic (Unicode 9.0, 3.12).
constexpr char32_t kSyllables = 0xAC00, kLeading = 0x1100, kVowels = 0x1161, kTrailing = 0x11A7;
constexpr char32_t kVowelCount = 21, kTrailingCount = 28, kSyllableCount = 19 * kVowelCount * kTrailingCount;

void append_syllable(std::u32string& text, char32_t syllable) {
  const char32_t index = syllable - kSyllables;
  text += kLeading + index / (kVowelCount * kTrailingCount);
  text += kVowels + index / kTrailingCount % kVowelCount;
  if (index % kTrailingCount != 0) text += kTrailing + index % kTrailingCount;
}

}  // namespace

bool is_control(char32_t code_point) { return has(code_point, kFlagControl); }
bool is_whitespace(char32_t code_point) { return has(code_point, kFlagWhitespace); }
bool is_punctuation(char32_t code_point) { return has(code_point, kFlagPunctuation); }
bool is_nonspacing_mark(char32_t code_point) { return has(code_point, kFlagNonspacingMark); }
bool is_letter(char32_t code_point) { return has(code_point, kFlagLetter); }
bool is_number(char32_t code_point) { return has(code_point, kFlagNumber); }
bool is_word(char32_t code_point) { return has(code_point, kFlagWord); }

bool is_cjk(char32_t code_point) {
  constexpr std::array<std::array<char32_t, 2>, 8> kRanges = {{{0x3400, 0x4DBF},
                                                               {0x4E00, 0x9FFF},
                                                               {0xF900, 0xFAFF},
                                                               {0x20000, 0x2A6DF},
                                                               {0x2A700, 0x2B73F},
                                                               {0x2B740, 0x2B81F},
                                                               {0x2B920, 0x2CEAF},
                                                               {0x2F800, 0x2FA1F}}};
  return code_point >= kRanges.front()[0] &&
         std::any_of(kRanges.begin(), kRanges.end(),
                     [&](const auto& range) { return code_point >= range[0] && code_point <= range[1]; });
}

std::uint8_t combining_class(char32_t code_point) {
  if (!has(code_point, kFlagNormalized)) return 0;
  const CombiningClassRange* range = range_at(kCombiningClasses, code_point);
  return range ? range->combining_class : 0;
}

void append_decomposition(std::u32string& text, char32_t code_point) {
  if (code_point >= kSyllables && code_point < kSyllables + kSyllableCount) {
    return append_syllable(text, code_point);
  }
  if (has(code_point, kFlagNormalized)) {
    const Decomposition* found =
        std::lower_bound(std::begin(kDecompositions), std::end(kDecompositions), code_point,
                         [](const Decomposition& entry, char32_t value) { return entry.code_point < value; });
    if (found != std::end(kDecompositions) && found->code_point == code_point) {
      append_decomposition(text, found->first);
      if (found->second != 0) text += found->second;
      return;
    }
  }
  text += code_point;
}

char32_t lowercase(char32_t code_point) {
  if (!has(code_point, kFlagCased)) return code_point;
  const LowercaseRange* range = range_at(kLowercase, code_point);
  return range && (code_point - range->first) % range->step == 0
             ? code_point + static_cast<char32_t>(range->distance)
             : code_point;
}

}  // namespace attnviz::unicode
