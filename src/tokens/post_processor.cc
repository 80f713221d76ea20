#include "tokens/post_processor.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "attnviz/text.h"
#include "tokens/unicode.h"

namespace attnviz::tokens {
namespace {

bool is_written_space(char32_t c) { return c == U'Ġ' || unicode::is_whitespace(c); }

/// Written spaces at the start and at the end of a token; both count all when there is nothing else.
std::array<std::uint32_t, 2> spaces_around(std::string_view token) {
  std::uint32_t leading = 0, trailing = 0, all = 0;
  for (std::size_t offset = 0; offset < token.size(); ++all) {
    const bool space = is_written_space(next_code_point(token, offset));
    if (space && leading == all) ++leading;
    trailing = space ? trailing + 1 : 0;
  }
  return {leading, trailing};
}

void trim_offsets(Encoding& encoding, bool added_prefix_space) {
  for (std::size_t i = 0; i < encoding.size(); ++i) {
    auto& [begin, end] = encoding.offsets[i];
    auto [leading, trailing] = spaces_around(encoding.tokens[i]);
    if (leading > 0) {
      // One space at the very start is taken for the one that was added: no character of the text.
      if ((i == 0 || begin == 0) && added_prefix_space && leading == 1) leading = 0;
      begin = std::min(begin + leading, end);
    }
    if (trailing > 0 && end >= trailing) end = std::max(end - trailing, begin);
  }
}

/// Appends, moving whichever of the two is shorter.
template <class T>
void move_to(std::vector<T>& target, std::vector<T>& source) {
  if (target.size() < source.size()) {
    source.insert(source.begin(), std::make_move_iterator(target.begin()),
                  std::make_move_iterator(target.end()));
    target = std::move(source);
  } else {
    target.insert(target.end(), std::make_move_iterator(source.begin()),
                  std::make_move_iterator(source.end()));
  }
}

void append_sequence(Encoding& result, Encoding& sequence, int number, std::uint32_t type) {
  const std::size_t size = result.size() + sequence.size();
  move_to(result.tokens, sequence.tokens);
  move_to(result.ids, sequence.ids);
  move_to(result.offsets, sequence.offsets);
  move_to(result.typed, sequence.typed);
  result.types.resize(size, type);
  result.special.resize(size, 0);
  result.sequence.resize(size, static_cast<std::int8_t>(number));
}

void append_special(Encoding& result, const SpecialToken& token, std::uint32_t type) {
  result.tokens.push_back(token.content);
  result.ids.push_back(token.id);
  result.offsets.push_back({0, 0});
  result.types.push_back(type);
  result.special.push_back(1);
  result.typed.push_back(0);
  result.sequence.push_back(-1);
}

}  // namespace

std::size_t PostProcessor::added_tokens(bool is_pair) const {
  std::size_t count = 0;
  for (const TemplatePiece& piece : is_pair ? pair : single) count += piece.tokens.size();
  return count;
}

Encoding PostProcessor::operator()(Encoding first, std::optional<Encoding> second,
                                   bool special_tokens) const {
  std::array<Encoding*, 2> sequences = {&first, second ? &*second : nullptr};
  for (const bool added_prefix_space : trims) {
    for (Encoding* sequence : sequences) {
      if (sequence) trim_offsets(*sequence, added_prefix_space);
    }
  }
  Encoding result;
  for (const TemplatePiece& piece : second ? pair : single) {
    if (piece.sequence) {
      append_sequence(result, *sequences[static_cast<std::size_t>(*piece.sequence)], *piece.sequence,
                      piece.type);
    } else if (special_tokens) {
      for (const SpecialToken& token : piece.tokens) append_special(result, token, piece.type);
    }
  }
  return result;
}

PostProcessor bert_post_processor(const SpecialToken& cls, const SpecialToken& sep) {
  const TemplatePiece begin = {{}, {cls}, 0}, end = {{}, {sep}, 0}, first = {0, {}, 0}, second = {1, {}, 1};
  return {{}, {begin, first, end}, {begin, first, end, second, {{}, {sep}, 1}}};
}

PostProcessor roberta_post_processor(const SpecialToken& cls, const SpecialToken& sep) {
  const TemplatePiece begin = {{}, {cls}, 0}, end = {{}, {sep}, 0}, first = {0, {}, 0}, second = {1, {}, 0};
  return {{}, {begin, first, end}, {begin, first, end, end, second, end}};
}

std::array<std::size_t, 2> longest_first(std::array<std::size_t, 2> lengths, std::size_t limit) {
  if (lengths[0] + lengths[1] <= limit) return lengths;
  const bool swapped = lengths[0] > lengths[1];
  if (swapped) std::swap(lengths[0], lengths[1]);
  auto& [shorter, longer] = lengths;
  longer = shorter > limit ? shorter : std::max(shorter, limit - shorter);
  if (shorter + longer > limit) {
    shorter = limit / 2;
    longer = shorter + limit % 2;
  }
  if (swapped) std::swap(shorter, longer);
  return lengths;
}

void cut(Encoding& encoding, std::size_t length) {
  if (length >= encoding.size()) return;
  encoding.tokens.resize(length);
  encoding.ids.resize(length);
  encoding.offsets.resize(length);
  encoding.typed.resize(length);
}

}  // namespace attnviz::tokens
