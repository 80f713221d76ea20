#include "tokens/words.h"

#include <algorithm>

namespace attnviz {
namespace tokens {
namespace {

bool is_alone(const Encoding& encoding, std::size_t token) {
  return encoding.sequence[token] < 0 || encoding.typed[token];
}

/// Puts tokens into words, one after the other.
class WordMaker {
 public:
  explicit WordMaker(const EncodedText& text) : text_(text), encoding_(text.encoding()) {}

  void add(std::size_t token) {
    const Range range = text_.trimmed(token);
    const bool joined = token > 0 && joins(token, range);
    if (joined) {
      ++words_.back().count;
    } else {
      words_.push_back({token, 1});
      seen_ = range;
      line_end_ = false;
    }
    if (!range.empty()) seen_ = seen_.empty() ? range : Range{seen_.begin, std::max(seen_.end, range.end)};
    const auto& [begin, end] = encoding_.offsets[token];
    line_end_ = line_end_ || (range.empty() && text_.characters(token).has_line_end({begin, end}));
    end_ = joined ? std::max(end_, end) : end;
  }

  std::vector<TokenGroup> take() { return std::move(words_); }

 private:
  /// Whether the token belongs to the last word.
  [[nodiscard]] bool joins(std::size_t token, Range range) const {
    if (is_alone(encoding_, token) || is_alone(encoding_, token - 1) ||
        encoding_.sequence[token] != encoding_.sequence[token - 1]) {
      return false;
    }
    if (continues(token)) return true;
    if (range.empty()) {
      const auto& [begin, end] = encoding_.offsets[token];
      if (!seen_.empty()) return false;
      return (begin < end && begin < end_) ||
             (!line_end_ && !text_.characters(token).has_line_end({begin, end}));
    }
    if (seen_.empty()) return !line_end_;
    return range.begin < seen_.end || !text_.characters(token).part(seen_.end, range.begin);
  }

  /// A ## that the text has not is WordPiece's mark of a continuation.
  [[nodiscard]] bool continues(std::size_t token) const {
    const std::uint32_t begin = encoding_.offsets[token][0];
    return encoding_.tokens[token].starts_with("##") &&
           text_.characters(token).slice({begin, begin + 1}) != "#";
  }

  const EncodedText& text_;
  const Encoding& encoding_;
  std::vector<TokenGroup> words_;
  Range seen_;             ///< the last word's characters; empty while they are white space
  std::uint32_t end_ = 0;  ///< of all its characters
  bool line_end_ = false;  ///< of white space: a line ends in it
};

/// A word's characters; where it has none to be seen, its tokens' labels.
TokenLabel word_label(const EncodedText& text, const TokenGroup& group, std::span<const TokenLabel> labels) {
  const std::string_view characters = text.characters(group.first).slice(text.trimmed(group));
  if (!characters.empty()) return {"", visible(characters)};
  TokenLabel label;
  for (const TokenLabel& part : labels.subspan(group.first, group.count)) label.text += part.whole();
  return label;
}

}  // namespace

Range EncodedText::trimmed(const TokenGroup& group) const {
  Range all;
  for (std::size_t token = group.first; token < group.first + group.count; ++token) {
    const Range range = trimmed(token);
    if (range.empty()) continue;
    all = all.empty() ? range : Range{std::min(all.begin, range.begin), std::max(all.end, range.end)};
  }
  return all;
}

std::vector<TokenGroup> words(const EncodedText& text) {
  WordMaker maker(text);
  for (std::size_t token = 0; token < text.encoding().size(); ++token) maker.add(token);
  return maker.take();
}

}  // namespace tokens

std::vector<TokenGroup> words(const Encoding& encoding, std::string_view text,
                              std::optional<std::string_view> pair) {
  return tokens::words(tokens::EncodedText(encoding, text, pair));
}

std::vector<TokenLabel> group_labels(const Encoding& encoding, std::span<const TokenLabel> labels,
                                     std::span<const TokenGroup> groups, std::string_view text,
                                     std::optional<std::string_view> pair) {
  const tokens::EncodedText encoded(encoding, text, pair);
  std::vector<TokenLabel> shown;
  shown.reserve(groups.size());
  for (const TokenGroup& group : groups) {
    shown.push_back(group.count == 1 ? labels[group.first] : tokens::word_label(encoded, group, labels));
  }
  return shown;
}

}  // namespace attnviz
