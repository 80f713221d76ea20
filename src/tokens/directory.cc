#include "attnviz/error.h"
#include "tokens/class_pipeline.h"
#include "tokens/marian.h"
#include "tokens/model_directory.h"
#include "tokens/sentencepiece_directory.h"
#include "tokens/vocabulary_files.h"

namespace attnviz::tokens {
namespace {

namespace fs = std::filesystem;

std::string checked_text(Directory& directory, const char* name) {
  std::string text = directory.read(name);
  const std::size_t bad = find_invalid_utf8(text);
  if (bad != std::string::npos) {
    throw Error(directory.full(name) + ": not UTF-8 at byte " + std::to_string(bad),
                "expected text, a token a line");
  }
  return text;
}

/// vocab.txt as the model of a tokenizer.json.
void read_words(Directory& directory, ModelSection& model, std::list<std::string>& sources) {
  model.vocabulary = read_vocabulary_lines(sources.emplace_back(checked_text(directory, "vocab.txt")));
}

/// vocab.json and merges.txt.
void read_pairs(Directory& directory, ModelSection& model, std::list<std::string>& sources) {
  for (const char* name : {"vocab.json", "merges.txt"}) {
    if (!directory.has(name)) throw Error(directory.full(name) + ": no such file");
  }
  std::string& vocabulary_text = sources.emplace_back(directory.read("vocab.json"));
  reading(directory, "vocab.json", [&] {
    JsonReader reader(vocabulary_text);
    model.vocabulary = read_vocabulary(reader);
    reader.expect_end();
    expect_distinct_ids(*model.vocabulary);
  });
  const std::string& merges_text = sources.emplace_back(checked_text(directory, "merges.txt"));
  model.merges = reading(directory, "merges.txt", [&] { return read_merge_lines(merges_text); });
}

/// What the files of a directory that names no class look like.
const TokenizerClass& class_of_files(Directory& directory) {
  if (directory.has("vocab.txt")) return class_of_family(Family::bert);
  std::string text = directory.read("vocab.json");
  const Vocabulary vocabulary = reading(directory, "vocab.json", [&] {
    JsonReader reader(text);
    return read_vocabulary(reader);
  });
  const bool has_sentence_marks =
      vocabulary.find("<s>") != Vocabulary::kAbsent && vocabulary.find("</s>") != Vocabulary::kAbsent;
  return class_of_family(has_sentence_marks ? Family::roberta : Family::gpt2);
}

Pipeline read_vocabulary_files(Directory& directory, const ChosenClass& choice, const TokenFiles& files) {
  const TokenizerClass& chosen = choice.kind;
  using Algorithm = TokenizerClass::Algorithm;
  if (chosen.family == Family::marian) return read_marian_directory(directory, files);
  const bool has_words = directory.has("vocab.txt") || directory.has("vocab.json");
  const bool is_bare = chosen.family == Family::backend && directory.has("tokenizer.model");
  const Family family = is_bare ? Family::sentencepiece : chosen.family;
  if (sentencepiece_file_name(family)) return read_sentencepiece_directory(directory, files, family);
  if (!has_words) {
    throw Error(
        directory.path().string() + ": has no tokenizer",
        "expected tokenizer.json, or vocab.txt, or vocab.json and merges.txt, or a .model of sentencepiece");
  }
  const TokenizerClass& kind = chosen.family == Family::backend ? class_of_files(directory) : chosen;
  // Qwen3.5's class reads no other files; the models of sentencepiece that are known are above.
  if (kind.algorithm == Algorithm::unigram || kind.family == Family::qwen3_5) {
    throw Error(choice.entry + " is not supported without a tokenizer.json",
                "save the tokenizer with transformers' save_pretrained, which writes one");
  }
  std::list<std::string> sources;
  Sections sections;
  if (kind.algorithm == Algorithm::word_piece) {
    if (!directory.has("vocab.txt")) throw Error(directory.full("vocab.txt") + ": no such file");
    read_words(directory, sections.model, sources);
  } else {
    read_pairs(directory, sections.model, sources);
  }
  Pipeline pipeline = build_class_pipeline(directory, kind, files, std::move(sections));
  pipeline.sources = std::move(sources);
  return pipeline;
}

Pipeline read_file(Directory& directory, const TokenizerClass& kind, TokenFiles files, std::string text) {
  std::list<std::string> sources;
  sources.push_back(std::move(text));
  Sections sections = reading_tokenizer_json(directory.full("tokenizer.json"),
                                             [&] { return read_sections(sources.back()); });
  const json none = json::array();
  const json* listed = sections.find("added_tokens");
  const json added = listed ? *listed : none;
  files.listed = &added;
  if (const json* padding = sections.find("padding")) {
    files.padding = Component(*padding, directory.full("tokenizer.json") + ": padding").text("pad_token");
  }
  Pipeline pipeline = build_class_pipeline(directory, kind, files, std::move(sections));
  pipeline.sources = std::move(sources);
  return pipeline;
}

}  // namespace

Pipeline read_directory(const fs::path& path) {
  Directory directory(path);
  const TokenFiles files = read_token_files(directory);
  const json config = directory.read_json("config.json");
  const bool has_file = directory.has("tokenizer.json");
  std::string text = has_file ? directory.read("tokenizer.json") : std::string();
  const bool spells_bytes = text.find("\"ByteLevel\"") != std::string::npos;
  const ChosenClass chosen =
      choose_tokenizer_class(directory, files.settings.object(), config, spells_bytes);
  Pipeline pipeline = has_file && chosen.kind.family != Family::marian
                          ? read_file(directory, chosen.kind, files, std::move(text))
                          : read_vocabulary_files(directory, chosen, files);
  pipeline.files = directory.files();
  pipeline.name = path.string();
  if (pipeline.target) pipeline.target->name = pipeline.name;
  return pipeline;
}

}  // namespace attnviz::tokens
