#include <array>
#include <map>

#include "attnviz/error.h"
#include "tokens/byte_pair.h"
#include "tokens/component.h"
#include "tokens/json_reader.h"
#include "tokens/pipeline.h"
#include "tokens/vocabulary_files.h"
#include "tokens/word_piece.h"

namespace attnviz::tokens {
namespace {

using nlohmann::json;

BertNormalizer read_normalizer(const Component& normalizer) {
  if (normalizer.type() != "BertNormalizer") throw normalizer.unsupported("BertNormalizer");
  const bool lowercase = normalizer.flag("lowercase");
  return {normalizer.flag("clean_text"), normalizer.flag("handle_chinese_chars"),
          normalizer.flag("strip_accents", lowercase), lowercase};
}

void read_pre_tokenizer(const Component& pre_tokenizer, Pipeline& pipeline) {
  if (pre_tokenizer.type() == "BertPreTokenizer") {
    pipeline.pre_tokenizer = PreTokenizer::bert;
  } else if (pre_tokenizer.type() == "ByteLevel") {
    pipeline.pre_tokenizer = PreTokenizer::byte_level;
    pipeline.add_prefix_space = pre_tokenizer.flag("add_prefix_space");
    pipeline.split_words = pre_tokenizer.flag("use_regex", true);
  } else {
    throw pre_tokenizer.unsupported("BertPreTokenizer, ByteLevel");
  }
}

/// {"id": "[CLS]", "ids": [101], "tokens": ["[CLS]"]}
std::vector<SpecialToken> read_special_tokens(const json& object, const Component& processor) {
  const Component special(object, processor.name() + ": special token");
  const json& ids = special.list("ids");
  const json& contents = special.list("tokens");
  if (ids.size() != contents.size()) throw Error(special.name() + ": ids and tokens differ in number");
  std::vector<SpecialToken> tokens;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!contents[i].is_string()) throw special.wrong("tokens", "a list of strings");
    tokens.push_back({contents[i].get<std::string>(), special.number(ids[i], "ids")});
  }
  return tokens;
}

TemplatePiece read_template_piece(const json& object, const Component& processor) {
  if (!object.is_object() || object.size() != 1) throw processor.wrong("template", "a list of pieces");
  const Component piece(object.begin().value(), processor.name() + ": piece");
  const std::string id = piece.text("id");
  if (object.begin().key() == "Sequence") {
    if (id != "A" && id != "B") throw Error(piece.name() + ": \"id\" is neither A nor B");
    return {id == "A" ? 0 : 1, {}, piece.number("type_id")};
  }
  if (object.begin().key() != "SpecialToken")
    throw Error(piece.name() + ": neither Sequence nor SpecialToken");
  const json& known = processor.value("special_tokens");
  if (!known.is_object() || !known.contains(id)) {
    throw Error(processor.name() + ": \"special_tokens\" lacks \"" + visible(id) + "\"");
  }
  return {std::nullopt, read_special_tokens(known[id], processor), piece.number("type_id")};
}

std::vector<TemplatePiece> read_template(const char* key, int sequences, const Component& processor) {
  std::vector<TemplatePiece> pieces;
  std::array<int, 2> uses = {0, 0};
  for (const json& object : processor.list(key)) {
    pieces.push_back(read_template_piece(object, processor));
    const std::optional<int> sequence = pieces.back().sequence;
    if (!sequence) continue;
    if (*sequence >= sequences || ++uses[static_cast<std::size_t>(*sequence)] > 1) {
      throw Error(processor.name() + ": \"" + key + "\" uses a sequence " +
                  (*sequence >= sequences ? "that it does not have" : "twice, which is not supported"));
    }
  }
  return pieces;
}

/// ["[SEP]", 102]
SpecialToken read_pair(const char* key, const Component& processor) {
  const json& pair = processor.list(key);
  if (pair.size() != 2 || !pair[0].is_string()) throw processor.wrong(key, "a token and its id");
  return {pair[0].get<std::string>(), processor.number(pair[1], key)};
}

/// The template of one step; `trims` are those of the steps before it and its own.
PostProcessor read_step(const Component& processor, std::vector<bool> trims) {
  const std::string& type = processor.type();
  if (type == "ByteLevel" || type == "RobertaProcessing") {
    const bool added_prefix_space = processor.flag("add_prefix_space");
    if (processor.flag("trim_offsets")) trims.push_back(added_prefix_space);
  }
  PostProcessor result;
  if (type == "TemplateProcessing") {
    result.single = read_template("single", 1, processor);
    result.pair = read_template("pair", 2, processor);
  } else if (type == "BertProcessing") {
    result = bert_post_processor(read_pair("cls", processor), read_pair("sep", processor));
  } else if (type == "RobertaProcessing") {
    result = roberta_post_processor(read_pair("cls", processor), read_pair("sep", processor));
  } else if (type != "ByteLevel") {
    throw processor.unsupported("TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, Sequence");
  }
  result.trims = std::move(trims);
  return result;
}

PostProcessor read_post_processor(const Component& processor) {
  if (processor.type() != "Sequence") return read_step(processor, {});
  PostProcessor result;
  const json& steps = processor.list("processors");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Component step(steps[i], processor.name() + ": step");
    if (step.type() != "ByteLevel" && i + 1 < steps.size()) {
      throw step.unsupported("any number of ByteLevel, then one other");
    }
    result = read_step(step, std::move(result.trims));
  }
  return result;
}

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
  if (const json* object = section("pre_tokenizer")) read_pre_tokenizer({*object, "pre_tokenizer"}, pipeline);
  if (const json* object = section("post_processor")) {
    pipeline.post_processor = read_post_processor({*object, "post_processor"});
  }
  pipeline.model = read_model(sections, pipeline.pre_tokenizer == PreTokenizer::byte_level);
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
