#include "tokens/read_model.h"

#include <utility>

#include "attnviz/error.h"
#include "tokens/byte_pair.h"
#include "tokens/word_level.h"
#include "tokens/word_piece.h"

namespace attnviz::tokens {
namespace {

Vocabulary take_vocabulary(const Component& model, ModelSection& section) {
  if (!section.vocabulary) throw Error(model.name() + ": lacks \"vocab\"");
  return std::move(*section.vocabulary);
}

std::unique_ptr<Model> read_byte_pair(const Component& model, ModelSection& section, bool byte_level) {
  if (model.has("dropout") && !(model.value("dropout").is_number() && model.value("dropout") == 0)) {
    throw Error(model.name() + ": \"dropout\" is not supported", "tokens would differ from run to run");
  }
  Vocabulary vocabulary = take_vocabulary(model, section);
  if (!section.merges) throw Error(model.name() + ": lacks \"merges\"");
  expect_distinct_ids(vocabulary);
  BytePairOptions options;
  if (model.has("unk_token")) options.unk_token = model.short_text("unk_token");
  for (const auto& [key, affix] : {std::pair("continuing_subword_prefix", &options.continuing_subword_prefix),
                                   std::pair("end_of_word_suffix", &options.end_of_word_suffix)}) {
    if (model.has(key)) *affix = model.short_text(key);
  }
  options.byte_fallback = model.flag("byte_fallback", false);
  options.fuse_unk = model.flag("fuse_unk", false);
  options.ignore_merges = model.flag("ignore_merges", false);
  options.byte_level = byte_level;
  return std::make_unique<BytePair>(std::move(vocabulary), *section.merges, std::move(options));
}

std::unique_ptr<Model> read_word_piece(const Component& model, ModelSection& section) {
  Vocabulary vocabulary = take_vocabulary(model, section);
  WordPieceOptions options;
  options.unk_token = model.short_text("unk_token");
  options.continuing_subword_prefix = model.short_text("continuing_subword_prefix");
  const json& longest = model.value("max_input_chars_per_word");
  if (!longest.is_number_unsigned()) throw model.wrong("max_input_chars_per_word", "a whole number");
  options.max_input_chars_per_word = longest.get<std::size_t>();
  return std::make_unique<WordPiece>(std::move(vocabulary), std::move(options));
}

std::unique_ptr<Model> read_unigram(const Component& model, ModelSection& section) {
  if (!section.scored_vocabulary)
    throw Error(model.name() + ": lacks \"vocab\", a list of pieces and scores");
  UnigramOptions options;
  if (model.has("unk_id")) options.unk_id = model.number("unk_id");
  options.byte_fallback = model.flag("byte_fallback", false);
  return std::make_unique<Unigram>(std::move(*section.scored_vocabulary), options);
}

}  // namespace

json read_tree(JsonReader& reader) {
  (void)reader.peek();
  const std::size_t begin = reader.offset();
  try {
    return json::parse(reader.raw_value());
  } catch (const json::parse_error& error) {
    throw JsonError("not a JSON value", begin + error.byte - 1);
  } catch (const json::out_of_range&) {
    throw JsonError("a number that no double holds", begin);
  }
}

ModelSection read_model_section(JsonReader& reader) {
  ModelSection section;
  reader.enter_object();
  while (const auto key = reader.next_key()) {
    if (*key == "vocab" && reader.peek() == '{') {
      section.vocabulary = read_vocabulary(reader);
    } else if (*key == "vocab" && reader.peek() == '[') {
      section.scored_vocabulary = read_scored_vocabulary(reader);
    } else if (*key == "merges" && reader.peek() == '[') {
      section.merges = read_merges(reader);
    } else {
      const std::string name(*key);
      section.settings[name] = read_tree(reader);
    }
  }
  return section;
}

std::unique_ptr<Model> build_model(ModelSection section, bool byte_level) {
  const Component model(section.settings, "model");
  // Files of early versions do not name the type: merges tell.
  const char* untyped = section.merges ? "BPE" : section.scored_vocabulary ? "Unigram" : "WordPiece";
  const std::string type = model.type().empty() ? untyped : model.type();
  if (type == "BPE") return read_byte_pair(model, section, byte_level);
  if (type != "Unigram" && type != "WordLevel" && type != "WordPiece") {
    throw model.unsupported("BPE, Unigram, WordLevel, WordPiece");
  }
  if (byte_level) throw Error("pre_tokenizer \"ByteLevel\" with model \"" + type + "\" is not supported");
  if (type == "Unigram") return read_unigram(model, section);
  if (type == "WordPiece") return read_word_piece(model, section);
  std::string unk_token = model.short_text("unk_token");
  return std::make_unique<WordLevel>(take_vocabulary(model, section), std::move(unk_token));
}

}  // namespace attnviz::tokens
