#include "tokens/class_parts.h"

#include <algorithm>

namespace attnviz::tokens {
namespace {

constexpr std::size_t kMostNumbered = 10'000;
constexpr const char* kLanguages[] = {"ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE", "fi_FI",
                                      "fr_XX", "gu_IN", "hi_IN", "it_IT", "ja_XX", "kk_KZ", "ko_KR",
                                      "lt_LT", "lv_LV", "my_MM", "ne_NP", "nl_XX", "ro_RO", "ru_RU",
                                      "si_LK", "tr_TR", "vi_VN", "zh_CN"};
constexpr const char* kQwen2Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen3Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// As Python takes a value for true: null is not.
bool truth(const Component& options, const char* key, bool otherwise) {
  const json& object = options.object();
  return object.contains(key) ? Members::is_true_value(object[key]) : otherwise;
}

json sequence(const char* key, json steps) { return {{"type", "Sequence"}, {key, std::move(steps)}}; }

json replacement(const char* pattern, const char* content, const char* kind = "String") {
  return {{"type", "Replace"}, {"pattern", {{kind, pattern}}}, {"content", content}};
}

json metaspace(const char* scheme, bool split) {
  return {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme}, {"split", split}};
}

json byte_level(const Component& options, bool otherwise) {
  const bool is_stated = options.object().contains("add_prefix_space");
  return {{"type", "ByteLevel"},
          {"add_prefix_space", is_stated ? options.flag("add_prefix_space") : otherwise},
          {"use_regex", true}};
}

json bert_normalizer(const Component& options) {
  const json& object = options.object();
  const auto flag = [&](const char* key) { return !object.contains(key) || options.flag(key); };
  return {{"type", "BertNormalizer"},
          {"clean_text", true},
          {"handle_chinese_chars", flag("tokenize_chinese_chars")},
          {"strip_accents", object.contains("strip_accents") ? object["strip_accents"] : json()},
          {"lowercase", flag("do_lower_case")}};
}

/// ALBERT's and XLNet's.
json accent_steps(Family family, const Component& options) {
  json steps = {replacement("``", "\""), replacement("''", "\"")};
  if (family == Family::xlnet || !truth(options, "keep_accents", false)) {
    steps.push_back({{"type", "NFKD"}});
    steps.push_back({{"type", "StripAccents"}});
  }
  if (truth(options, "do_lower_case", family == Family::albert)) steps.push_back({{"type", "Lowercase"}});
  return steps;
}

/// A token that a str becomes.
json added_token(const std::string& content, bool lstrip, json others = json::object()) {
  json token = {{"__type", "AddedToken"}, {"content", content}, {"lstrip", lstrip}, {"rstrip", false}};
  token.update(others);
  return token;
}

std::size_t number_of(const Members& arguments, const char* key, std::uint32_t otherwise) {
  const json* value = arguments.find(key);
  if (!value) return otherwise;
  const json object = {{key, *value}};
  const Component options(object, "tokenizer_config.json");
  const std::uint32_t number = options.number(key);
  if (number <= kMostNumbered) return number;
  throw Error(options.name() + ": \"" + key + "\" is " + std::to_string(number) + ", expected at most " +
              std::to_string(kMostNumbered));
}

std::string content_of(const json& token) {
  if (token.is_string()) return token.get<std::string>();
  return token.is_object() ? token.value("content", std::string()) : std::string();
}

bool has_content(const json& list, const json& token) {
  return std::find(list.begin(), list.end(), token) != list.end();
}

json t5_tokens(const Members& arguments, json list) {
  const std::size_t count = count_of_extra_ids(arguments);
  const auto given = static_cast<std::size_t>(std::count_if(list.begin(), list.end(), [](const json& token) {
    return content_of(token).find("<extra_id_") != std::string::npos;
  }));
  if (given > 0 && count > 0 && given != count) {
    throw Error("special_tokens_map.json: \"additional_special_tokens\" has " + std::to_string(given) +
                    " <extra_id_..>, \"extra_ids\" of tokenizer_config.json is " + std::to_string(count),
                "transformers refuses them too");
  }
  for (std::size_t i = 0; given == 0 && i < count; ++i) {
    list.push_back("<extra_id_" + std::to_string(i) + ">");
  }
  return list;
}

json pegasus_tokens(const Members& arguments, const json& list) {
  const json* given = arguments.find("mask_token_sent");
  const json sentence = given ? *given : json("<mask_1>");
  json result = json::array();
  if (!sentence.is_null() && (list.is_null() || !has_content(list, sentence))) {
    result.push_back(sentence);
  }
  const std::size_t offset = number_of(arguments, "offset", 103);
  for (std::size_t i = 2; i < offset; ++i) result.push_back("<unk_" + std::to_string(i) + ">");
  return result;
}

/// `list` is what the files say, or null.
json additional_tokens(Family family, const Members& arguments, const json& list) {
  switch (family) {
    case Family::t5:
      return t5_tokens(arguments, list.is_null() ? json::array() : list);
    case Family::pegasus:
      return pegasus_tokens(arguments, list);
    case Family::camembert:
      return list.is_null() ? json({"<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"}) : list;
    case Family::xlnet:
      return list.is_null() ? json({"<eop>", "<eod>"}) : list;
    case Family::mbart: {
      json result = json::array();
      for (const char* language : kLanguages) result.push_back(language);
      const json languages = result;
      for (const json& token : list) {
        if (!has_content(languages, token)) result.push_back(token);
      }
      return result;
    }
    default:
      return list;
  }
}

}  // namespace

Defaults default_tokens(Family family) {
  const Defaults bert = {{"unk_token", "[UNK]"}, {"sep_token", "[SEP]"}, {"pad_token", "[PAD]"},
                         {"cls_token", "[CLS]"}, {"mask_token", "[MASK]"}};
  const Defaults sentences = {{"bos_token", "<s>"},   {"eos_token", "</s>"}, {"sep_token", "</s>"},
                              {"cls_token", "<s>"},   {"unk_token", "<unk>"}, {"pad_token", "<pad>"},
                              {"mask_token", "<mask>"}};
  const auto with = [](Defaults defaults, const Defaults& others) {
    for (const auto& [name, content] : others) {
      const auto found = std::find_if(defaults.begin(), defaults.end(),
                                      [&, key = name](const auto& entry) { return entry.first == key; });
      if (found == defaults.end()) {
        defaults.emplace_back(name, content);
      } else {
        found->second = content;
      }
    }
    return defaults;
  };
  constexpr const char* kEnd = "<|endoftext|>";
  switch (family) {
    case Family::bert:
      return bert;
    case Family::mpnet:
      return with(sentences, {{"unk_token", "[UNK]"}});
    case Family::albert:
      return with(bert, {{"bos_token", "[CLS]"}, {"eos_token", "[SEP]"}, {"pad_token", "<pad>"},
                         {"unk_token", "<unk>"}});
    case Family::deberta_v2:
      return with(bert, {{"bos_token", "[CLS]"}, {"eos_token", "[SEP]"}});
    case Family::roberta:
    case Family::blenderbot:
    case Family::camembert:
    case Family::mbart:
    case Family::xlm_roberta:
      return sentences;
    case Family::xlnet:
      return with(sentences, {{"sep_token", "<sep>"}, {"cls_token", "<cls>"}});
    case Family::gpt2:
      return {{"unk_token", kEnd}, {"bos_token", kEnd}, {"eos_token", kEnd}, {"pad_token", nullptr}};
    case Family::gpt_neox:
      return {{"unk_token", kEnd}, {"bos_token", kEnd}, {"eos_token", kEnd}, {"pad_token", "<|padding|>"}};
    case Family::qwen2:
    case Family::qwen3_5:
      return {{"unk_token", kEnd}, {"bos_token", nullptr}, {"eos_token", kEnd}, {"pad_token", kEnd}};
    case Family::gemma:
      return {{"bos_token", "<bos>"}, {"eos_token", "<eos>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"},
              {"mask_token", "<mask>"}};
    case Family::llama:
      return {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}};
    case Family::pegasus:
      return {{"eos_token", "</s>"},
              {"unk_token", "<unk>"},
              {"pad_token", "<pad>"},
              {"mask_token", "<mask_2>"}};
    case Family::marian:
    case Family::t5:
      return {{"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}};
    case Family::backend:
    case Family::sentencepiece:
      break;
  }
  return {};
}

std::size_t count_of_extra_ids(const Members& arguments) { return number_of(arguments, "extra_ids", 100); }

void complete_arguments(Family family, Members& arguments) {
  const auto wrap = [&](const char* name, bool lstrip, json others = json::object()) {
    const json* value = arguments.find(name);
    if (value && value->is_string()) arguments.set(name, added_token(*value, lstrip, std::move(others)));
  };
  if (family == Family::mpnet) {
    for (const char* name : {"bos_token", "eos_token", "sep_token", "cls_token", "unk_token", "pad_token"}) {
      wrap(name, false);
    }
  }
  if (family == Family::mpnet || family == Family::mbart || family == Family::xlnet) wrap("mask_token", true);
  if (family == Family::camembert) wrap("mask_token", true, {{"special", true}});
  if (family == Family::blenderbot) wrap("mask_token", true, {{"normalized", false}});
  const json* listed = arguments.find("additional_special_tokens");
  json list = additional_tokens(family, arguments, listed ? *listed : json());
  if (listed || !list.is_null()) arguments.set("additional_special_tokens", std::move(list));
}

json normalizer_of(Family family, const Component& options, const json& character_map) {
  json steps = json::array();
  switch (family) {
    case Family::bert:
    case Family::mpnet:
      return bert_normalizer(options);
    case Family::gpt_neox:
    case Family::qwen2:
    case Family::qwen3_5:
      return {{"type", "NFC"}};
    case Family::gemma:
      return replacement(" ", "▁");
    case Family::albert:
    case Family::xlnet:
      steps = accent_steps(family, options);
      break;
    case Family::deberta_v2:
      if (truth(options, "do_lower_case", false)) steps.push_back({{"type", "Lowercase"}});
      steps.push_back(replacement("\\s{2,}|[\\n\\r\\t]", " ", "Regex"));
      steps.push_back({{"type", "NFC"}});
      steps.push_back({{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}});
      return sequence("normalizers", std::move(steps));
    case Family::pegasus:
      if (character_map.is_null()) steps.push_back(replacement("\\n", " ", "Regex"));
      break;
    case Family::camembert:
    case Family::t5:
    case Family::xlm_roberta:
      break;
    default:
      return {};
  }
  if (!character_map.is_null()) steps.push_back(character_map);
  if (family == Family::pegasus) steps.push_back(replacement(" {2,}", " ", "Regex"));
  return steps.empty() ? json() : sequence("normalizers", std::move(steps));
}

json pre_tokenizer_of(Family family, const Component& options) {
  const bool adds_space = truth(options, "add_prefix_space", true);
  json steps = json::array();
  switch (family) {
    case Family::bert:
    case Family::mpnet:
      return {{"type", "BertPreTokenizer"}};
    case Family::blenderbot:
      return byte_level(options, true);
    case Family::roberta:
    case Family::gpt2:
    case Family::gpt_neox:
      return byte_level(options, false);
    case Family::qwen2:
    case Family::qwen3_5:
      steps = {{{"type", "Split"},
                {"pattern", {{"Regex", family == Family::qwen2 ? kQwen2Words : kQwen3Words}}},
                {"behavior", "Isolated"},
                {"invert", false}},
               {{"type", "ByteLevel"},
                {"add_prefix_space", options.flag("add_prefix_space", false)},
                {"use_regex", false}}};
      return sequence("pretokenizers", std::move(steps));
    case Family::gemma:
      return {{"type", "Split"},
              {"pattern", {{"String", " "}}},
              {"behavior", "MergedWithPrevious"},
              {"invert", false}};
    case Family::llama: {
      const bool prepends = !options.has("add_prefix_space") || adds_space;
      return metaspace(!prepends ? "never" : truth(options, "legacy", false) ? "always" : "first", false);
    }
    case Family::deberta_v2:
      if (truth(options, "split_by_punct", false)) {
        steps.push_back({{"type", "Punctuation"}, {"behavior", "Isolated"}});
      }
      steps.push_back(metaspace(adds_space ? "always" : "first", true));
      return sequence("pretokenizers", std::move(steps));
    case Family::pegasus:
      return metaspace("always", true);
    case Family::mbart:
    case Family::t5:
    case Family::xlnet:
      steps = {{{"type", "WhitespaceSplit"}}, metaspace("always", true)};
      return sequence("pretokenizers", std::move(steps));
    case Family::albert:
    case Family::camembert:
    case Family::xlm_roberta:
      steps = {{{"type", "WhitespaceSplit"}}, metaspace(adds_space ? "always" : "never", true)};
      return sequence("pretokenizers", std::move(steps));
    case Family::backend:
    case Family::marian:
    case Family::sentencepiece:
      break;
  }
  return {};
}

}  // namespace attnviz::tokens
