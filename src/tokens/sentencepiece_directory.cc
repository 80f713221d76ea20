#include "tokens/sentencepiece_directory.h"

#include <initializer_list>
#include <map>
#include <utility>

#include "tokens/byte_pair.h"
#include "tokens/character_map.h"
#include "tokens/read_components.h"
#include "tokens/sentencepiece_file.h"
#include "tokens/unigram.h"

namespace attnviz::tokens {
namespace {

using Names = std::map<std::string, std::string>;

constexpr std::uint32_t kMostExtraIds = 10'000;

bool is_byte_pair(Family family) {
  return family == Family::gemma || family == Family::llama || family == Family::sentencepiece;
}

Names usual_names(Family family, const SentencePieceFile& file) {
  const Names bert = {{"bos_token", "[CLS]"},  {"eos_token", "[SEP]"}, {"sep_token", "[SEP]"},
                      {"cls_token", "[CLS]"},  {"pad_token", "<pad>"}, {"unk_token", "<unk>"},
                      {"mask_token", "[MASK]"}};
  const Names roberta = {{"bos_token", "<s>"},    {"eos_token", "</s>"},  {"sep_token", "</s>"},
                         {"cls_token", "<s>"},    {"pad_token", "<pad>"}, {"unk_token", "<unk>"},
                         {"mask_token", "<mask>"}};
  Names names;
  switch (family) {
    case Family::albert:
      return bert;
    case Family::deberta_v2:
      names = bert;
      names["pad_token"] = "[PAD]";
      names["unk_token"] = "[UNK]";
      return names;
    case Family::camembert:
    case Family::xlm_roberta:
      return roberta;
    case Family::xlnet:
      names = roberta;
      names["sep_token"] = "<sep>";
      names["cls_token"] = "<cls>";
      return names;
    case Family::t5:
      return {{"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}};
    case Family::gemma:
      return {{"bos_token", "<bos>"},
              {"eos_token", "<eos>"},
              {"unk_token", "<unk>"},
              {"pad_token", "<pad>"},
              {"mask_token", "<mask>"}};
    case Family::llama:
      return {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}};
    default:
      break;
  }
  if (file.bos_id >= 0) names["bos_token"] = file.bos_piece;
  if (file.eos_id >= 0) names["eos_token"] = file.eos_piece;
  if (file.unk_id >= 0) names["unk_token"] = file.unk_piece;
  return names;
}

/// How many tokens T5 has for the gaps of a text: "<extra_id_0>" and so on, from the last id downwards.
std::size_t extra_ids(const Component& options, Family family) {
  if (family != Family::t5) return 0;
  const std::uint32_t count = options.has("extra_ids") ? options.number("extra_ids") : 100;
  if (count <= kMostExtraIds) return count;
  throw Error(options.name() + ": \"extra_ids\" is " + std::to_string(count) + ", expected at most " +
              std::to_string(kMostExtraIds));
}

/// The settings, and what the family's class in transformers adds to them.
json completed_settings(json settings, Family family, const SentencePieceFile& file, std::size_t extra_ids) {
  const auto is_empty = [&](const char* key) { return !settings.contains(key) || settings[key].empty(); };
  using Type = SentencePieceFile::Type;
  const auto token = [](std::string_view content, bool special, bool lstrip) {
    return json{{"content", content}, {"lstrip", lstrip}, {"special", special}, {"normalized", false}};
  };
  if (is_empty("extra_special_tokens") && is_empty("additional_special_tokens")) {
    json extra = json::array();
    for (const auto& piece : file.pieces) {
      if (piece.type != Type::control && piece.type != Type::user_defined) continue;
      extra.push_back(token(piece.text, piece.type == Type::control, false));
    }
    for (std::size_t i = 0; i < extra_ids; ++i) {
      extra.push_back(token("<extra_id_" + std::to_string(i) + ">", true, false));
    }
    settings["extra_special_tokens"] = std::move(extra);
  }
  const bool mask_strips = family == Family::camembert || family == Family::xlnet;
  if (mask_strips && (!settings.contains("mask_token") || settings["mask_token"].is_string())) {
    settings["mask_token"] = token(settings.value("mask_token", "<mask>"), true, true);
  }
  return settings;
}

/// The pieces from `first` on, among those that the family puts before and behind them.
ScoredVocabulary listed_pieces(Pipeline& pipeline, const SpecialTokens& special,
                               const SentencePieceFile& file, Family family, std::size_t extra_ids) {
  ScoredVocabulary listed;
  const auto append = [&](std::string piece, double score) {
    listed.append(pipeline.sources.emplace_back(std::move(piece)), score);
  };
  std::size_t first = 0;
  if (family == Family::xlm_roberta) {
    first = 3;
    for (const char* name : {"bos_token", "pad_token", "eos_token", "unk_token"}) {
      append(content_of(special, name), 0);
    }
  } else if (family == Family::camembert) {
    first = 1;
    append("<s>NOTUSED", 0);
    append(content_of(special, "pad_token"), 0);
    append("</s>NOTUSED", 0);
    append(content_of(special, "unk_token"), 0);
    append("<unk>NOTUSED", -100);
  }
  for (std::size_t i = first; i < file.pieces.size(); ++i) {
    listed.append(file.pieces[i].text, static_cast<double>(file.pieces[i].score));
  }
  if (first > 0) append(content_of(special, "mask_token"), 0);
  for (std::size_t i = extra_ids; i-- > 0;) {
    append("<extra_id_" + std::to_string(i) + ">", 0);
  }
  return listed;
}

std::uint32_t unknown_id(const Vocabulary& pieces, const SpecialTokens& special,
                         const SentencePieceFile& file, Family family) {
  const auto trained = static_cast<std::uint32_t>(file.unk_id);
  switch (family) {
    case Family::albert:
      return 1;
    case Family::t5:
      return 2;
    case Family::xlm_roberta:
    case Family::camembert:
      return 3;
    case Family::deberta_v2: {
      const Vocabulary::Entry entry = pieces.find(content_of(special, "unk_token"));
      return entry != Vocabulary::kAbsent && entry < file.pieces.size() && file.pieces[entry].score == 0
                 ? entry
                 : trained;
    }
    default:
      return trained;
  }
}

std::unique_ptr<Model> unigram_model(Pipeline& pipeline, const SpecialTokens& special,
                                     const SentencePieceFile& file, Family family, std::size_t extra_ids) {
  ScoredVocabulary vocabulary = listed_pieces(pipeline, special, file, family, extra_ids);
  UnigramOptions options;
  options.unk_id = unknown_id(vocabulary.pieces, special, file, family);
  return std::make_unique<Unigram>(std::move(vocabulary), options);
}

/// All ways to make a piece of two others; pieces of lower ids come first, and shorter left halves.
std::vector<MergePair> merges_of(const Vocabulary& pieces) {
  std::vector<MergePair> merges;
  for (Vocabulary::Entry entry = 0; entry < pieces.size(); ++entry) {
    const std::string_view piece = pieces.token(entry);
    for (std::size_t middle = 0; middle < piece.size();) {
      (void)next_code_point(piece, middle);
      if (middle == piece.size() || pieces.find(piece.substr(0, middle)) == Vocabulary::kAbsent ||
          pieces.find(piece.substr(middle)) == Vocabulary::kAbsent) {
        continue;
      }
      merges.emplace_back(piece.substr(0, middle), piece.substr(middle));
    }
  }
  return merges;
}

std::unique_ptr<Model> byte_pair_model(const SpecialTokens& special, const SentencePieceFile& file,
                                       Family family) {
  Vocabulary vocabulary;
  for (const auto& piece : file.pieces) {
    const auto id = static_cast<std::uint32_t>(vocabulary.size());
    vocabulary.insert(piece.text, id);
    if (vocabulary.size() == id) throw Error("the piece \"" + visible(piece.text) + "\" is there twice");
  }
  BytePairOptions options;
  options.fuse_unk = true;
  options.byte_fallback = family != Family::sentencepiece || file.byte_fallback;
  if (family == Family::sentencepiece) options.unk_token = std::string(file.unk_piece);
  if (family == Family::gemma) options.unk_token = content_of(special, "unk_token");
  const std::vector<MergePair> merges = merges_of(vocabulary);
  return std::make_unique<BytePair>(std::move(vocabulary), merges, std::move(options));
}

json replacement(const char* pattern, const char* content, const char* kind = "String") {
  return {{"type", "Replace"}, {"pattern", {{kind, pattern}}}, {"content", content}};
}

/// What the family does to a text before its character map.
json normalizers_of(Family family, const Component& options) {
  json steps = json::array();
  if (family == Family::albert || family == Family::xlnet) {
    steps = {replacement("``", "\""), replacement("''", "\"")};
    if (family == Family::xlnet || !options.flag("keep_accents", false)) {
      steps.push_back({{"type", "NFKD"}});
      steps.push_back({{"type", "StripAccents"}});
    }
    if (options.flag("do_lower_case", family == Family::albert)) steps.push_back({{"type", "Lowercase"}});
  } else if (family == Family::deberta_v2) {
    if (options.flag("do_lower_case", false)) steps.push_back({{"type", "Lowercase"}});
    steps.push_back(replacement("\\s{2,}|[\\n\\r\\t]", " ", "Regex"));
    steps.push_back({{"type", "NFC"}});
    steps.push_back({{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}});
  } else if (family == Family::gemma) {
    steps.push_back(replacement(" ", "▁"));
  }
  return {{"type", "Sequence"}, {"normalizers", steps}};
}

Normalizer read_family_normalizer(Family family, const Component& options, const SentencePieceFile& file) {
  Normalizer normalizer = read_normalizer({normalizers_of(family, options), "normalizer"});
  const bool has_map = family != Family::deberta_v2 && family != Family::gemma && family != Family::llama;
  if (has_map && !file.character_map.empty()) normalizer.steps.emplace_back(CharacterMap(file.character_map));
  if (family == Family::sentencepiece) {
    for (NormalizerStep& step : read_normalizer({replacement(" ", "▁"), "normalizer"}).steps) {
      normalizer.steps.push_back(std::move(step));
    }
  }
  return normalizer;
}

json pre_tokenizer_of(Family family, const Component& options) {
  const bool adds_space = options.flag("add_prefix_space", true);
  const auto metaspace = [](const char* scheme, bool split) {
    return json{{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme}, {"split", split}};
  };
  json steps = json::array();
  switch (family) {
    case Family::gemma:
      return {{"type", "Split"},
              {"pattern", {{"String", " "}}},
              {"behavior", "MergedWithPrevious"},
              {"invert", false}};
    case Family::llama:
      return metaspace(!adds_space ? "never" : options.flag("legacy", false) ? "always" : "first", false);
    case Family::deberta_v2:
      if (options.flag("split_by_punct", false)) {
        steps.push_back({{"type", "Punctuation"}, {"behavior", "Isolated"}});
      }
      steps.push_back(metaspace(adds_space ? "always" : "first", true));
      break;
    case Family::t5:
    case Family::xlnet:
      steps = {{{"type", "WhitespaceSplit"}}, metaspace("always", true)};
      break;
    default:
      steps = {{{"type", "WhitespaceSplit"}}, metaspace(adds_space ? "always" : "never", true)};
  }
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

/// A place in a template: a special token's name, "A" or "B"; and its type.
using Place = std::pair<const char*, std::uint32_t>;

std::vector<TemplatePiece> filled(const Pipeline& pipeline, const SpecialTokens& special,
                                  std::initializer_list<Place> places) {
  std::vector<TemplatePiece> pieces;
  for (const auto& [name, type] : places) {
    const std::string_view place = name;
    if (place == "A" || place == "B") {
      pieces.push_back({place == "A" ? 0 : 1, {}, type});
    } else {
      pieces.push_back({{}, {special_token(pipeline, special, name)}, type});
    }
  }
  return pieces;
}

PostProcessor post_processor_of(const Pipeline& pipeline, const SpecialTokens& special, Family family,
                                const Component& options) {
  if (is_byte_pair(family)) return bos_eos_post_processor(pipeline, special, options);
  const auto fill = [&](std::initializer_list<Place> places) { return filled(pipeline, special, places); };
  PostProcessor result;
  if (family == Family::t5) {
    result.single = fill({{"A", 0}, {"eos_token", 0}});
    result.pair = fill({{"A", 0}, {"eos_token", 0}, {"B", 0}, {"eos_token", 0}});
  } else if (family == Family::xlnet) {
    result.single = fill({{"A", 0}, {"sep_token", 0}, {"cls_token", 2}});
    result.pair = fill({{"A", 0}, {"sep_token", 0}, {"B", 1}, {"sep_token", 1}, {"cls_token", 2}});
  } else if (family == Family::albert || family == Family::deberta_v2) {
    result = bert_post_processor(special_token(pipeline, special, "cls_token"),
                                 special_token(pipeline, special, "sep_token"));
  } else {
    result = roberta_post_processor(special_token(pipeline, special, "bos_token"),
                                    special_token(pipeline, special, "eos_token"));
  }
  return result;
}

void expect_algorithm(const SentencePieceFile& file, Family family) {
  using Algorithm = SentencePieceFile::Algorithm;
  if (file.algorithm == (is_byte_pair(family) ? Algorithm::bpe : Algorithm::unigram)) return;
  throw Error(std::string("it was trained with another algorithm than ") +
                  (is_byte_pair(family) ? "bpe" : "unigram") + ", which is not supported for this model",
              "save the tokenizer with transformers' save_pretrained, which writes a tokenizer.json");
}

}  // namespace

const char* sentencepiece_file_name(Family family) {
  switch (family) {
    case Family::albert:
    case Family::t5:
    case Family::xlnet:
      return "spiece.model";
    case Family::camembert:
    case Family::xlm_roberta:
      return "sentencepiece.bpe.model";
    case Family::deberta_v2:
      return "spm.model";
    case Family::gemma:
    case Family::llama:
    case Family::sentencepiece:
      return "tokenizer.model";
    default:
      return nullptr;
  }
}

Pipeline read_sentencepiece_directory(Directory& directory, const json& settings, Family family) {
  const char* name = sentencepiece_file_name(family);
  if (!directory.has(name)) throw Error(directory.full(name) + ": no such file");
  Pipeline pipeline;
  const std::string& bytes = pipeline.sources.emplace_back(directory.read(name));
  const Component options(settings, directory.full("tokenizer_config.json"));
  const std::size_t extra = extra_ids(options, family);
  const auto [file, special] = reading(directory, name, [&] {
    SentencePieceFile read = read_sentencepiece_file(bytes);
    expect_algorithm(read, family);
    SpecialTokens tokens(completed_settings(settings, family, read, extra),
                         directory.read_json("special_tokens_map.json"),
                         directory.read_json("added_tokens.json"), usual_names(family, read));
    pipeline.model = is_byte_pair(family) ? byte_pair_model(tokens, read, family)
                                          : unigram_model(pipeline, tokens, read, family, extra);
    pipeline.normalizer = read_family_normalizer(family, options, read);
    return std::pair(std::move(read), std::move(tokens));
  });
  if (family != Family::sentencepiece) {
    const json pre_tokenizer = pre_tokenizer_of(family, options);
    pipeline.pre_tokenizer = read_pre_tokenizer({pre_tokenizer, "pre_tokenizer"});
  }
  add_special_tokens(directory, pipeline, special);
  pipeline.post_processor = post_processor_of(pipeline, special, family, options);
  return pipeline;
}

}  // namespace attnviz::tokens
