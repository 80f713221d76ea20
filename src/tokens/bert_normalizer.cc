#include "tokens/bert_normalizer.h"

#include <algorithm>
#include <vector>

#include "tokens/unicode.h"

namespace attnviz::tokens {
namespace {

/// Lower-cases and stores what is left of a text.
class Output {
 public:
  Output(AlignedText& text, bool lowercase) : text_(text), lowercase_(lowercase) {}

  void put(char32_t code_point, std::uint32_t from) {
    if (!lowercase_) return text_.append(code_point, from);
    if (code_point < 0x80) {
      const bool upper = code_point >= 'A' && code_point <= 'Z';
      return text_.append(upper ? code_point + 0x20 : code_point, from);
    }
    text_.append(unicode::lowercase(code_point), from);
    // The only character whose lower case has two: İ becomes i and a dot above.
    if (code_point == 0x130) text_.append(0x307, from);
  }

 private:
  AlignedText& text_;
  bool lowercase_;
};

/// Decomposes (NFD, Unicode 9.0) and drops nonspacing marks. The reference gives origins by position,
/// after marks were put into canonical order: the first character of every decomposition takes the
/// origin of the next source character, the others that of the one before them.
class AccentStripper {
 public:
  explicit AccentStripper(Output& output) : output_(output) {}

  void put(char32_t code_point, std::uint32_t from) {
    sources_.push_back(from);
    if (code_point < 0x80) return put_part(code_point, true);
    decomposition_.clear();
    unicode::append_decomposition(decomposition_, code_point);
    bool first = true;
    for (const char32_t part : decomposition_) {
      put_part(part, first);
      first = false;
    }
  }

  /// A starter and the marks behind it are complete: order them by combining class, and hand them on.
  void flush() {
    if (pending_.size() > 1) {
      std::stable_sort(pending_.begin(), pending_.end(),
                       [](const Part& a, const Part& b) { return a.combining_class < b.combining_class; });
    }
    for (const Part& part : pending_) {
      if (part.first) origin_ = sources_[next_source_++];
      if (!unicode::is_nonspacing_mark(part.code_point)) output_.put(part.code_point, origin_);
    }
    pending_.clear();
    if (next_source_ == sources_.size()) {
      sources_.clear();
      next_source_ = 0;
    }
  }

 private:
  struct Part {
    char32_t code_point = 0;
    std::uint8_t combining_class = 0;
    bool first = false;  ///< of the decomposition of its source character
  };

  void put_part(char32_t part, bool first) {
    const std::uint8_t combining_class = part < 0x300 ? 0 : unicode::combining_class(part);
    if (combining_class == 0 && !pending_.empty()) flush();
    pending_.push_back({part, combining_class, first});
  }

  Output& output_;
  std::u32string decomposition_;
  std::vector<Part> pending_;
  std::vector<std::uint32_t> sources_;  ///< origins of source characters, taken in order
  std::size_t next_source_ = 0;
  std::uint32_t origin_ = 0;
};

bool vanishes(char32_t c) { return c < 0x80 ? c < 0x20 || c == 0x7F : unicode::is_control(c); }

bool is_space(char32_t c) {
  return c < 0x80 ? c == ' ' || (c >= '\t' && c <= '\r') : unicode::is_whitespace(c);
}

}  // namespace

AlignedText BertNormalizer::operator()(AlignedView text) const {
  AlignedText result(text);
  result.reserve(text.text.size() + text.text.size() / 8);
  Output output(result, lowercase);
  AccentStripper stripper(output);
  const auto put = [&](char32_t c, std::uint32_t from) {
    if (strip_accents) {
      stripper.put(c, from);
    } else {
      output.put(c, from);
    }
  };
  for (std::size_t offset = 0; offset < text.text.size();) {
    const std::uint32_t from = text.origin[offset];
    char32_t c = next_code_point(text.text, offset);
    if (clean_text) {
      const bool kept_control = c == '\t' || c == '\n' || c == '\r';
      if (!kept_control && vanishes(c)) continue;
      if (is_space(c)) c = ' ';
    }
    const bool spaced = handle_chinese_chars && c >= 0x3400 && unicode::is_cjk(c);
    if (spaced) put(' ', from);
    put(c, from);
    if (spaced) put(' ', from);
  }
  stripper.flush();
  return result;
}

}  // namespace attnviz::tokens
