/// Reads tokenizer.json's "model": its large parts without a tree, the rest as one.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tokens/component.h"
#include "tokens/json_reader.h"
#include "tokens/model.h"
#include "tokens/unigram.h"
#include "tokens/vocabulary_files.h"

namespace attnviz::tokens {

struct ModelSection {
  json settings = json::object();
  std::optional<Vocabulary> vocabulary;
  std::optional<ScoredVocabulary> scored_vocabulary;
  std::optional<std::vector<MergePair>> merges;
};

/// The next value as a tree.
[[nodiscard]] json read_tree(JsonReader& reader);
[[nodiscard]] ModelSection read_model_section(JsonReader& reader);

/// The model of a section, which is left empty. Throws Error for what is not supported.
[[nodiscard]] std::unique_ptr<Model> build_model(ModelSection section, bool byte_level);

}  // namespace attnviz::tokens
