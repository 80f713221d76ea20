#include "tokens/tokenizer_json.h"

#include "attnviz/error.h"
#include "tokens/component.h"
#include "tokens/read_components.h"

namespace attnviz::tokens {
namespace {

std::int64_t usual_padding_id(const Pipeline& pipeline) {
  for (const char* content : {"[PAD]", "<pad>"}) {
    if (const std::optional<std::uint32_t> id = pipeline.id_of(content)) return *id;
  }
  return 0;
}

}  // namespace

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

Pipeline build_pipeline(Sections& sections) {
  const auto section = [&](const char* name) { return sections.find(name); };
  const json* version = section("version");
  if (version && *version != "1.0") throw Error("unknown version " + version->dump() + ", expected \"1.0\"");
  Pipeline pipeline;
  if (const json* object = section("normalizer"))
    pipeline.normalizer = read_normalizer({*object, "normalizer"});
  if (const json* object = section("pre_tokenizer")) {
    pipeline.pre_tokenizer = read_pre_tokenizer({*object, "pre_tokenizer"});
  }
  pipeline.model = build_model(std::move(sections.model), pipeline.pre_tokenizer.byte_level);
  return pipeline;
}

void put_added_tokens(Pipeline& pipeline, const Sections& sections, std::vector<AddedToken> added) {
  pipeline.added.emplace(std::move(added), pipeline.model->vocabulary(), pipeline.normalizer);
  const json* padding = sections.find("padding");
  pipeline.padding_id =
      padding ? Component(*padding, "padding").number("pad_id") : usual_padding_id(pipeline);
}

Pipeline read_tokenizer_json(std::string text, const std::string& name) {
  return reading_tokenizer_json(name, [&] {
    std::list<std::string> sources;
    sources.push_back(std::move(text));
    Sections sections = read_sections(sources.back());
    const json* added = sections.find("added_tokens");
    Pipeline pipeline = build_pipeline(sections);
    put_added_tokens(pipeline, sections, added ? read_added_tokens(*added) : std::vector<AddedToken>());
    if (const json* object = sections.find("post_processor")) {
      pipeline.post_processor = read_post_processor({*object, "post_processor"});
    }
    pipeline.sources = std::move(sources);
    pipeline.name = name;
    return pipeline;
  });
}

}  // namespace attnviz::tokens
