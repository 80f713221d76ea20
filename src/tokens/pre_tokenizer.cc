#include "tokens/pre_tokenizer.h"

#include <array>

#include "attnviz/text.h"
#include "tokens/unicode.h"

namespace attnviz::tokens {
namespace {

enum class Kind : unsigned char { other, space, letter, number, punctuation };

constexpr bool is_ascii_letter(char32_t c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
constexpr bool is_ascii_number(char32_t c) { return c >= '0' && c <= '9'; }
constexpr bool is_ascii_space(char32_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

Kind bert_kind(char32_t c) {
  if (c < 0x80) {
    if (is_ascii_letter(c) || is_ascii_number(c)) return Kind::other;
    if (is_ascii_space(c)) return Kind::space;
    return c > ' ' && c < 0x7F ? Kind::punctuation : Kind::other;
  }
  if (unicode::is_whitespace(c)) return Kind::space;
  return unicode::is_punctuation(c) ? Kind::punctuation : Kind::other;
}

Kind gpt2_kind(char32_t c) {
  if (c < 0x80) {
    if (is_ascii_letter(c)) return Kind::letter;
    if (is_ascii_space(c)) return Kind::space;
    return is_ascii_number(c) ? Kind::number : Kind::other;
  }
  if (unicode::is_letter(c)) return Kind::letter;
  if (unicode::is_number(c)) return Kind::number;
  return unicode::is_whitespace(c) ? Kind::space : Kind::other;
}

/// Where the run of characters of one kind that starts at `offset` ends, and where its last one begins.
struct Run {
  std::size_t last = 0, end = 0;
};

Run run_of(Kind kind, std::string_view text, std::size_t offset) {
  Run run{offset, offset};
  while (offset < text.size()) {
    const std::size_t begin = offset;
    if (gpt2_kind(next_code_point(text, offset)) != kind) break;
    run = {begin, offset};
  }
  return run;
}

std::size_t contraction_length(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kContractions = {"'s", "'t",  "'re", "'ve",
                                                                    "'m", "'ll", "'d"};
  for (const std::string_view contraction : kContractions) {
    if (text.substr(0, contraction.size()) == contraction) return contraction.size();
  }
  return 0;
}

template <WordSpan (*next_word)(std::string_view, std::size_t)>
bool each_word(AlignedView text, const TakeWord& take) {
  for (std::size_t offset = 0; offset < text.text.size();) {
    const WordSpan word = next_word(text.text, offset);
    offset = word.end;
    if (word.begin < word.end && !take(text.slice(word.begin, word.end))) return false;
  }
  return true;
}

/// Runs the steps from number `step` on.
bool run_steps(const std::vector<PreTokenizerStep>& steps, std::size_t step, AlignedView text,
               const TakeWord& take) {
  if (step == steps.size()) return take(text);
  if (step + 1 == steps.size()) return steps[step](text, take);
  return steps[step](text, [&](AlignedView word) { return run_steps(steps, step + 1, word, take); });
}

}  // namespace

bool PreTokenizer::operator()(AlignedView text, const TakeWord& take) const {
  return run_steps(steps, 0, text, take);
}

WordSpan next_bert_word(std::string_view text, std::size_t offset) {
  std::size_t begin = offset;
  while (offset < text.size()) {
    const std::size_t start = offset;
    const Kind kind = bert_kind(next_code_point(text, offset));
    if (kind == Kind::other) continue;
    if (start > begin) return {begin, start};
    if (kind == Kind::punctuation) return {start, offset};
    begin = offset;
  }
  return {begin, offset};
}

WordSpan next_gpt2_word(std::string_view text, std::size_t offset) {
  if (text[offset] == '\'') {
    const std::size_t length = contraction_length(text.substr(offset));
    if (length > 0) return {offset, offset + length};
  }
  std::size_t next = offset;
  Kind kind = gpt2_kind(next_code_point(text, next));
  if (text[offset] == ' ' && next < text.size()) {
    std::size_t behind = next;
    const Kind following = gpt2_kind(next_code_point(text, behind));
    if (following != Kind::space) return {offset, run_of(following, text, next).end};
  }
  const Run run = run_of(kind, text, offset);
  // A run of spaces before something else leaves its last one to what follows.
  const bool leaves_last = kind == Kind::space && run.end < text.size() && run.last > offset;
  return {offset, leaves_last ? run.last : run.end};
}

PreTokenizerStep bert_words() { return each_word<next_bert_word>; }
PreTokenizerStep gpt2_words() { return each_word<next_gpt2_word>; }

PreTokenizerStep prefix_space() {
  return [](AlignedView text, const TakeWord& take) {
    if (text.text.front() == ' ') return take(text);
    AlignedText prefixed(text);
    prefixed.append(U' ', text.origin[0]);
    prefixed.append(text);
    return take(prefixed.view());
  };
}

}  // namespace attnviz::tokens
