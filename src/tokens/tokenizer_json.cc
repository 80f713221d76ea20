#include <map>

#include "attnviz/error.h"
#include "tokens/byte_pair.h"
#include "tokens/component.h"
#include "tokens/json_reader.h"
#include "tokens/pipeline.h"
#include "tokens/read_components.h"
#include "tokens/vocabulary_files.h"
#include "tokens/word_piece.h"

namespace attnviz::tokens {
namespace {

using nlohmann::json;

std::vector<AddedToken> read_added_tokens(const json& list) {
  if (!list.is_array())
    throw Error(std::string("\"added_tokens\": expected a list, got ") + list.type_name());
  std::vector<AddedToken> tokens;
  for (const json& object : list) {
    const Component token(object, "added token");
    (void)token.number("id");  // The reference takes the vocabulary's id instead, or the next free one.
    tokens.push_back({token.text("content"), token.flag("single_word"), token.flag("lstrip"),
                      token.flag("rstrip"), token.flag("normalized"), token.flag("special")});
  }
  return tokens;
}

/// The file's large parts, read without a tree; the rest as a tree.
struct Sections {
  std::map<std::string, json, std::less<>> top;
  json model = json::object();
  std::optional<Vocabulary> vocabulary;
  std::optional<std::vector<MergePair>> merges;
};

/// The next value as a tree.
json read_tree(JsonReader& reader) {
  (void)reader.peek();
  const std::size_t begin = reader.offset();
  try {
    return json::parse(reader.raw_value());
  } catch (const json::parse_error& error) {
    throw JsonError("not a JSON value", begin + error.byte - 1);
  }
}

void read_model_section(JsonReader& reader, Sections& sections) {
  reader.enter_object();
  while (const auto key = reader.next_key()) {
    if (*key == "vocab" && reader.peek() == '{') {
      sections.vocabulary = read_vocabulary(reader);
    } else if (*key == "merges" && reader.peek() == '[') {
      sections.merges = read_merges(reader);
    } else {
      const std::string name(*key);
      sections.model[name] = read_tree(reader);
    }
  }
}

Sections read_sections(std::string& text) {
  Sections sections;
  JsonReader reader(text);
  reader.enter_object();
  while (const auto key = reader.next_key()) {
    const std::string name(*key);
    if (name == "model" && reader.peek() == '{') {
      read_model_section(reader, sections);
    } else {
      sections.top[name] = read_tree(reader);
    }
  }
  reader.expect_end();
  return sections;
}

std::unique_ptr<Model> read_byte_pair(const Component& model, Sections& sections, bool byte_level) {
  if (model.has("dropout") && !(model.value("dropout").is_number() && model.value("dropout") == 0)) {
    throw Error(model.name() + ": \"dropout\" is not supported", "tokens would differ from run to run");
  }
  if (model.flag("byte_fallback", false)) throw Error(model.name() + ": \"byte_fallback\" is not supported");
  if (!sections.vocabulary) throw Error(model.name() + ": lacks \"vocab\"");
  if (!sections.merges) throw Error(model.name() + ": lacks \"merges\"");
  expect_distinct_ids(*sections.vocabulary);
  BytePairOptions options;
  if (model.has("unk_token")) options.unk_token = model.text("unk_token");
  options.continuing_subword_prefix = model.text_or_empty("continuing_subword_prefix");
  options.end_of_word_suffix = model.text_or_empty("end_of_word_suffix");
  options.fuse_unk = model.flag("fuse_unk", false);
  options.ignore_merges = model.flag("ignore_merges", false);
  options.byte_level = byte_level;
  return std::make_unique<BytePair>(std::move(*sections.vocabulary), *sections.merges, std::move(options));
}

std::unique_ptr<Model> read_word_piece(const Component& model, Sections& sections) {
  if (!sections.vocabulary) throw Error(model.name() + ": lacks \"vocab\"");
  WordPieceOptions options;
  options.unk_token = model.text("unk_token");
  options.continuing_subword_prefix = model.text("continuing_subword_prefix");
  const json& longest = model.value("max_input_chars_per_word");
  if (!longest.is_number_unsigned()) throw model.wrong("max_input_chars_per_word", "a whole number");
  options.max_input_chars_per_word = longest.get<std::size_t>();
  return std::make_unique<WordPiece>(std::move(*sections.vocabulary), std::move(options));
}

std::unique_ptr<Model> read_model(Sections& sections, bool byte_level) {
  const Component model(sections.model, "model");
  // Files of early versions do not name the type: merges tell.
  const std::string type = !model.type().empty() ? model.type() : sections.merges ? "BPE" : "WordPiece";
  if (type == "BPE") return read_byte_pair(model, sections, byte_level);
  if (type != "WordPiece") throw model.unsupported("BPE, WordPiece");
  if (byte_level) throw Error("pre_tokenizer \"ByteLevel\" with model \"WordPiece\" is not supported");
  return read_word_piece(model, sections);
}

std::int64_t usual_padding_id(const Pipeline& pipeline) {
  for (const char* content : {"[PAD]", "<pad>"}) {
    if (const std::optional<std::uint32_t> id = pipeline.id_of(content)) return *id;
  }
  return 0;
}

Pipeline build(Sections& sections) {
  const auto section = [&](const char* name) -> const json* {
    const auto found = sections.top.find(name);
    return found == sections.top.end() || found->second.is_null() ? nullptr : &found->second;
  };
  const json* version = section("version");
  if (version && *version != "1.0") throw Error("unknown version " + version->dump() + ", expected \"1.0\"");
  Pipeline pipeline;
  if (const json* object = section("normalizer"))
    pipeline.normalizer = read_normalizer({*object, "normalizer"});
  if (const json* object = section("pre_tokenizer")) {
    pipeline.pre_tokenizer = read_pre_tokenizer({*object, "pre_tokenizer"});
  }
  if (const json* object = section("post_processor")) {
    pipeline.post_processor = read_post_processor({*object, "post_processor"});
  }
  pipeline.model = read_model(sections, pipeline.pre_tokenizer.byte_level);
  const json* added = section("added_tokens");
  pipeline.added.emplace(added ? read_added_tokens(*added) : std::vector<AddedToken>(),
                         pipeline.model->vocabulary(), pipeline.normalizer);
  const json* padding = section("padding");
  pipeline.padding_id =
      padding ? Component(*padding, "padding").number("pad_id") : usual_padding_id(pipeline);
  return pipeline;
}

}  // namespace

Pipeline read_tokenizer_json(std::string text, const std::string& name) {
  const std::string hint = "expected a tokenizer.json as Hugging Face's tokenizers 0.23 writes it";
  try {
    std::list<std::string> sources;
    sources.push_back(std::move(text));
    Sections sections = read_sections(sources.back());
    Pipeline pipeline = build(sections);
    pipeline.sources = std::move(sources);
    return pipeline;
  } catch (const JsonError& error) {
    throw Error(name + ": malformed JSON: " + error.what(), hint);
  } catch (const Error& error) {
    throw Error(name + ": " + error.what(), error.hint().empty() ? hint : error.hint());
  }
}

}  // namespace attnviz::tokens
