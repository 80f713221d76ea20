/// A .model file of sentencepiece: a protocol buffer with pieces, scores and how text is normalized.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace attnviz::tokens {

/// The parts of sentencepiece's ModelProto (sentencepiece_model.proto) that make a tokenizer. Borrows the
/// bytes it was read from; every text is valid UTF-8.
struct SentencePieceFile {
  enum class Algorithm : std::uint32_t { unigram = 1, bpe = 2, word = 3, character = 4 };
  enum class Type : std::uint32_t {
    normal = 1,
    unknown = 2,
    control = 3,
    user_defined = 4,
    unused = 5,
    byte = 6
  };
  struct Piece {
    std::string_view text;
    float score = 0;
    Type type = Type::normal;
  };

  std::vector<Piece> pieces;
  Algorithm algorithm = Algorithm::unigram;
  bool byte_fallback = false;
  std::int32_t unk_id = 0, bos_id = 1, eos_id = 2;
  std::string_view unk_piece = "<unk>", bos_piece = "<s>", eos_piece = "</s>";
  std::string_view character_map;  ///< see CharacterMap; empty: none
  bool adds_prefix = true, removes_extra_spaces = true, escapes_spaces = true;
  bool marks_word_ends = false;  ///< spaces belong to the word before them
};

/// Throws Error naming the damage and its place.
[[nodiscard]] SentencePieceFile read_sentencepiece_file(std::string_view bytes);

}  // namespace attnviz::tokens
