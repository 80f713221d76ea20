// Any text as a vocab.txt, and as a vocab.json with, behind a zero byte, a merges.txt: an Error, or a model
// whose pieces lie in the word, in order, each an entry of the vocabulary.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "attnviz/error.h"
#include "attnviz/text.h"
#include "tokens/byte_pair.h"
#include "tokens/json_reader.h"
#include "tokens/vocabulary_files.h"
#include "tokens/word_piece.h"

namespace {

using namespace attnviz::tokens;

void require(bool condition) {
  if (!condition) std::abort();
}

void require_sound(const Model& model) {
  const auto splitter = model.splitter();
  for (const std::string_view word : {"ababac", "the", "x", "\u00E9\u65E5\U0001F600e\u0301", "\u0120the"}) {
    Piece previous;
    for (const Piece& piece : splitter->split(word)) {
      require(piece.entry < model.vocabulary().size());
      require(piece.begin <= piece.end && piece.end <= word.size());
      // They may overlap: the reference counts on as if bytes that it left out were not there.
      require(previous.begin <= piece.begin && previous.end <= piece.end);
      previous = piece;
    }
  }
}

void read_lines(std::string_view text) {
  WordPieceOptions options;
  options.unk_token = "[UNK]";
  require_sound(WordPiece(read_vocabulary_lines(text), std::move(options)));
}

void read_pairs(std::string vocabulary_text, std::string_view merges_text, bool byte_level) {
  JsonReader reader(vocabulary_text);
  Vocabulary vocabulary = read_vocabulary(reader);
  reader.expect_end();
  expect_distinct_ids(vocabulary);
  BytePairOptions options;
  options.byte_level = byte_level;
  require_sound(BytePair(std::move(vocabulary), read_merge_lines(merges_text), std::move(options)));
}

template <class Read>
void reading(Read&& read) {
  try {
    read();
  } catch (const attnviz::Error&) {
  } catch (const JsonError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\0');
  const std::string_view merges = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  if (attnviz::find_invalid_utf8(text) == std::string_view::npos) reading([&] { read_lines(text); });
  if (attnviz::find_invalid_utf8(merges) != std::string_view::npos) return 0;
  for (const bool byte_level : {false, true}) {
    reading([&] { read_pairs(std::string(text.substr(0, end)), merges, byte_level); });
  }
  return 0;
}
