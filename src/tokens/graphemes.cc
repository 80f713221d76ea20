#include "tokens/graphemes.h"

#include <cstdint>

#include "attnviz/text.h"

namespace attnviz::tokens {
namespace {

#include "tokens/grapheme_tables.inc"

/// The letters of the tables; the last two are Hangul syllables.
enum Kind : char {
  kOther = '.',
  kControl = 'C',
  kCarriageReturn = 'R',
  kLineFeed = 'F',
  kExtend = 'E',
  kConjunctExtend = 'e',
  kConjunctLinker = 'k',
  kJoiner = 'Z',
  kSpacingMark = 'S',
  kPrepend = 'P',
  kLeading = 'L',
  kVowel = 'V',
  kTrailing = 'T',
  kRegionalIndicator = 'I',
  kPictographic = 'X',
  kConsonant = 'N',
  kOpenSyllable = 'O',
  kClosedSyllable = 'G',
};

Kind kind_of(char32_t c) {
  if (c >= 0x20 && c < 0x7F) return kOther;
  if (c >= 0xAC00 && c <= 0xD7A3) return (c - 0xAC00) % 28 == 0 ? kOpenSyllable : kClosedSyllable;
  return static_cast<Kind>(kKindsOfBlock[kBlockOf[c / kBlockSize]][c % kBlockSize]);
}

bool is_control(Kind kind) { return kind == kControl || kind == kCarriageReturn || kind == kLineFeed; }
bool is_extend(Kind kind) { return kind == kExtend || kind == kConjunctExtend || kind == kConjunctLinker; }

/// What a cluster's characters so far say of the next one.
class Cluster {
 public:
  explicit Cluster(Kind first) { add(first); }

  void add(Kind kind) {
    if (kind == kConsonant) {
      conjunct_ = Conjunct::consonant;
    } else if (kind == kConjunctLinker && conjunct_ != Conjunct::none) {
      conjunct_ = Conjunct::linked;
    } else if (kind != kConjunctExtend && kind != kConjunctLinker && kind != kJoiner) {
      conjunct_ = Conjunct::none;
    }
    if (kind == kPictographic) {
      emoji_ = Emoji::pictograph;
    } else if (emoji_ == Emoji::pictograph && kind == kJoiner) {
      emoji_ = Emoji::joined;
    } else if (emoji_ != Emoji::pictograph || !is_extend(kind)) {
      emoji_ = Emoji::none;
    }
    is_half_flag_ = kind == kRegionalIndicator && !is_half_flag_;
    last_ = kind;
  }

  /// Rules GB3 to GB999, in their order.
  [[nodiscard]] bool joins(Kind next) const {
    if (last_ == kCarriageReturn && next == kLineFeed) return true;
    if (is_control(last_) || is_control(next)) return false;
    if (joins_syllable(next)) return true;
    if (is_extend(next) || next == kJoiner || next == kSpacingMark || last_ == kPrepend) return true;
    if (next == kConsonant) return conjunct_ == Conjunct::linked;
    if (next == kPictographic) return emoji_ == Emoji::joined;
    return next == kRegionalIndicator && is_half_flag_;
  }

 private:
  enum class Conjunct { none, consonant, linked };
  enum class Emoji { none, pictograph, joined };

  [[nodiscard]] bool joins_syllable(Kind next) const {
    if (last_ == kLeading) {
      return next == kLeading || next == kVowel || next == kOpenSyllable || next == kClosedSyllable;
    }
    if (last_ == kOpenSyllable || last_ == kVowel) return next == kVowel || next == kTrailing;
    return (last_ == kClosedSyllable || last_ == kTrailing) && next == kTrailing;
  }

  Kind last_ = kOther;
  Conjunct conjunct_ = Conjunct::none;
  Emoji emoji_ = Emoji::none;
  bool is_half_flag_ = false;
};

}  // namespace

std::size_t grapheme_end(std::string_view text, std::size_t offset) {
  Cluster cluster(kind_of(next_code_point(text, offset)));
  while (offset < text.size()) {
    std::size_t next = offset;
    const Kind kind = kind_of(next_code_point(text, next));
    if (!cluster.joins(kind)) break;
    cluster.add(kind);
    offset = next;
  }
  return offset;
}

}  // namespace attnviz::tokens
