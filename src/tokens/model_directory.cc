#include "tokens/model_directory.h"

#include <algorithm>

#include "attnviz/file.h"

namespace attnviz::tokens {

namespace fs = std::filesystem;

bool Directory::has(const char* name) const { return is_there(path_ / name); }

std::string Directory::read(const char* name) {
  if (std::find(files_.begin(), files_.end(), name) == files_.end()) files_.emplace_back(name);
  return read_file(path_ / name);
}

json Directory::read_json(const char* name) {
  if (!has(name)) return json::object();
  json value = json::parse(read(name), nullptr, false);
  if (!value.is_object()) throw Error((path_ / name).string() + ": not a JSON object");
  return value;
}

void add_special_tokens(const Directory& directory, Pipeline& pipeline, const SpecialTokens& special) {
  reading(directory, "tokenizer_config.json", [&] {
    special.expect_agreement(pipeline.model->vocabulary());
    pipeline.added.emplace(special.added_tokens(), pipeline.model->vocabulary(), pipeline.normalizer);
  });
  if (const std::optional<std::string> pad = special.content("pad_token")) {
    pipeline.padding_id = pipeline.id_of(*pad).value_or(0);
  }
}

std::string content_of(const SpecialTokens& special, const char* name) {
  const std::optional<std::string> content = special.content(name);
  if (!content) throw Error(std::string("tokenizer_config.json: ") + name + " is null", "name a token");
  return *content;
}

SpecialToken special_token(const Pipeline& pipeline, const SpecialTokens& special, const char* name) {
  const std::string content = content_of(special, name);
  return {content, pipeline.id_of(content).value()};
}

PostProcessor bos_eos_post_processor(const Pipeline& pipeline, const SpecialTokens& special,
                                     const Component& options) {
  PostProcessor result;
  result.single.clear();
  result.pair.clear();
  const auto append = [&](const char* flag, const char* name, std::uint32_t type) {
    if (!options.flag(flag, false) || !special.content(name)) return;
    result.pair.push_back({{}, {special_token(pipeline, special, name)}, type});
  };
  for (const std::uint32_t type : {0U, 1U}) {
    append("add_bos_token", "bos_token", type);
    result.pair.push_back({static_cast<int>(type), {}, type});
    append("add_eos_token", "eos_token", type);
    if (type == 0) result.single = result.pair;
  }
  return result;
}

}  // namespace attnviz::tokens
