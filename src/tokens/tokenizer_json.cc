#include <map>

#include "attnviz/error.h"
#include "tokens/component.h"
#include "tokens/pipeline.h"
#include "tokens/read_components.h"
#include "tokens/read_model.h"

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
  ModelSection model;
};

Sections read_sections(std::string& text) {
  Sections sections;
  JsonReader reader(text);
  reader.enter_object();
  while (const auto key = reader.next_key()) {
    const std::string name(*key);
    if (name == "model" && reader.peek() == '{') {
      sections.model = read_model_section(reader);
    } else {
      sections.top[name] = read_tree(reader);
    }
  }
  reader.expect_end();
  return sections;
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
  pipeline.model = build_model(std::move(sections.model), pipeline.pre_tokenizer.byte_level);
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
