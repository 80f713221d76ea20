#include "tokens/special_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace attnviz::tokens {
namespace {

/// The order in which transformers adds them.
constexpr std::array kNames = {"bos_token", "eos_token", "unk_token", "sep_token",
                               "pad_token", "cls_token", "mask_token"};

AddedToken plain_token(std::string content) {
  AddedToken token;
  token.content = std::move(content);
  token.special = true;
  token.normalized = false;
  return token;
}

/// A string, or an object with the token's options.
AddedToken read_token(const json& value, const std::string& name, bool special) {
  if (value.is_string()) return plain_token(value.get<std::string>());
  const Component object(value, name);
  const bool is_special = special || object.flag("special", false);
  return {object.text("content"),       object.flag("single_word", false),      object.flag("lstrip", false),
          object.flag("rstrip", false), object.flag("normalized", !is_special), is_special};
}

bool is_name(const std::string& key) { return std::find(kNames.begin(), kNames.end(), key) != kNames.end(); }

}  // namespace

SpecialTokens::SpecialTokens(const json& settings, const json& map, const json& added,
                             const std::map<std::string, std::string>& usual) {
  for (const auto& [name, content] : usual) named_[name] = plain_token(content);
  read_names(settings, "tokenizer_config.json");
  const bool has_decoder = settings.contains("added_tokens_decoder");
  if (has_decoder) {
    read_decoder(settings["added_tokens_decoder"]);
  } else {
    read_names(map, "special_tokens_map.json");
    read_added(added);
  }
  // A named or extra token that is listed with options has those.
  for (auto& [name, token] : named_) {
    for (const auto& [id, listed] : decoder_) {
      if (listed.content == token.content && is_name(name)) token = listed;
    }
  }
  for (AddedToken& token : extra_) {
    for (const auto& [id, listed] : decoder_) {
      if (listed.content == token.content) token = listed;
    }
  }
}

void SpecialTokens::read_names(const json& object, const char* file) {
  const bool is_map = file == std::string_view("special_tokens_map.json");
  for (const auto& [key, value] : object.items()) {
    const std::string name = std::string(file) + ": \"" + visible(key) + "\"";
    if (key == "extra_special_tokens") {
      read_extra(value, file);
    } else if (is_name(key) && value.is_null()) {
      named_.erase(key);
    } else if (is_name(key) || (key.ends_with("_token") && (value.is_string() || value.is_object()))) {
      named_[key] = read_token(value, name, is_map);
    }
  }
  // The name before transformers 5.
  if (extra_.empty() && object.contains("additional_special_tokens")) {
    read_extra(object["additional_special_tokens"], file);
  }
}

void SpecialTokens::read_extra(const json& list, const char* file) {
  if (!list.is_array() && !list.is_object()) return;
  for (const auto& [key, value] : list.items()) {
    if (list.is_object()) {
      named_[key] = read_token(value, file, false);
    } else {
      extra_.push_back(read_token(value, file, false));
    }
  }
}

void SpecialTokens::read_decoder(const json& decoder) {
  const std::string name = "tokenizer_config.json: \"added_tokens_decoder\"";
  if (!decoder.is_object()) throw Error(name + ": expected an object");
  for (const auto& [key, value] : decoder.items()) {
    std::uint32_t id = 0;
    const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (failure != std::errc() || end != key.data() + key.size() || !value.is_object()) {
      throw Error(name + ": expected ids and tokens");
    }
    decoder_[id] = read_token(value, name, false);
  }
}

bool SpecialTokens::is_special(const std::string& content) const {
  return std::any_of(
             named_.begin(), named_.end(),
             [&](const auto& entry) { return is_name(entry.first) && entry.second.content == content; }) ||
         std::any_of(extra_.begin(), extra_.end(),
                     [&](const AddedToken& token) { return token.content == content; });
}

void SpecialTokens::read_added(const json& added) {
  for (const auto& [content, id] : added.items()) {
    AddedToken token = plain_token(content);
    token.special = is_special(content);
    token.normalized = !token.special;
    decoder_[Component(added, "added_tokens.json").number(id, "id")] = std::move(token);
  }
}

std::optional<std::string> SpecialTokens::content(const std::string& name) const {
  const auto found = named_.find(name);
  return found == named_.end() ? std::nullopt : std::optional(found->second.content);
}

void SpecialTokens::expect_agreement(const Vocabulary& vocabulary) const {
  for (Vocabulary::Entry entry = 0; entry < vocabulary.size() && !decoder_.empty(); ++entry) {
    const auto listed = decoder_.find(vocabulary.id(entry));
    if (listed == decoder_.end() || listed->second.content == vocabulary.token(entry)) continue;
    throw Error("the added token " + std::to_string(listed->first) + " is \"" +
                    visible(listed->second.content) + "\", in the vocabulary \"" +
                    visible(vocabulary.token(entry)) + "\"",
                "save the tokenizer with transformers' save_pretrained, which writes a tokenizer.json");
  }
}

std::vector<AddedToken> SpecialTokens::added_tokens() const {
  std::vector<AddedToken> tokens;
  const auto is_new = [&](const AddedToken& token) {
    return std::none_of(tokens.begin(), tokens.end(),
                        [&](const AddedToken& other) { return other.content == token.content; });
  };
  for (const auto& [id, token] : decoder_) tokens.push_back(token);
  for (const char* name : kNames) {
    const auto found = named_.find(name);
    if (found != named_.end() && is_new(found->second)) tokens.push_back(found->second);
  }
  for (const auto& [name, token] : named_) {
    if (!is_name(name) && is_new(token)) tokens.push_back(token);
  }
  // The extra ones are added last, and again where they were named before.
  for (const AddedToken& token : extra_) {
    const auto same = std::find_if(tokens.begin(), tokens.end(),
                                   [&](const AddedToken& other) { return other.content == token.content; });
    if (same == tokens.end()) {
      tokens.push_back(token);
    } else {
      *same = token;
    }
  }
  for (AddedToken& token : tokens) {
    token.special = token.special || std::any_of(named_.begin(), named_.end(), [&](const auto& entry) {
                      return entry.second.content == token.content;
                    });
  }
  return tokens;
}

}  // namespace attnviz::tokens
