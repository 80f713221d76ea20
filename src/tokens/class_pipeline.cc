#include "tokens/class_pipeline.h"

#include <algorithm>
#include <array>

#include "tokens/class_parts.h"
#include "tokens/read_components.h"

namespace attnviz::tokens {
namespace {

using Algorithm = TokenizerClass::Algorithm;

/// The file's "Precompiled" normalizer, which the classes that rebuild theirs keep; null when it has none.
json character_map(const Sections& sections) {
  const json* normalizer = sections.find("normalizer");
  if (!normalizer) return {};
  const bool is_sequence = normalizer->is_object() && normalizer->value("type", json()) == "Sequence" &&
                           normalizer->contains("normalizers");
  const json steps = is_sequence ? (*normalizer)["normalizers"] : json::array({*normalizer});
  for (const json& step : steps) {
    if (step.is_object() && step.value("type", json()) == "Precompiled") return step;
  }
  return {};
}

/// The place of the unknown piece in a vocabulary with scores, as each class finds it.
std::uint32_t unknown_place(Family family, const ScoredVocabulary& vocabulary, const std::string& unknown,
                            const Component& options) {
  const auto stated = [&](std::uint32_t otherwise) {
    return options.object().contains("unk_id") ? options.number("unk_id") : otherwise;
  };
  const Vocabulary::Entry entry = vocabulary.pieces.find(unknown);
  const bool is_there = entry != Vocabulary::kAbsent;
  const bool has_no_score = is_there && vocabulary.scores[entry] == 0;
  switch (family) {
    case Family::albert:
      return 1;
    case Family::t5:
      return 2;
    case Family::camembert:
      return is_there ? entry : 0;
    case Family::deberta_v2:
      return has_no_score ? entry : stated(1);
    case Family::xlnet:
      return stated(0);
    case Family::pegasus:
      if (has_no_score && entry > 0) return entry;
      throw Error("tokenizer.json: its vocabulary lacks \"" + visible(unknown) + "\" of score 0",
                  "transformers does not take it either");
    default:
      return 3;
  }
}

json model_settings(const TokenizerClass& kind, const ModelSection& model, const SpecialTokens& special,
                    const Component& options) {
  const bool needs_unknown = kind.algorithm != Algorithm::byte_pair || kind.family == Family::gemma;
  const std::string unknown = needs_unknown ? content_of(special, "unk_token") : std::string();
  switch (kind.algorithm) {
    case Algorithm::word_piece:
      return {{"type", "WordPiece"},
              {"unk_token", unknown},
              {"continuing_subword_prefix", "##"},
              {"max_input_chars_per_word", 100U}};
    case Algorithm::unigram:
      return {{"type", "Unigram"},
              {"unk_id", unknown_place(kind.family, *model.scored_vocabulary, unknown, options)}};
    case Algorithm::byte_pair:
    case Algorithm::any:
      break;
  }
  const bool has_byte_pieces = kind.family == Family::llama || kind.family == Family::gemma;
  json settings = {{"type", "BPE"}, {"fuse_unk", has_byte_pieces}, {"byte_fallback", has_byte_pieces}};
  if (needs_unknown) settings["unk_token"] = unknown;
  return settings;
}

/// The class's model, of the file's vocabulary.
void put_model(const TokenizerClass& kind, Sections& sections, const SpecialTokens& special,
               const Component& options) {
  ModelSection& model = sections.model;
  const bool wants_scores = kind.algorithm == Algorithm::unigram;
  if (wants_scores ? !model.scored_vocabulary : !model.vocabulary) {
    throw Error(options.name() + ": " + std::string(kind.name) +
                    " does not go with tokenizer.json, whose model " +
                    (wants_scores ? "has no list of pieces and scores" : "has no words and ids"),
                "\"tokenizer_class\": \"PreTrainedTokenizerFast\" takes the file as it is");
  }
  if (kind.algorithm != Algorithm::byte_pair) {
    model.merges.reset();
  } else if (!model.merges) {
    model.merges.emplace();
  }
  model.settings = model_settings(kind, model, special, options);
}

/// A template is written as words with types behind colons: such a token would be read as something else.
SpecialToken template_token(const Pipeline& pipeline, const SpecialTokens& special, const char* name) {
  SpecialToken token = special_token(pipeline, special, name);
  const bool is_one_word = token.content.find_first_of(": \t\n\r") == std::string::npos;
  if (is_one_word && !token.content.starts_with('$')) return token;
  throw Error(std::string("tokenizer_config.json: ") + name + " \"" + visible(token.content) +
                  "\": a space, a colon or a leading $ is not supported in a token that is added to texts",
              "transformers reads it as something else than one token");
}

/// A text and its ends, and two texts, each an end of its own behind it.
PostProcessor ends_of_t5(const SpecialToken& end) {
  PostProcessor result;
  result.single = {{0, {}, 0}, {{}, {end}, 0}};
  result.pair = {{0, {}, 0}, {{}, {end}, 0}, {1, {}, 0}, {{}, {end}, 0}};
  return result;
}

/// mBART ends a text with the code of its language.
PostProcessor language_ends(const Pipeline& pipeline, const SpecialTokens& special,
                            const Component& options) {
  const std::string language = options.has("src_lang") ? options.text("src_lang") : "en_XX";
  const std::optional<std::uint32_t> known = pipeline.id_of(language);
  const SpecialToken code =
      known ? SpecialToken{language, *known} : special_token(pipeline, special, "unk_token");
  const std::vector<SpecialToken> ends = {template_token(pipeline, special, "eos_token"), code};
  PostProcessor result;
  result.single = {{0, {}, 0}, {{}, ends, 0}};
  result.pair = {{0, {}, 0}, {1, {}, 0}, {{}, ends, 0}};
  return result;
}

/// XLNet has its special tokens behind the text.
PostProcessor ends_of_xlnet(const SpecialToken& sep, const SpecialToken& cls) {
  PostProcessor result;
  const TemplatePiece first = {0, {}, 0}, end = {{}, {sep}, 0}, last = {{}, {cls}, 2};
  result.single = {first, end, last};
  result.pair = {first, end, {1, {}, 1}, {{}, {sep}, 1}, last};
  return result;
}

/// The class's own; nullopt for one that leaves the file's.
std::optional<PostProcessor> class_post_processor(Family family, const Pipeline& pipeline,
                                                  const SpecialTokens& special, const Component& options) {
  const auto token = [&](const char* name) { return template_token(pipeline, special, name); };
  PostProcessor result;
  switch (family) {
    case Family::bert:
    case Family::deberta_v2:
      return bert_post_processor(token("cls_token"), token("sep_token"));
    case Family::mpnet:
    case Family::roberta:
      result = roberta_post_processor(special_token(pipeline, special, "cls_token"),
                                      special_token(pipeline, special, "sep_token"));
      if (family == Family::mpnet) {
        result.trims.push_back(false);
      } else if (options.flag("trim_offsets", true)) {
        result.trims.push_back(options.flag("add_prefix_space", false));
      }
      return result;
    case Family::camembert:
    case Family::xlm_roberta:
      return roberta_post_processor(token("bos_token"), token("eos_token"));
    case Family::gpt_neox:
      return result;
    case Family::mbart:
      return language_ends(pipeline, special, options);
    case Family::pegasus: {
      const TemplatePiece end = {{}, {token("eos_token")}, 0};
      result.single = {{0, {}, 0}, end};
      result.pair = {{0, {}, 0}, {1, {}, 0}, end};
      return result;
    }
    case Family::t5: {
      SpecialToken end = special_token(pipeline, special, "eos_token");
      end.content = "</s>";  // whatever the token is called
      return ends_of_t5(end);
    }
    case Family::xlnet:
      return ends_of_xlnet(token("sep_token"), token("cls_token"));
    default:
      return std::nullopt;
  }
}

/// ALBERT's stand-in for a file without one calls its tokens by their usual names.
PostProcessor albert_post_processor(const Pipeline& pipeline, const SpecialTokens& special) {
  const auto named = [&](const char* name, const char* usual) {
    const Vocabulary& vocabulary = pipeline.model->vocabulary();
    const Vocabulary::Entry entry = vocabulary.find(content_of(special, name));
    if (entry != Vocabulary::kAbsent) return SpecialToken{usual, vocabulary.id(entry)};
    throw Error(std::string("tokenizer_config.json: the vocabulary lacks ") + name);
  };
  return bert_post_processor(named("cls_token", "[CLS]"), named("sep_token", "[SEP]"));
}

PostProcessor post_processor(const TokenizerClass& kind, const Pipeline& pipeline,
                             const SpecialTokens& special, const Component& options,
                             const Sections& sections, const Directory& directory, bool has_file) {
  // Without a tokenizer.json, add_bos_token and add_eos_token count, but for classes with a template.
  const json& object = options.object();
  const bool says_ends = object.contains("add_bos_token") || object.contains("add_eos_token");
  if (std::optional<PostProcessor> own = class_post_processor(kind.family, pipeline, special, options)) {
    return kind.family == Family::gpt_neox && !has_file ? bos_eos_post_processor(pipeline, special, options)
                                                        : std::move(*own);
  }
  if (!has_file && says_ends) return bos_eos_post_processor(pipeline, special, options);
  if (const json* file = sections.find("post_processor")) {
    return reading_tokenizer_json(directory.full("tokenizer.json"),
                                  [&] { return read_post_processor({*file, "post_processor"}); });
  }
  return kind.family == Family::albert ? albert_post_processor(pipeline, special) : PostProcessor();
}

std::vector<AddedToken> added_tokens(const TokenizerClass& kind, const Sections& sections,
                                     const SpecialTokens& special) {
  std::vector<AddedToken> tokens;
  const json* listed = kind.keeps_file ? sections.find("added_tokens") : nullptr;
  if (listed) tokens = read_added_tokens(*listed);
  std::set<std::string> known;
  for (const AddedToken& token : tokens) known.insert(token.content);
  for (AddedToken& token : special.added_tokens(known)) tokens.push_back(std::move(token));
  if (kind.family == Family::qwen2) {
    for (std::string& content : special.all()) {
      tokens.push_back({std::move(content), false, false, false, false, true});
    }
  }
  return tokens;
}

/// What is an argument in Python alone, and what is looked up elsewhere.
void expect_usual_settings(const Component& options, const Directory& directory) {
  constexpr std::array kNever = {"vocab",        "merges",     "tokenizer_object", "post_processor",
                                 "init_inputs",  "gguf_file",  "tokenizer_padding", "tokenizer_truncation",
                                 "_json_padding", "_json_truncation", "_spm_precompiled_charsmap"};
  for (const char* key : kNever) {
    if (options.has(key) && Members::is_true_value(options.value(key))) {
      throw Error(options.name() + ": \"" + key + "\" is not supported",
                  "remove it: no tokenizer needs it there");
    }
  }
  if (options.has("fast_tokenizer_files")) {
    for (const json& file : options.list("fast_tokenizer_files")) {
      if (file == "tokenizer.json") continue;
      throw Error(options.name() + ": \"fast_tokenizer_files\": a file for each version is not supported",
                  "remove the entry to have " + directory.full("tokenizer.json"));
    }
  }
}

void expect_pattern_as_it_is(const Pipeline& pipeline, const Component& options) {
  constexpr std::size_t kOfSome = 100'000;
  constexpr const char* kFix = "fix_mistral_regex";
  if (!options.has(kFix) || !Members::is_true_value(options.value(kFix))) return;
  if (pipeline.vocabulary_size() > kOfSome) {
    throw Error(options.name() + ": \"fix_mistral_regex\" is not supported",
                "load the tokenizer with it in transformers, save it, and remove the entry");
  }
}

}  // namespace

Pipeline build_class_pipeline(const Directory& directory, const TokenizerClass& kind, const TokenFiles& files,
                              Sections sections) {
  const json settings = files.settings.object();
  const Component options(settings, directory.full("tokenizer_config.json"));
  expect_usual_settings(options, directory);
  const bool has_file = files.listed != nullptr;
  const SpecialTokens special = locating(
      directory, [&] { return SpecialTokens(files, kind.family, default_tokens(kind.family)); });
  if (!kind.keeps_file || !has_file) {
    sections.top["normalizer"] = normalizer_of(kind.family, options, character_map(sections));
    sections.top["pre_tokenizer"] = pre_tokenizer_of(kind.family, options);
    locating(directory, [&] { put_model(kind, sections, special, options); });
  }
  const std::string file = directory.full("tokenizer.json");
  const char* words = kind.algorithm == Algorithm::word_piece ? "vocab.txt" : "merges.txt";
  const auto read_parts = [&] { return build_pipeline(sections); };
  Pipeline pipeline =
      has_file ? reading_tokenizer_json(file, read_parts) : reading(directory, words, read_parts);
  const auto add_tokens = [&] {
    put_added_tokens(pipeline, sections, added_tokens(kind, sections, special));
  };
  if (has_file) {
    reading_tokenizer_json(file, add_tokens);
  } else {
    reading(directory, "tokenizer_config.json", add_tokens);
  }
  pipeline.post_processor = locating(directory, [&] {
    return post_processor(kind, pipeline, special, options, sections, directory, has_file);
  });
  if (options.has("split_special_tokens")) {
    pipeline.added->split_special_tokens(Members::is_true_value(options.value("split_special_tokens")));
  }
  if (const std::optional<std::string> pad = special.content("pad_token")) {
    pipeline.padding_id = pipeline.id_of(*pad).value_or(0);
  }
  expect_pattern_as_it_is(pipeline, options);
  return pipeline;
}

}  // namespace attnviz::tokens
