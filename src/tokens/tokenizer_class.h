/// The class of transformers that reads a model's directory, and what it takes from there.
#pragma once

#include <string>
#include <string_view>

#include "tokens/model_directory.h"

namespace attnviz::tokens {

/// One of transformers' classes of tokenizers.
struct TokenizerClass {
  enum class Algorithm { word_piece, byte_pair, unigram, any };

  std::string_view name;
  Family family = Family::backend;
  /// What it takes of a tokenizer.json: all, or the vocabulary and the post-processor alone.
  bool keeps_file = false;
  Algorithm algorithm = Algorithm::any;
};

/// A class, and the entry that asks for it (config.json: model_type "bert"); empty where none does.
struct ChosenClass {
  const TokenizerClass& kind;
  std::string entry;
};

/// As transformers' AutoTokenizer chooses it by "tokenizer_class" in tokenizer_config.json (`settings`), the
/// same in config.json (`config`), and config.json's "model_type". `spells_bytes`: tokenizer.json has a
/// "ByteLevel" part. Throws Error naming the entry that asks for a class that is not supported.
[[nodiscard]] ChosenClass choose_tokenizer_class(const Directory& directory, const json& settings,
                                                 const json& config, bool spells_bytes);

/// The first class of a family.
[[nodiscard]] const TokenizerClass& class_of_family(Family family);

}  // namespace attnviz::tokens
