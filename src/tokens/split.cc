#include "tokens/split.h"

#include <algorithm>

#include "attnviz/text.h"
#include "tokens/unicode.h"

namespace attnviz::tokens {
namespace {

/// The reference looks at the spans one by one, those to be merged with the next from the end.
std::vector<WordSpan> merge(const std::vector<SplitSpan>& spans, SplitBehavior behavior) {
  std::vector<WordSpan> words;
  bool previous_matched = false;
  for (const SplitSpan& span : spans) {
    const bool joins = behavior == SplitBehavior::contiguous ? span.matches == previous_matched
                                                             : span.matches && !previous_matched;
    if (joins && !words.empty()) {
      words.back() = {std::min(words.back().begin, span.begin), std::max(words.back().end, span.end)};
    } else {
      words.push_back({span.begin, span.end});
    }
    previous_matched = span.matches;
  }
  return words;
}

bool take_all(AlignedView text, const std::vector<WordSpan>& words, const TakeWord& take) {
  return std::all_of(words.begin(), words.end(),
                     [&](const WordSpan& word) { return take(text.slice(word.begin, word.end)); });
}

std::vector<SplitSpan> spans_of(const std::vector<Regex::Match>& matches, std::size_t size, bool invert) {
  std::vector<SplitSpan> spans;
  std::size_t done = 0;
  for (const Regex::Match& match : matches) {
    if (done < match.begin) spans.push_back({done, match.begin, invert});
    spans.push_back({match.begin, match.end, !invert});
    done = match.end;
  }
  if (done < size) spans.push_back({done, size, invert});
  return spans;
}

template <class Matches>
std::vector<SplitSpan> spans_of_characters(std::string_view text, Matches&& matches) {
  std::vector<SplitSpan> spans;
  for (std::size_t offset = 0; offset < text.size();) {
    const std::size_t begin = offset;
    const bool found = matches(next_code_point(text, offset));
    if (!found && !spans.empty() && !spans.back().matches) {
      spans.back().end = offset;
    } else {
      spans.push_back({begin, offset, found});
    }
  }
  return spans;
}

}  // namespace

std::vector<WordSpan> split_words(const std::vector<SplitSpan>& spans, SplitBehavior behavior) {
  if (behavior == SplitBehavior::merged_with_next) {
    std::vector<WordSpan> words = merge({spans.rbegin(), spans.rend()}, behavior);
    std::reverse(words.begin(), words.end());
    return words;
  }
  if (behavior == SplitBehavior::merged_with_previous || behavior == SplitBehavior::contiguous) {
    return merge(spans, behavior);
  }
  std::vector<WordSpan> words;
  for (const SplitSpan& span : spans) {
    if (behavior != SplitBehavior::removed || !span.matches) words.push_back({span.begin, span.end});
  }
  return words;
}

bool Split::operator()(AlignedView text, const TakeWord& take) const {
  const std::vector<SplitSpan> spans = spans_of(pattern.find_all(text.text), text.text.size(), invert);
  return take_all(text, split_words(spans, behavior), take);
}

bool SplitAtCharacters::operator()(AlignedView text, const TakeWord& take) const {
  return take_all(text, split_words(spans_of_characters(text.text, matches), behavior), take);
}

bool split_whitespace(AlignedView text, const TakeWord& take) {
  enum class Kind { space, word, other };
  const auto kind_of = [](char32_t c) {
    if (unicode::is_whitespace(c)) return Kind::space;
    return unicode::is_word(c) ? Kind::word : Kind::other;
  };
  Kind kind = Kind::space;
  std::size_t begin = 0;
  for (std::size_t offset = 0; offset < text.text.size();) {
    const std::size_t start = offset;
    const Kind next = kind_of(next_code_point(text.text, offset));
    if (next == kind) continue;
    if (kind != Kind::space && !take(text.slice(begin, start))) return false;
    kind = next;
    begin = start;
  }
  return kind == Kind::space || take(text.slice(begin, text.text.size()));
}

bool Metaspace::operator()(AlignedView text, const TakeWord& take) const {
  AlignedText written(text);
  written.reserve(text.text.size() + text.text.size() / 2);
  const bool prepends = prepend == Prepend::always || (prepend == Prepend::first && text.origin[0] == 0);
  std::size_t offset = 0;
  const char32_t first = next_code_point(text.text, offset);
  if (prepends && first != U' ' && first != replacement) written.append(replacement, text.origin[0]);
  for (offset = 0; offset < text.text.size();) {
    const std::uint32_t from = text.origin[offset];
    const char32_t c = next_code_point(text.text, offset);
    written.append(c == U' ' ? replacement : c, from);
  }
  const AlignedView view = written.view();
  if (!split) return take(view);
  const auto spans = spans_of_characters(view.text, [this](char32_t c) { return c == replacement; });
  return take_all(view, split_words(spans, SplitBehavior::merged_with_next), take);
}

}  // namespace attnviz::tokens
