/// Vocabularies and merges as files hold them. The results borrow the text they were read from.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "tokens/json_reader.h"
#include "tokens/unigram.h"
#include "tokens/vocabulary.h"

namespace attnviz::tokens {

/// Left and right token of a merge of byte pair encoding; their order is their rank.
using MergePair = std::pair<std::string_view, std::string_view>;

/// {"token": id, …}; of a token given twice the last id counts.
[[nodiscard]] Vocabulary read_vocabulary(JsonReader& reader);
/// [["piece", score], …]
[[nodiscard]] ScoredVocabulary read_scored_vocabulary(JsonReader& reader);
/// vocab.txt: a token a line, white space at the end dropped; the line's number, from 0, is its id.
[[nodiscard]] Vocabulary read_vocabulary_lines(std::string_view text);

/// Throws Error when two tokens share an id: which of them it then stands for is not defined.
void expect_distinct_ids(const Vocabulary& vocabulary);

/// ["a b", …] or [["a", "b"], …].
[[nodiscard]] std::vector<MergePair> read_merges(JsonReader& reader);
/// merges.txt: "a b" a line.
[[nodiscard]] std::vector<MergePair> read_merge_lines(std::string_view text);

}  // namespace attnviz::tokens
