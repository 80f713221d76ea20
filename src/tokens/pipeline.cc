#include "tokens/pipeline.h"

#include <algorithm>

#include "attnviz/error.h"
#include "tokens/component.h"

namespace attnviz::tokens {
namespace {

/// Encodes one text, or its first words up to a limit of tokens (0: none). Nothing of it outlives the call,
/// so a tokenizer can be used by many threads.
class SequenceEncoder {
 public:
  SequenceEncoder(const Pipeline& pipeline, std::string_view text, std::size_t limit)
      : pipeline_(pipeline),
        text_(text),
        limit_(limit),
        growth_(text.size(), pipeline.name),
        splitter_(pipeline.model->splitter()) {}

  Encoding operator()() {
    reserve(limit_ > 0 ? std::min(limit_, text_.size()) : text_.size() / kBytesOfToken);
    std::vector<std::uint32_t> origin(text_.size());
    std::uint32_t code_point = 0;
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (i > 0 && (text_[i] & 0xC0) != 0x80) ++code_point;
      origin[i] = code_point;
    }
    const AlignedView all{text_, origin.data(), &growth_};
    for (const AddedSpan& span : pipeline_.added->find(text_, false)) {
      if (full_) break;
      const AlignedView part = all.slice(span.begin, span.end);
      if (span.token) {
        append(part.text, span.token->id, part, span.token->special);
      } else {
        add_text(part);
      }
    }
    return std::move(encoding_);
  }

 private:
  /// Fewer bytes than most tokens have, so that vectors seldom grow by copying.
  static constexpr std::size_t kBytesOfToken = 3;

  void reserve(std::size_t count) {
    encoding_.tokens.reserve(count);
    encoding_.ids.reserve(count);
    encoding_.offsets.reserve(count);
    encoding_.typed.reserve(count);
  }

  void add_text(AlignedView text) {
    std::optional<AlignedText> normalized;
    if (!pipeline_.normalizer.empty()) text = normalized.emplace(pipeline_.normalizer(text)).view();
    for (const AddedSpan& span : pipeline_.added->find(text.text, true)) {
      if (full_) break;
      const AlignedView part = text.slice(span.begin, span.end);
      if (span.token) {
        append(part.text, span.token->id, part, span.token->special);
      } else {
        add_words(part);
      }
    }
  }

  void add_words(AlignedView text) {
    pipeline_.pre_tokenizer(text, [this](AlignedView word) {
      add_word(word);
      return !full_;
    });
  }

  void add_word(AlignedView word) {
    const Vocabulary& vocabulary = pipeline_.model->vocabulary();
    for (const Piece& piece : splitter_->split(word.text)) {
      append(pipeline_.model->name(piece, word.text), vocabulary.id(piece.entry),
             word.slice(piece.begin, piece.end));
    }
    full_ = limit_ > 0 && encoding_.size() >= limit_;
  }

  void append(std::string_view token, std::uint32_t id, AlignedView from, bool typed = false) {
    expect_short(token, from.text);
    encoding_.tokens.emplace_back(token);
    encoding_.ids.push_back(id);
    encoding_.offsets.push_back({from.origin[0], from.origin[from.text.size() - 1] + 1});
    encoding_.typed.push_back(typed);
  }

  /// A token is called as it is spelled, with an affix, or by a name for what is unknown. One of a megabyte
  /// for each letter would make a file of two out of a page.
  void expect_short(std::string_view token, std::string_view text) const {
    if (token.size() <= kLongestName + 2 * text.size()) return;
    throw Error(pipeline_.name + ": its tokenizer has a token of " + std::to_string(token.size()) +
                    " bytes for " + std::to_string(text.size()) + " of text, expected at most " +
                    std::to_string(kLongestName + 2 * text.size()),
                "look for it in the vocabulary, with its prefix or suffix");
  }

  const Pipeline& pipeline_;
  std::string_view text_;
  std::size_t limit_;
  Growth growth_;
  std::unique_ptr<WordSplitter> splitter_;
  Encoding encoding_;
  bool full_ = false;
};

Encoding encode_sequence(const Pipeline& pipeline, std::string_view text, std::size_t limit) {
  if (text.size() >= UINT32_MAX) {
    throw Error("text: " + std::to_string(text.size()) + " bytes are too many, expected at most 4294967294",
                "cut it into several texts");
  }
  return SequenceEncoder(pipeline, text, limit)();
}

}  // namespace

std::optional<std::uint32_t> Pipeline::id_of(std::string_view token) const {
  if (const AddedToken* known = added->by_content(token)) return known->id;
  const Vocabulary::Entry entry = model->vocabulary().find(token);
  if (entry == Vocabulary::kAbsent) return std::nullopt;
  return model->vocabulary().id(entry);
}

std::optional<std::string_view> Pipeline::token_of(std::int64_t id) const {
  if (const AddedToken* known = added->by_id(id)) return known->content;
  const Vocabulary& vocabulary = model->vocabulary();
  for (Vocabulary::Entry entry = 0; entry < vocabulary.size(); ++entry) {
    if (vocabulary.id(entry) == id) return vocabulary.token(entry);
  }
  return std::nullopt;
}

std::size_t Pipeline::vocabulary_size() const {
  const Vocabulary& vocabulary = model->vocabulary();
  const auto& tokens = added->tokens();
  return vocabulary.size() +
         static_cast<std::size_t>(std::count_if(tokens.begin(), tokens.end(), [&](const AddedToken& token) {
           return vocabulary.find(token.content) == Vocabulary::kAbsent;
         }));
}

Encoding Pipeline::encode(std::string_view text, std::optional<std::string_view> pair,
                          const EncodeOptions& options) const {
  const std::size_t added_count = options.special_tokens ? post_processor.added_tokens(pair.has_value()) : 0;
  if (options.max_tokens > 0 && options.max_tokens < added_count) {
    throw Error("a limit of " + std::to_string(options.max_tokens) +
                " tokens: the special tokens alone are " + std::to_string(added_count));
  }
  // Which of two texts is cut first depends on all of both.
  Encoding first = encode_sequence(*this, text, pair ? 0 : options.max_tokens);
  std::optional<Encoding> second;
  if (pair) second = encode_sequence(*this, *pair, 0);
  if (options.max_tokens > 0) {
    const auto [first_length, second_length] =
        longest_first({first.size(), second ? second->size() : 0}, options.max_tokens - added_count);
    cut(first, pair ? first_length : options.max_tokens - added_count);
    if (second) cut(*second, second_length);
  }
  return post_processor(std::move(first), std::move(second), options.special_tokens);
}

}  // namespace attnviz::tokens
