/// What becomes of one or two token sequences at the end: cut, trimmed, and set among special tokens.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attnviz/tokens.h"

namespace attnviz::tokens {

/// A token that a template adds.
struct SpecialToken {
  std::string content;
  std::uint32_t id = 0;
};

/// A place in a template: sequence 0 or 1, or special tokens.
struct TemplatePiece {
  std::optional<int> sequence;
  std::vector<SpecialToken> tokens;
  std::uint32_t type = 0;
};

/// tokenizer.json's post-processors "TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel",
/// and a "Sequence" of "ByteLevel" and one other, as one: trim, then fill a template.
struct PostProcessor {
  /// Offsets leave out spaces, once for each entry; true where a prefix space was added to the text.
  std::vector<bool> trims;
  std::vector<TemplatePiece> single = {{0, {}, 0}};
  std::vector<TemplatePiece> pair = {{0, {}, 0}, {1, {}, 1}};

  /// How many special tokens it adds.
  [[nodiscard]] std::size_t added_tokens(bool is_pair) const;

  /// Sequences have no types, special marks or sequence numbers yet.
  [[nodiscard]] Encoding operator()(Encoding first, std::optional<Encoding> second,
                                    bool special_tokens) const;
};

/// [CLS] A [SEP], and [CLS] A [SEP] B [SEP] with B and its [SEP] of type 1.
[[nodiscard]] PostProcessor bert_post_processor(const SpecialToken& cls, const SpecialToken& sep);
/// <s> A </s>, and <s> A </s> </s> B </s>; every type is 0.
[[nodiscard]] PostProcessor roberta_post_processor(const SpecialToken& cls, const SpecialToken& sep);

/// The lengths that two sequences keep of `limit` tokens together: the longer is cut first.
[[nodiscard]] std::array<std::size_t, 2> longest_first(std::array<std::size_t, 2> lengths, std::size_t limit);

/// Keeps the first `length` tokens.
void cut(Encoding& encoding, std::size_t length);

}  // namespace attnviz::tokens
