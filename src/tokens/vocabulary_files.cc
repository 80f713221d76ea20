#include "tokens/vocabulary_files.h"

#include <algorithm>

#include "attnviz/error.h"
#include "attnviz/text.h"
#include "tokens/unicode.h"

namespace attnviz::tokens {
namespace {

/// Calls `take` with every line, without its end.
template <class Take>
void for_each_line(std::string_view text, Take&& take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (end < text.size() && line.ends_with('\r')) line.remove_suffix(1);
    take(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string_view without_trailing_space(std::string_view line) {
  while (!line.empty()) {
    std::size_t last = line.size() - 1;
    while ((line[last] & 0xC0) == 0x80) --last;
    std::size_t offset = last;
    if (!unicode::is_whitespace(next_code_point(line, offset))) break;
    line = line.substr(0, last);
  }
  return line;
}

/// Appends the pair that "a b" writes, unless the line is the file's version.
void append_merge(std::vector<MergePair>& merges, std::string_view line) {
  if (line.starts_with("#version")) return;
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
    throw Error("merge " + std::to_string(merges.size() + 1) + ": \"" + visible(line) +
                "\" is not two tokens with a space between them");
  }
  merges.emplace_back(line.substr(0, space), line.substr(space + 1));
}

std::string_view next_string(JsonReader& reader) {
  if (!reader.next_element()) throw JsonError("expected two strings", reader.offset());
  return reader.string();
}

}  // namespace

Vocabulary read_vocabulary(JsonReader& reader) {
  Vocabulary vocabulary;
  reader.enter_object();
  while (const auto token = reader.next_key()) vocabulary.insert(*token, reader.unsigned_number());
  return vocabulary;
}

ScoredVocabulary read_scored_vocabulary(JsonReader& reader) {
  ScoredVocabulary vocabulary;
  reader.enter_array();
  while (reader.next_element()) {
    reader.enter_array();
    if (!reader.next_element()) throw JsonError("expected a piece and its score", reader.offset());
    const std::string_view piece = reader.string();
    if (!reader.next_element()) throw JsonError("expected a piece and its score", reader.offset());
    vocabulary.append(piece, reader.number());
    if (reader.next_element()) throw JsonError("expected a piece and its score", reader.offset());
  }
  return vocabulary;
}

Vocabulary read_vocabulary_lines(std::string_view text) {
  Vocabulary vocabulary;
  std::uint32_t line_number = 0;
  for_each_line(text, [&](std::string_view line) {
    vocabulary.insert(without_trailing_space(line), line_number);
    ++line_number;
  });
  return vocabulary;
}

void expect_distinct_ids(const Vocabulary& vocabulary) {
  std::vector<std::uint32_t> ids(vocabulary.size());
  for (Vocabulary::Entry entry = 0; entry < ids.size(); ++entry) ids[entry] = vocabulary.id(entry);
  if (!std::is_sorted(ids.begin(), ids.end())) std::sort(ids.begin(), ids.end());
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice != ids.end()) throw Error("two tokens have the id " + std::to_string(*twice));
}

std::vector<MergePair> read_merges(JsonReader& reader) {
  std::vector<MergePair> merges;
  reader.enter_array();
  bool pairs = false;
  for (bool first = true; reader.next_element(); first = false) {
    if (first) pairs = reader.peek() == '[';
    if (!pairs) {
      append_merge(merges, reader.string());
      continue;
    }
    reader.enter_array();
    const std::string_view left = next_string(reader);
    const std::string_view right = next_string(reader);
    if (reader.next_element()) throw JsonError("expected two strings", reader.offset());
    merges.emplace_back(left, right);
  }
  return merges;
}

std::vector<MergePair> read_merge_lines(std::string_view text) {
  std::vector<MergePair> merges;
  for_each_line(text, [&](std::string_view line) { append_merge(merges, line); });
  return merges;
}

}  // namespace attnviz::tokens
