#include "tokens/tokenizer_class.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

namespace attnviz::tokens {
namespace {

struct ClassName {
  std::string_view name, means;
};

struct ModelType {
  std::string_view name, tokenizer;
  bool has_config;  ///< transformers has a configuration class for it
  bool overrides;   ///< what files say of the class is known to be wrong
};

#include "tokens/tokenizer_classes.inc"

using Algorithm = TokenizerClass::Algorithm;

constexpr TokenizerClass kClasses[] = {
    {"TokenizersBackend", Family::backend, true, Algorithm::any},
    {"BertTokenizer", Family::bert, false, Algorithm::word_piece},
    {"DistilBertTokenizer", Family::bert, false, Algorithm::word_piece},
    {"ConvBertTokenizer", Family::bert, true, Algorithm::word_piece},
    {"MPNetTokenizer", Family::mpnet, false, Algorithm::word_piece},
    {"RobertaTokenizer", Family::roberta, false, Algorithm::byte_pair},
    {"BlenderbotTokenizer", Family::blenderbot, false, Algorithm::byte_pair},
    {"GPT2Tokenizer", Family::gpt2, false, Algorithm::byte_pair},
    {"GPTNeoXTokenizer", Family::gpt_neox, false, Algorithm::byte_pair},
    {"Qwen2Tokenizer", Family::qwen2, false, Algorithm::byte_pair},
    {"Qwen3_5Tokenizer", Family::qwen3_5, false, Algorithm::byte_pair},
    {"GemmaTokenizer", Family::gemma, false, Algorithm::byte_pair},
    {"LlamaTokenizer", Family::llama, false, Algorithm::byte_pair},
    {"AlbertTokenizer", Family::albert, false, Algorithm::unigram},
    {"CamembertTokenizer", Family::camembert, false, Algorithm::unigram},
    {"DebertaV2Tokenizer", Family::deberta_v2, false, Algorithm::unigram},
    {"MBartTokenizer", Family::mbart, false, Algorithm::unigram},
    {"PegasusTokenizer", Family::pegasus, false, Algorithm::unigram},
    {"T5Tokenizer", Family::t5, false, Algorithm::unigram},
    {"XLMRobertaTokenizer", Family::xlm_roberta, false, Algorithm::unigram},
    {"XLNetTokenizer", Family::xlnet, false, Algorithm::unigram},
    {"MarianTokenizer", Family::marian, false, Algorithm::unigram},
};

std::string_view without_fast(std::string_view name) {
  if (name.ends_with("Fast")) name.remove_suffix(4);
  return name;
}

/// The class that a file's name means; nothing when transformers knows none.
std::string_view class_named(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kClassNames), std::end(kClassNames),
                   [&](const ClassName& known) { return known.name == without_fast(name); });
  return found == std::end(kClassNames) ? std::string_view() : found->means;
}

const ModelType* model_type_named(std::string_view name) {
  const auto found = std::find_if(std::begin(kModelTypes), std::end(kModelTypes),
                                  [&](const ModelType& known) { return known.name == name; });
  return found == std::end(kModelTypes) ? nullptr : found;
}

/// Which entry asks for which class of transformers.
struct Wanted {
  std::string_view tokenizer;
  std::string entry;  ///< of which file
};

bool has_own_code(const Component& settings) {
  if (!settings.has("auto_map")) return false;
  const json& map = settings.value("auto_map");
  if (map.is_array()) return true;
  return map.is_object() && map.contains("AutoTokenizer") && !map["AutoTokenizer"].is_null();
}

std::string entry(const Component& file, const char* key) {
  return file.name() + ": " + key + " \"" + visible(file.text(key)) + "\"";
}

/// The class that one of the files names; transformers believes tokenizer_config.json first.
Wanted by_name(const Component& source, const ModelType* type, bool overrides, bool own_code) {
  const std::string name = source.text("tokenizer_class");
  const std::string_view meant = class_named(name);
  const std::string named = entry(source, "tokenizer_class");
  const bool differs = type && !own_code && without_fast(type->tokenizer) != without_fast(name);
  if (differs && type->tokenizer != "TokenizersBackend" && overrides) {
    return {class_named(type->tokenizer), named};
  }
  const bool takes_file = differs && type->tokenizer == "TokenizersBackend";
  if (meant.empty() || takes_file) return {"TokenizersBackend", named};
  return {meant, named};
}

Wanted wanted_class(const Component& settings, const Component& config, bool spells_bytes) {
  const std::string type_name = config.text_or_empty("model_type");
  const ModelType* type = model_type_named(type_name);
  const ModelType* name = model_type_named(config.text_or_empty("model_name"));
  const bool overrides = (type && type->overrides) || (name && name->overrides);
  const bool own_code = has_own_code(settings);
  const bool in_settings = !settings.text_or_empty("tokenizer_class").empty();
  if (own_code && !(type && type->has_config) &&
      !(in_settings && !class_named(settings.text("tokenizer_class")).empty())) {
    throw Error(settings.name() + ": \"auto_map\" names a tokenizer of its own code, which is not run",
                "remove the entry if the files beside it say all of the tokenizer");
  }
  if (in_settings || !config.text_or_empty("tokenizer_class").empty()) {
    const Component& source = in_settings ? settings : config;
    // The class that files of Llama's kind name knows no bytes.
    const bool is_llama = without_fast(source.text("tokenizer_class")) == "LlamaTokenizer";
    if (is_llama && spells_bytes && !overrides && !own_code) return {"TokenizersBackend", {}};
    return by_name(source, type, overrides, own_code);
  }
  if (type && type->has_config) return {class_named(type->tokenizer), entry(config, "model_type")};
  return {"TokenizersBackend", {}};
}

}  // namespace

ChosenClass choose_tokenizer_class(const Directory& directory, const json& settings, const json& config,
                                   bool spells_bytes) {
  const Wanted wanted = wanted_class({settings, directory.full("tokenizer_config.json")},
                                     {config, directory.full("config.json")}, spells_bytes);
  const auto found = std::find_if(std::begin(kClasses), std::end(kClasses), [&](const TokenizerClass& known) {
    return known.name == wanted.tokenizer;
  });
  if (found != std::end(kClasses)) return {*found, wanted.entry};
  throw Error(wanted.entry + " is not supported",
              "to have tokenizer.json as it is, say \"tokenizer_class\": \"PreTrainedTokenizerFast\" in "
              "tokenizer_config.json; transformers then reads it like that too");
}

const TokenizerClass& class_of_family(Family family) {
  return *std::find_if(std::begin(kClasses), std::end(kClasses),
                       [&](const TokenizerClass& known) { return known.family == family; });
}

}  // namespace attnviz::tokens
