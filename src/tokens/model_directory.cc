#include "tokens/model_directory.h"

#include <algorithm>

#include "attnviz/file.h"
#include "tokens/read_model.h"

namespace attnviz::tokens {

namespace fs = std::filesystem;

bool Directory::has(const char* name) const { return is_there(path_ / name); }

std::string Directory::read(const char* name) {
  if (std::find(files_.begin(), files_.end(), name) == files_.end()) files_.emplace_back(name);
  constexpr std::size_t kLargestFile = 256 << 20;  // the largest tokenizers of 2025 have about 35 MB
  return read_file(path_ / name, kLargestFile);
}

json Directory::read_json(const char* name) {
  if (!has(name)) return json::object();
  constexpr int kDeepest = 16;  // what is nested further is no tokenizer's
  json value = json::parse(read(name), [](int depth, auto, const json&) { return depth <= kDeepest; }, false);
  if (!value.is_object()) throw Error((path_ / name).string() + ": not a JSON object");
  return value;
}

Members Directory::read_members(const char* name, std::map<std::string, Members>& inner) {
  Members members;
  if (!has(name)) return members;
  std::string text = read(name);
  const std::size_t bad = find_invalid_utf8(text);
  if (bad != std::string::npos) throw Error(full(name) + ": not UTF-8 at byte " + std::to_string(bad));
  const auto read_into = [](JsonReader& reader, Members& target, auto&& take) {
    reader.enter_object();
    while (const auto key = reader.next_key()) {
      const std::string member(*key);
      if (!take(member)) target.set(member, read_tree(reader));
    }
  };
  reading(*this, name, [&] {
    JsonReader reader(text);
    if (reader.peek() != '{') throw Error("not a JSON object");
    read_into(reader, members, [&](const std::string& key) {
      const auto found = inner.find(key);
      if (found == inner.end()) return false;
      // The last of two that have one name counts.
      members.erase(key);
      found->second = {};
      if (reader.peek() != '{') return false;
      read_into(reader, found->second, [](const std::string&) { return false; });
      return true;
    });
    reader.expect_end();
  });
  return members;
}

TokenFiles read_token_files(Directory& directory) {
  constexpr const char *kExtra = "extra_special_tokens", *kSpecific = "model_specific_special_tokens";
  TokenFiles files;
  std::map<std::string, Members> inner = {{kExtra, {}}, {kSpecific, {}}};
  files.settings = directory.read_members("tokenizer_config.json", inner);
  files.named_extra = std::move(inner[kExtra]);
  files.specific = std::move(inner[kSpecific]);
  inner = {{kExtra, {}}};
  files.map = directory.read_members("special_tokens_map.json", inner);
  files.map_extra = std::move(inner[kExtra]);
  files.added = directory.read_json("added_tokens.json");
  return files;
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
