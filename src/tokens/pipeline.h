/// All that a tokenizer is made of, and how a text goes through it.
#pragma once

#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/tokens.h"
#include "tokens/added_tokens.h"
#include "tokens/model.h"
#include "tokens/normalizer.h"
#include "tokens/post_processor.h"
#include "tokens/pre_tokenizer.h"

namespace attnviz::tokens {

struct Pipeline {
  std::string name = "tokenizer";  ///< begins errors about texts
  std::list<std::string> sources;  ///< the bytes that the vocabulary borrows
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::unique_ptr<Model> model;
  std::optional<AddedVocabulary> added;
  PostProcessor post_processor;
  std::int64_t padding_id = 0;
  std::vector<std::string> files;
  std::unique_ptr<Pipeline> target;  ///< for texts that the model is to write; null: the same

  [[nodiscard]] Encoding encode(std::string_view text, std::optional<std::string_view> pair,
                                const EncodeOptions& options) const;
  /// Of a token of the vocabulary or an added one.
  [[nodiscard]] std::optional<std::uint32_t> id_of(std::string_view token) const;
  [[nodiscard]] std::optional<std::string_view> token_of(std::int64_t id) const;
  [[nodiscard]] std::size_t vocabulary_size() const;
  [[nodiscard]] TokenLabel label(std::string_view token, std::int64_t id, bool special) const;
};

/// Reads the text of a tokenizer.json (tokenizers 0.23). Throws Error that starts with `name`.
[[nodiscard]] Pipeline read_tokenizer_json(std::string text, const std::string& name);

/// Reads what there is in a model's directory: tokenizer.json, else vocab.txt, or vocab.json and
/// merges.txt, or a .model of sentencepiece, as transformers 5.24 reads them. Throws Error naming the file.
[[nodiscard]] Pipeline read_directory(const std::filesystem::path& directory);

}  // namespace attnviz::tokens
