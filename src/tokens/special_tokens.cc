#include "tokens/special_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "tokens/class_parts.h"

namespace attnviz::tokens {
namespace {

/// The order in which transformers adds them.
constexpr std::array kNames = {"bos_token", "eos_token", "unk_token", "sep_token",
                               "pad_token", "cls_token", "mask_token"};

constexpr const char* kSettings = "tokenizer_config.json";

bool is_name(const std::string& key) { return std::find(kNames.begin(), kNames.end(), key) != kNames.end(); }

std::string entry(const std::string& key) { return std::string(kSettings) + ": \"" + visible(key) + "\""; }

NamedToken read_options(const json& value, const std::string& name) {
  const Component object(value, name);
  NamedToken token{.content = object.text("content"),
                   .is_text = false,
                   .single_word = object.flag("single_word", false),
                   .lstrip = object.flag("lstrip", false),
                   .rstrip = object.flag("rstrip", false),
                   .special = object.flag("special", false)};
  if (object.has("normalized")) token.normalized = object.flag("normalized");
  return token;
}

bool has_type(const json& value) {
  return value.is_object() && value.contains("__type") && value["__type"] == "AddedToken";
}

/// A string, or an object that says it is a token; nullopt for another.
std::optional<NamedToken> read_token(const json& value, const std::string& name) {
  if (value.is_string()) return NamedToken{.content = value.get<std::string>()};
  if (has_type(value)) return read_options(value, name);
  return std::nullopt;
}

NamedToken expect_token(const json& value, const std::string& name) {
  if (std::optional<NamedToken> token = read_token(value, name)) return std::move(*token);
  throw Error(name + ": expected a string or an AddedToken", "transformers does not take it either");
}

std::vector<NamedToken> read_list(const json& list, const std::string& name) {
  if (!list.is_array()) throw Error(name + ": expected a list of tokens");
  std::vector<NamedToken> tokens;
  for (const json& value : list) tokens.push_back(expect_token(value, name));
  return tokens;
}

/// One of special_tokens_map.json, which leaves out the type. transformers makes a token of it at once, of
/// tokenizer_config.json's only later.
json typed(json token) {
  token["__type"] = "AddedToken";
  token["__at_once"] = true;
  token["special"] = true;
  return token;
}

/// Those of the file whose values are tokens with names of their own are moved, as is an object of such.
void collect_named(Members& arguments, const Members& named_extra, Members& named) {
  for (const std::string& key : arguments.keys()) {
    if (is_name(key) || !key.ends_with("_token") || !arguments.find(key)->is_string()) continue;
    named.set(key, *arguments.find(key));
    arguments.erase(key);
  }
  for (const std::string& key : named_extra.keys()) named.set(key, *named_extra.find(key));
}

}  // namespace

AddedToken NamedToken::finished() const {
  if (is_text) return {content, false, false, false, false, true};
  return {content, single_word, lstrip, rstrip, normalized.value_or(!special), special};
}

bool NamedToken::operator==(const NamedToken& other) const {
  if (is_text != other.is_text || content != other.content) return false;
  const AddedToken a = finished(), b = other.finished();
  return std::tie(a.single_word, a.lstrip, a.rstrip, a.normalized, a.special) ==
         std::tie(b.single_word, b.lstrip, b.rstrip, b.normalized, b.special);
}

SpecialTokens::SpecialTokens(const TokenFiles& files, Family family,
                             const std::vector<std::pair<std::string, json>>& defaults,
                             std::optional<json> extracted) {
  Members arguments = files.settings, named;
  if (arguments.find("additional_special_tokens") && !arguments.is_true("extra_special_tokens") &&
      files.named_extra.keys().empty()) {
    // The name before transformers 5.
    json list = *arguments.find("additional_special_tokens");
    arguments.erase("additional_special_tokens");
    arguments.set("extra_special_tokens", std::move(list));
  }
  collect_named(arguments, files.named_extra, named);
  if (named.keys().empty()) named = files.specific;
  if (const json* decoder = arguments.find("added_tokens_decoder")) {
    read_decoder(*decoder);
  } else {
    read_older_files(files, arguments, named);
  }
  if (extracted) arguments.set("additional_special_tokens", std::move(*extracted));
  for (const auto& [name, content] : defaults) arguments.set_default(name, content);
  if (files.padding) arguments.set_default("pad_token", *files.padding);
  complete_arguments(family, arguments);
  if (const json* list = arguments.find("additional_special_tokens")) {
    arguments.set_default("extra_special_tokens", *list);
  }
  name_tokens(arguments, named);
}

void SpecialTokens::read_decoder(const json& decoder) {
  const std::string name = entry("added_tokens_decoder");
  if (!decoder.is_object()) throw Error(name + ": expected an object");
  for (const auto& [key, value] : decoder.items()) {
    std::uint32_t id = 0;
    const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (failure != std::errc() || end != key.data() + key.size() || !value.is_object()) {
      throw Error(name + ": expected ids and tokens");
    }
    decoder_[id] = read_options(value, name);
  }
}

/// special_tokens_map.json, added_tokens.json and tokenizer.json, which count where tokenizer_config.json
/// lists no added tokens.
void SpecialTokens::read_older_files(const TokenFiles& files, Members& arguments, Members& named) {
  for (const std::string& key : files.map.keys()) {
    const json& value = *files.map.find(key);
    if (value.is_object()) {
      arguments.set(key, typed(value));
    } else if (key == "extra_special_tokens" && value.is_array()) {
      const json* given = arguments.find(key);
      json list = given && given->is_array() ? *given : json::array();
      std::set<json> taken(list.begin(), list.end());
      for (const json& token : value) {
        json one = token.is_object() ? typed(token) : token;
        if (taken.insert(one).second) list.push_back(std::move(one));
      }
      arguments.set(key, std::move(list));
    } else {
      arguments.set(key, value);
    }
  }
  for (const std::string& key : files.map_extra.keys()) named.set(key, *files.map_extra.find(key));
  std::set<std::string> special;
  const auto note = [&](const json& value) {
    if (value.is_object() && !value.contains("__at_once")) return;
    if (const std::optional<NamedToken> token = read_token(value, kSettings)) special.insert(token->content);
  };
  for (const char* name : kNames) {
    if (const json* value = arguments.find(name)) note(*value);
  }
  if (const json* list = arguments.find("extra_special_tokens")) {
    for (const json& value : *list) note(value);
  }
  for (const auto& [content, id] : files.added.items()) {
    const bool is_special = special.count(content) > 0;
    decoder_[Component(files.added, "added_tokens.json").number(id, "id")] = {
        .content = content, .is_text = false, .special = is_special, .normalized = !is_special};
  }
  if (files.listed) read_listed(*files.listed);
}

void SpecialTokens::read_listed(const json& list) {
  if (!list.is_array()) throw Error("tokenizer.json: \"added_tokens\": expected a list");
  for (const json& value : list) {
    const Component token(value, "tokenizer.json: added token");
    decoder_[token.number("id")] = read_options(value, token.name());
  }
}

void SpecialTokens::name_tokens(const Members& arguments, const Members& named) {
  std::map<std::string, NamedToken> listed;
  for (const auto& [id, token] : decoder_) listed.insert_or_assign(token.content, token);
  for (const char* name : kNames) {
    const json* value = arguments.find(name);
    if (!value || value->is_null()) continue;
    NamedToken token = expect_token(*value, entry(name));
    // One that is listed with options has those, unless a class gave it some.
    const auto found = listed.find(token.content);
    named_.emplace_back(name, found == listed.end() ? std::move(token) : found->second);
  }
  const json* extra = arguments.find("extra_special_tokens");
  if (extra && !extra->is_null()) extra_ = read_list(*extra, entry("extra_special_tokens"));
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < named_.size(); ++i) places[named_[i].first] = i;
  const auto add = [&](const std::string& key, NamedToken token) {
    const auto [place, is_new] = places.try_emplace(key, named_.size());
    if (is_new) {
      named_.emplace_back(key, std::move(token));
    } else {
      named_[place->second].second = std::move(token);
    }
  };
  for (const std::string& key : arguments.keys()) {
    if (is_name(key) || !key.ends_with("_token")) continue;
    std::optional<NamedToken> token = read_token(*arguments.find(key), entry(key));
    if (token) add(key, std::move(*token));
  }
  for (const std::string& key : named.keys()) add(key, expect_token(*named.find(key), entry(key)));
}

std::optional<std::string> SpecialTokens::content(const std::string& name) const {
  const auto found =
      std::find_if(named_.begin(), named_.end(), [&](const auto& each) { return each.first == name; });
  return found == named_.end() ? std::nullopt : std::optional(found->second.content);
}

void SpecialTokens::match_decoder_in_raw_text() {
  for (auto& [id, token] : decoder_) token.normalized = false;
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

std::vector<AddedToken> SpecialTokens::added_tokens(const std::set<std::string>& known) const {
  std::vector<NamedToken> tokens;
  std::set<std::string> listed = known, names;
  for (const auto& [id, token] : decoder_) {
    tokens.push_back(token);
    listed.insert(token.content);
  }
  // In lists of thousands, looking for the same token is quick by content.
  std::map<std::string, std::vector<NamedToken>> among;
  for (const NamedToken& token : tokens) among[token.content].push_back(token);
  const auto add = [&](const NamedToken& token) {
    std::vector<NamedToken>& same = among[token.content];
    if (listed.count(token.content) > 0 || std::find(same.begin(), same.end(), token) != same.end()) return;
    tokens.push_back(token);
    same.push_back(token);
  };
  for (const auto& [name, token] : named_) {
    add(token);
    names.insert(token.content);
  }
  for (const NamedToken& token : extra_) add(token);
  std::vector<AddedToken> result;
  for (NamedToken& token : tokens) {
    if (names.count(token.content) > 0) token.special = true;
    result.push_back(token.finished());
  }
  return result;
}

std::vector<std::string> SpecialTokens::all() const {
  std::vector<std::string> contents;
  std::set<std::string> seen;
  const auto add = [&](const std::string& content) {
    if (seen.insert(content).second) contents.push_back(content);
  };
  for (const auto& [name, token] : named_) add(token.content);
  for (const NamedToken& token : extra_) add(token.content);
  return contents;
}

}  // namespace attnviz::tokens
