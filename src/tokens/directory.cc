#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "attnviz/error.h"
#include "attnviz/file.h"
#include "tokens/bert_normalizer.h"
#include "tokens/byte_pair.h"
#include "tokens/component.h"
#include "tokens/json_reader.h"
#include "tokens/pipeline.h"
#include "tokens/special_tokens.h"
#include "tokens/vocabulary_files.h"
#include "tokens/word_piece.h"

namespace attnviz::tokens {
namespace {

namespace fs = std::filesystem;

/// The tokenizers that transformers builds from plain vocabulary files.
enum class Family { bert, roberta, gpt2 };

struct Known {
  std::string_view name;
  Family family;
};

/// tokenizer_class, without "Fast".
constexpr std::array kClasses = {
    Known{"BertTokenizer", Family::bert},       Known{"DistilBertTokenizer", Family::bert},
    Known{"ElectraTokenizer", Family::bert},    Known{"MobileBertTokenizer", Family::bert},
    Known{"ConvBertTokenizer", Family::bert},   Known{"SqueezeBertTokenizer", Family::bert},
    Known{"RobertaTokenizer", Family::roberta}, Known{"LongformerTokenizer", Family::roberta},
    Known{"BartTokenizer", Family::roberta},    Known{"GPT2Tokenizer", Family::gpt2},
};

/// config.json's model_type.
constexpr std::array kModelTypes = {
    Known{"bert", Family::bert},          Known{"distilbert", Family::bert},
    Known{"electra", Family::bert},       Known{"mobilebert", Family::bert},
    Known{"convbert", Family::bert},      Known{"squeezebert", Family::bert},
    Known{"roberta", Family::roberta},    Known{"bart", Family::roberta},
    Known{"longformer", Family::roberta}, Known{"gpt2", Family::gpt2},
    Known{"gpt_neo", Family::gpt2},       Known{"gptj", Family::gpt2},
};

std::optional<Family> find_family(std::span<const Known> table, std::string_view name) {
  const auto found =
      std::find_if(table.begin(), table.end(), [name](const Known& known) { return known.name == name; });
  return found == table.end() ? std::nullopt : std::optional(found->family);
}

/// A model's directory, and what was read of it.
class Directory {
 public:
  explicit Directory(fs::path path) : path_(std::move(path)) {}

  [[nodiscard]] bool has(const char* name) const {
    std::error_code ignored;
    return fs::exists(path_ / name, ignored);
  }
  std::string read(const char* name) {
    files_.emplace_back(name);
    return read_file(path_ / name);
  }
  /// An object; empty when there is no such file.
  json read_json(const char* name) {
    if (!has(name)) return json::object();
    json value = json::parse(read(name), nullptr, false);
    if (!value.is_object()) throw Error((path_ / name).string() + ": not a JSON object");
    return value;
  }
  [[nodiscard]] std::string full(const char* name) const { return (path_ / name).string(); }
  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }

 private:
  fs::path path_;
  std::vector<std::string> files_;
};

/// Runs `read` on a file's contents; errors then name the file.
template <class Read>
auto reading(const Directory& directory, const char* name, Read&& read) {
  try {
    return read();
  } catch (const JsonError& error) {
    throw Error(directory.full(name) + ": malformed JSON: " + error.what());
  } catch (const Error& error) {
    throw Error(directory.full(name) + ": " + error.what(), error.hint());
  }
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
  const json config = tokenizer.has("tokenizer_class") ? json::object() : directory.read_json("config.json");
  const Component model(config, directory.full("config.json"));
  const Component& source = tokenizer.has("tokenizer_class") ? tokenizer : model;
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
  return family;
}

/// Puts the special tokens into the pipeline, as added tokens.
void add_special_tokens(const Directory& directory, Pipeline& pipeline, const SpecialTokens& special) {
  reading(directory, "tokenizer_config.json", [&] {
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

/// Every named token has an id: it was added where the vocabulary lacked it.
SpecialToken special_token(const Pipeline& pipeline, const SpecialTokens& special, const char* name) {
  const std::string content = content_of(special, name);
  return {content, pipeline.id_of(content).value()};
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

/// $A and $B, with the tokens that add_bos_token and add_eos_token ask for.
PostProcessor gpt2_post_processor(const Pipeline& pipeline, const SpecialTokens& special,
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
    pipeline.post_processor = gpt2_post_processor(pipeline, special, options);
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
  if (!has_lines && !has_json) {
    throw Error(directory.path().string() + ": has no tokenizer",
                "expected tokenizer.json, or vocab.txt, or vocab.json and merges.txt");
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
