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

/// A full compatibility decomposition, in kCompatibilityText.
struct Compatibility {
  char32_t code_point;
  std::uint16_t begin, length;
};

struct Composition {
  char32_t first, second, composite;
};

#include "unicode_tables.inc"

/// In the order of kCategoryStarts' numbers.
constexpr std::array<std::string_view, 30> kCategoryNames = {
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cs"};

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

char32_t composed_syllable(char32_t first, char32_t second) {
  if (first - kLeading < 19 && second - kVowels < kVowelCount) {
    return kSyllables + ((first - kLeading) * kVowelCount + (second - kVowels)) * kTrailingCount;
  }
  const bool open = first - kSyllables < kSyllableCount && (first - kSyllables) % kTrailingCount == 0;
  if (open && second > kTrailing && second < kTrailing + kTrailingCount) return first + (second - kTrailing);
  return 0;
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

void append_compatibility_decomposition(std::u32string& text, char32_t code_point) {
  std::u32string parts;
  append_decomposition(parts, code_point);
  for (const char32_t part : parts) {
    const Compatibility* found =
        std::lower_bound(std::begin(kCompatibility), std::end(kCompatibility), part,
                         [](const Compatibility& entry, char32_t value) { return entry.code_point < value; });
    if (found != std::end(kCompatibility) && found->code_point == part) {
      text.append(kCompatibilityText + found->begin, found->length);
    } else {
      text += part;
    }
  }
}

char32_t composition(char32_t first, char32_t second) {
  if (const char32_t syllable = composed_syllable(first, second)) return syllable;
  const Composition* found =
      std::lower_bound(std::begin(kCompositions), std::end(kCompositions), Composition{first, second, 0},
                       [](const Composition& a, const Composition& b) {
                         return a.first != b.first ? a.first < b.first : a.second < b.second;
                       });
  const bool is_there = found != std::end(kCompositions) && found->first == first && found->second == second;
  return is_there ? found->composite : 0;
}

bool is_mark(char32_t code_point) { return range_at(kMarks, code_point) != nullptr; }
bool is_numeric(char32_t code_point) { return range_at(kNumeric, code_point) != nullptr; }

std::vector<Range> category_ranges(std::string_view category) {
  std::vector<Range> ranges;
  for (std::size_t i = 0; i < std::size(kCategoryStarts); ++i) {
    if (category.empty() || !kCategoryNames[kCategoryStarts[i] & 31].starts_with(category)) continue;
    const char32_t first = kCategoryStarts[i] >> 5;
    const char32_t end = i + 1 < std::size(kCategoryStarts) ? kCategoryStarts[i + 1] >> 5 : 0x110000;
    if (!ranges.empty() && ranges.back().last + 1 == first) {
      ranges.back().last = end - 1;
    } else {
      ranges.push_back({first, end - 1});
    }
  }
  return ranges;
}

}  // namespace attnviz::unicode
