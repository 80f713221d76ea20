#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "attnviz/error.h"
#include "tokens/bert_normalizer.h"
#include "tokens/byte_pair.h"
#include "tokens/marian.h"
#include "tokens/model_directory.h"
#include "tokens/sentencepiece_directory.h"
#include "tokens/vocabulary_files.h"
#include "tokens/word_piece.h"

namespace attnviz::tokens {
namespace {

namespace fs = std::filesystem;

struct Known {
  std::string_view name;
  Family family;
};

/// tokenizer_class, without "Fast".
constexpr std::array kClasses = {
    Known{"BertTokenizer", Family::bert},
    Known{"DistilBertTokenizer", Family::bert},
    Known{"ElectraTokenizer", Family::bert},
    Known{"MobileBertTokenizer", Family::bert},
    Known{"ConvBertTokenizer", Family::bert},
    Known{"SqueezeBertTokenizer", Family::bert},
    Known{"RobertaTokenizer", Family::roberta},
    Known{"LongformerTokenizer", Family::roberta},
    Known{"BartTokenizer", Family::roberta},
    Known{"GPT2Tokenizer", Family::gpt2},
    Known{"AlbertTokenizer", Family::albert},
    Known{"CamembertTokenizer", Family::camembert},
    Known{"DebertaV2Tokenizer", Family::deberta_v2},
    Known{"GemmaTokenizer", Family::gemma},
    Known{"LlamaTokenizer", Family::llama},
    Known{"MarianTokenizer", Family::marian},
    Known{"T5Tokenizer", Family::t5},
    Known{"XLMRobertaTokenizer", Family::xlm_roberta},
    Known{"XLNetTokenizer", Family::xlnet},
};

/// config.json's model_type.
constexpr std::array kModelTypes = {
    Known{"bert", Family::bert},
    Known{"distilbert", Family::bert},
    Known{"electra", Family::bert},
    Known{"mobilebert", Family::bert},
    Known{"convbert", Family::bert},
    Known{"squeezebert", Family::bert},
    Known{"roberta", Family::roberta},
    Known{"bart", Family::roberta},
    Known{"longformer", Family::roberta},
    Known{"gpt2", Family::gpt2},
    Known{"gpt_neo", Family::gpt2},
    Known{"gptj", Family::gpt2},
    Known{"albert", Family::albert},
    Known{"camembert", Family::camembert},
    Known{"deberta-v2", Family::deberta_v2},
    Known{"gemma", Family::gemma},
    Known{"gemma2", Family::gemma},
    Known{"gemma3_text", Family::gemma},
    Known{"llama", Family::sentencepiece},
    Known{"marian", Family::marian},
    Known{"mistral", Family::sentencepiece},
    Known{"mixtral", Family::sentencepiece},
    Known{"mt5", Family::t5},
    Known{"t5", Family::t5},
    Known{"xlm-roberta", Family::xlm_roberta},
    Known{"xlnet", Family::xlnet},
};

std::optional<Family> find_family(std::span<const Known> table, std::string_view name) {
  const auto found =
      std::find_if(table.begin(), table.end(), [name](const Known& known) { return known.name == name; });
  return found == table.end() ? std::nullopt : std::optional(found->family);
}

std::string checked_text(Directory& directory, const char* name) {
  std::string text = directory.read(name);
  const std::size_t bad = find_invalid_utf8(text);
  if (bad != std::string::npos) {
    throw Error(directory.full(name) + ": not UTF-8 at byte " + std::to_string(bad),
                "expected text, a token a line");
  }
  return text;
}

std::string without_fast(std::string name) {
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  return name;
}

/// What tokenizer_config.json, else config.json say; nullopt when neither does.
std::optional<Family> stated_family(Directory& directory, const json& settings) {
  const Component tokenizer(settings, directory.full("tokenizer_config.json"));
  const bool has_class = tokenizer.has("tokenizer_class");
  const json config = has_class ? json::object() : directory.read_json("config.json");
  const Component model(config, directory.full("config.json"));
  const Component& source = has_class ? tokenizer : model;
  const char* key = source.has("tokenizer_class") ? "tokenizer_class" : "model_type";
  if (!source.has(key)) return std::nullopt;
  const bool by_class = key == std::string_view("tokenizer_class");
  const std::optional<Family> family = by_class ? find_family(kClasses, without_fast(source.text(key)))
                                                : find_family(kModelTypes, source.text(key));
  if (!family) {
    throw Error(source.name() + ": " + key + " \"" + visible(source.text(key)) +
                    "\" is not supported without a tokenizer.json",
                "save the tokenizer with transformers' save_pretrained, which writes one");
  }
  // transformers takes a class's word for it, but for Mistral's models.
  if (by_class && family == Family::llama) {
    const json read = directory.read_json("config.json");
    const std::string type = Component(read, directory.full("config.json")).text_or_empty("model_type");
    if (type == "mistral" || type == "mixtral") return Family::sentencepiece;
  }
  return family;
}

Pipeline read_bert(Directory& directory, const json& settings) {
  const Component options(settings, directory.full("tokenizer_config.json"));
  const SpecialTokens special(settings, directory.read_json("special_tokens_map.json"),
                              directory.read_json("added_tokens.json"),
                              {{"unk_token", "[UNK]"},
                               {"sep_token", "[SEP]"},
                               {"pad_token", "[PAD]"},
                               {"cls_token", "[CLS]"},
                               {"mask_token", "[MASK]"}});
  Pipeline pipeline;
  pipeline.sources.push_back(checked_text(directory, "vocab.txt"));
  const bool lowercase = options.flag("do_lower_case", true);
  pipeline.normalizer.steps.emplace_back(BertNormalizer{true, options.flag("tokenize_chinese_chars", true),
                                                        options.flag("strip_accents", lowercase), lowercase});
  pipeline.pre_tokenizer.steps.push_back(bert_words());
  WordPieceOptions model;
  model.unk_token = content_of(special, "unk_token");
  pipeline.model =
      std::make_unique<WordPiece>(read_vocabulary_lines(pipeline.sources.back()), std::move(model));
  add_special_tokens(directory, pipeline, special);
  pipeline.post_processor = bert_post_processor(special_token(pipeline, special, "cls_token"),
                                                special_token(pipeline, special, "sep_token"));
  return pipeline;
}

std::unique_ptr<Model> read_byte_level_model(Directory& directory, Pipeline& pipeline) {
  for (const char* name : {"vocab.json", "merges.txt"}) {
    if (!directory.has(name)) throw Error(directory.full(name) + ": no such file");
  }
  std::string& vocabulary_text = pipeline.sources.emplace_back(directory.read("vocab.json"));
  Vocabulary vocabulary = reading(directory, "vocab.json", [&] {
    JsonReader reader(vocabulary_text);
    Vocabulary read = read_vocabulary(reader);
    reader.expect_end();
    expect_distinct_ids(read);
    return read;
  });
  const std::string& merges_text = pipeline.sources.emplace_back(checked_text(directory, "merges.txt"));
  return reading(directory, "merges.txt", [&] {
    BytePairOptions options;
    options.byte_level = true;
    return std::make_unique<BytePair>(std::move(vocabulary), read_merge_lines(merges_text),
                                      std::move(options));
  });
}

Pipeline read_byte_level(Directory& directory, const json& settings, std::optional<Family> family) {
  const Component options(settings, directory.full("tokenizer_config.json"));
  Pipeline pipeline;
  pipeline.model = read_byte_level_model(directory, pipeline);
  if (!family) {
    const Vocabulary& vocabulary = pipeline.model->vocabulary();
    const bool has_sentence_marks =
        vocabulary.find("<s>") != Vocabulary::kAbsent && vocabulary.find("</s>") != Vocabulary::kAbsent;
    family = has_sentence_marks ? Family::roberta : Family::gpt2;
  }
  const bool add_prefix_space = options.flag("add_prefix_space", false);
  if (add_prefix_space) pipeline.pre_tokenizer.steps.push_back(prefix_space());
  pipeline.pre_tokenizer.steps.push_back(gpt2_words());
  pipeline.pre_tokenizer.byte_level = true;
  std::map<std::string, std::string> usual;
  if (family == Family::roberta) {
    usual = {{"bos_token", "<s>"},   {"eos_token", "</s>"},  {"sep_token", "</s>"},   {"cls_token", "<s>"},
             {"unk_token", "<unk>"}, {"pad_token", "<pad>"}, {"mask_token", "<mask>"}};
  } else {
    for (const char* name : {"unk_token", "bos_token", "eos_token"}) usual[name] = "<|endoftext|>";
  }
  const SpecialTokens special(settings, directory.read_json("special_tokens_map.json"),
                              directory.read_json("added_tokens.json"), usual);
  add_special_tokens(directory, pipeline, special);
  if (family == Family::gpt2) {
    pipeline.post_processor = bos_eos_post_processor(pipeline, special, options);
  } else {
    pipeline.post_processor = roberta_post_processor(special_token(pipeline, special, "cls_token"),
                                                     special_token(pipeline, special, "sep_token"));
    if (options.flag("trim_offsets", true)) pipeline.post_processor.trims.push_back(add_prefix_space);
  }
  return pipeline;
}

Pipeline read_vocabulary_files(Directory& directory) {
  const json settings = directory.read_json("tokenizer_config.json");
  const Component options(settings, directory.full("tokenizer_config.json"));
  if (options.flag("split_special_tokens", false)) {
    throw Error(options.name() + ": \"split_special_tokens\" is not supported");
  }
  const std::optional<Family> family = stated_family(directory, settings);
  const bool has_lines = directory.has("vocab.txt"), has_json = directory.has("vocab.json");
  const bool is_bare_model = !family && !has_lines && !has_json && directory.has("tokenizer.model");
  const Family model_family = family.value_or(is_bare_model ? Family::sentencepiece : Family::bert);
  if (model_family == Family::marian) return read_marian_directory(directory, settings);
  if (sentencepiece_file_name(model_family)) {
    return read_sentencepiece_directory(directory, settings, model_family);
  }
  if (!has_lines && !has_json) {
    throw Error(
        directory.path().string() + ": has no tokenizer",
        "expected tokenizer.json, or vocab.txt, or vocab.json and merges.txt, or a .model of sentencepiece");
  }
  const bool is_bert = family ? *family == Family::bert : has_lines;
  if (is_bert && !has_lines) throw Error(directory.full("vocab.txt") + ": no such file");
  return is_bert ? read_bert(directory, settings) : read_byte_level(directory, settings, family);
}

}  // namespace

Pipeline read_directory(const fs::path& path) {
  Directory directory(path);
  Pipeline pipeline = directory.has("tokenizer.json") ? read_tokenizer_json(directory.read("tokenizer.json"),
                                                                            directory.full("tokenizer.json"))
                                                      : read_vocabulary_files(directory);
  pipeline.files = directory.files();
  return pipeline;
}

}  // namespace attnviz::tokens
