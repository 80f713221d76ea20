#include "tokens/sentencepiece_directory.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <set>
#include <utility>

#include "tokens/byte_pair.h"
#include "tokens/character_map.h"
#include "tokens/class_parts.h"
#include "tokens/read_components.h"
#include "tokens/sentencepiece_file.h"
#include "tokens/unigram.h"

namespace attnviz::tokens {
namespace {

bool is_byte_pair(Family family) {
  return family == Family::gemma || family == Family::llama || family == Family::sentencepiece;
}

/// The names that the class has defaults for; without a class, those that the file itself gives.
Defaults usual_tokens(Family family, const SentencePieceFile& file) {
  Defaults names = default_tokens(family);
  if (family != Family::sentencepiece) return names;
  if (file.bos_id >= 0) names.emplace_back("bos_token", std::string(file.bos_piece));
  if (file.eos_id >= 0) names.emplace_back("eos_token", std::string(file.eos_piece));
  if (file.unk_id >= 0) names.emplace_back("unk_token", std::string(file.unk_piece));
  return names;
}

/// The file's special pieces, and those that users have defined, in the place of "additional_special_tokens".
json special_pieces(Family family, const SentencePieceFile& file) {
  using Type = SentencePieceFile::Type;
  json list = json::array();
  for (const auto& piece : file.pieces) {
    // Without a class, the tokenizer itself keeps those of users whole.
    const bool is_taken = piece.type == Type::control ||
                          (piece.type == Type::user_defined && family != Family::sentencepiece);
    if (!is_taken) continue;
    list.push_back({{"__type", "AddedToken"},
                    {"content", piece.text},
                    {"special", piece.type == Type::control},
                    {"normalized", false}});
  }
  return list;
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

/// Calls `take` with the halves of all ways to cut a piece into two others, the shorter left halves first.
template <class Take>
void for_each_split(const Vocabulary& pieces, Vocabulary::Entry entry, Take&& take) {
  const std::string_view piece = pieces.token(entry);
  for (std::size_t middle = 0; middle < piece.size();) {
    (void)next_code_point(piece, middle);
    if (middle == piece.size()) return;
    const Vocabulary::Entry left = pieces.find(piece.substr(0, middle));
    const Vocabulary::Entry right = pieces.find(piece.substr(middle));
    if (left != Vocabulary::kAbsent && right != Vocabulary::kAbsent) take(left, right);
  }
}

/// All ways to make a piece of two others; pieces of lower ids come first, and shorter left halves.
std::vector<MergePair> merges_of(const Vocabulary& pieces) {
  std::vector<MergePair> merges;
  for (Vocabulary::Entry entry = 0; entry < pieces.size(); ++entry) {
    for_each_split(pieces, entry, [&](Vocabulary::Entry left, Vocabulary::Entry right) {
      merges.emplace_back(pieces.token(left), pieces.token(right));
    });
  }
  return merges;
}

/// Those of pieces that are neither special nor a user's nor bytes, in the order of their scores.
std::vector<MergePair> scored_merges_of(const Vocabulary& pieces, const SentencePieceFile& file) {
  using Type = SentencePieceFile::Type;
  std::vector<Vocabulary::Entry> order;
  for (Vocabulary::Entry entry = 0; entry < pieces.size(); ++entry) {
    if (file.pieces[entry].type == Type::normal) order.push_back(entry);
  }
  std::stable_sort(order.begin(), order.end(), [&](Vocabulary::Entry a, Vocabulary::Entry b) {
    return file.pieces[a].score > file.pieces[b].score;
  });
  std::vector<MergePair> merges;
  for (const Vocabulary::Entry entry : order) {
    const std::size_t first = merges.size();
    for_each_split(pieces, entry, [&](Vocabulary::Entry left, Vocabulary::Entry right) {
      if (file.pieces[left].type == Type::normal && file.pieces[right].type == Type::normal) {
        merges.emplace_back(pieces.token(left), pieces.token(right));
      }
    });
    // A piece's own splits come in the order of their left halves' letters.
    std::sort(merges.begin() + static_cast<std::ptrdiff_t>(first), merges.end());
  }
  return merges;
}

/// The pieces by their ids; without a class, the configuration may call some otherwise.
Vocabulary named_pieces(Pipeline& pipeline, const SpecialTokens& special, const SentencePieceFile& file,
                        Family family) {
  const auto& names = special.decoder();
  std::set<std::string_view> kept;
  for (std::uint32_t id = 0; id < file.pieces.size(); ++id) {
    if (names.count(id) == 0) kept.insert(file.pieces[id].text);
  }
  Vocabulary vocabulary;
  for (std::uint32_t id = 0; id < file.pieces.size(); ++id) {
    std::string_view text = file.pieces[id].text;
    const auto name = names.find(id);
    if (family == Family::sentencepiece && name != names.end() && kept.count(name->second.content) == 0) {
      text = pipeline.sources.emplace_back(name->second.content);
    }
    vocabulary.insert(text, id);
    if (vocabulary.size() == id) throw Error("the piece \"" + visible(text) + "\" is there twice");
  }
  return vocabulary;
}

bool has_pieces_of_users(const SentencePieceFile& file) {
  return std::any_of(file.pieces.begin(), file.pieces.end(), [](const SentencePieceFile::Piece& piece) {
    return piece.type == SentencePieceFile::Type::user_defined;
  });
}

std::unique_ptr<Model> byte_pair_model(Pipeline& pipeline, const SpecialTokens& special,
                                       const SentencePieceFile& file, Family family) {
  Vocabulary vocabulary = named_pieces(pipeline, special, file, family);
  const bool is_bare = family == Family::sentencepiece;
  BytePairOptions options;
  options.fuse_unk = true;
  options.byte_fallback = !is_bare || file.byte_fallback;
  options.ignore_merges = is_bare && has_pieces_of_users(file);
  if (is_bare) options.unk_token = std::string(file.unk_piece);
  if (family == Family::gemma) options.unk_token = content_of(special, "unk_token");
  const std::vector<MergePair> merges = is_bare ? scored_merges_of(vocabulary, file) : merges_of(vocabulary);
  return std::make_unique<BytePair>(std::move(vocabulary), merges, std::move(options));
}

json replacement(const char* pattern, const char* content, const char* kind = "String") {
  return {{"type", "Replace"}, {"pattern", {{kind, pattern}}}, {"content", content}};
}

/// As sentencepiece itself does: no spaces at the ends, one between words, all written as marks.
json bare_normalizers(const SentencePieceFile& file, bool is_older) {
  json steps = json::array();
  if (file.removes_extra_spaces) {
    steps.push_back(replacement(R"(\A +| +\z)", "", "Regex"));
    steps.push_back(replacement(" {2,}", " ", "Regex"));
  }
  if (file.escapes_spaces) steps.push_back(replacement(" ", "▁"));
  // The mark that is put before a text is not put before one that starts with it.
  if (file.adds_prefix && is_older) steps.push_back(replacement(R"(\A▁)", "▁▁", "Regex"));
  return {{"type", "Sequence"}, {"normalizers", steps}};
}

/// A pattern for the pieces of users, the longest first, as Python's re.escape writes them.
std::string pattern_of_users(const SentencePieceFile& file) {
  std::vector<std::string_view> pieces;
  for (const auto& piece : file.pieces) {
    if (piece.type == SentencePieceFile::Type::user_defined) pieces.push_back(piece.text);
  }
  std::stable_sort(pieces.begin(), pieces.end(), [](std::string_view a, std::string_view b) {
    return count_code_points(a) > count_code_points(b);
  });
  std::string pattern;
  for (const std::string_view piece : pieces) {
    if (!pattern.empty()) pattern += '|';
    for (const char c : piece) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x80 && std::isalnum(byte) == 0 && c != '_') pattern += '\\';
      pattern += c;
    }
  }
  return pattern;
}

json bare_pre_tokenizer(const SentencePieceFile& file, bool is_older) {
  json steps = json::array();
  if (file.adds_prefix) {
    steps.push_back({{"type", "Metaspace"},
                     {"replacement", "▁"},
                     {"prepend_scheme", is_older ? "always" : "first"},
                     {"split", false}});
  }
  if (has_pieces_of_users(file)) {
    steps.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", pattern_of_users(file)}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  }
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

/// The parts around the model.
void put_parts(Pipeline& pipeline, Family family, const TokenFiles& files, const Component& options,
               const SentencePieceFile& file) {
  const bool is_bare = family == Family::sentencepiece;
  const bool is_older = !options.object().contains("legacy") || files.settings.is_true("legacy");
  const json normalizer =
      is_bare ? bare_normalizers(file, is_older) : normalizer_of(family, options, /*character_map=*/json());
  const bool has_map = family != Family::deberta_v2 && family != Family::gemma && family != Family::llama &&
                       !file.character_map.empty();
  // The map comes last, but for sentencepiece itself, which begins with it.
  if (has_map && is_bare) pipeline.normalizer.steps.emplace_back(CharacterMap(file.character_map));
  if (!normalizer.is_null()) {
    for (NormalizerStep& step : read_normalizer({normalizer, "normalizer"}).steps) {
      pipeline.normalizer.steps.push_back(std::move(step));
    }
  }
  if (has_map && !is_bare) pipeline.normalizer.steps.emplace_back(CharacterMap(file.character_map));
  const json pre_tokenizer = is_bare ? bare_pre_tokenizer(file, is_older) : pre_tokenizer_of(family, options);
  pipeline.pre_tokenizer = read_pre_tokenizer({pre_tokenizer, "pre_tokenizer"});
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

Pipeline read_sentencepiece_directory(Directory& directory, const TokenFiles& files, Family family) {
  const char* name = sentencepiece_file_name(family);
  if (!directory.has(name)) throw Error(directory.full(name) + ": no such file");
  Pipeline pipeline;
  const std::string& bytes = pipeline.sources.emplace_back(directory.read(name));
  const json settings = files.settings.object();
  const Component options(settings, directory.full("tokenizer_config.json"));
  const SentencePieceFile file = reading(directory, name, [&] {
    SentencePieceFile read = read_sentencepiece_file(bytes);
    expect_algorithm(read, family);
    return read;
  });
  SpecialTokens special = locating(directory, [&] {
    return SpecialTokens(files, family, usual_tokens(family, file), special_pieces(family, file));
  });
  const std::size_t extra_ids = family == Family::t5 ? count_of_extra_ids(files.settings) : 0;
  reading(directory, name, [&] {
    pipeline.model = is_byte_pair(family) ? byte_pair_model(pipeline, special, file, family)
                                          : unigram_model(pipeline, special, file, family, extra_ids);
    put_parts(pipeline, family, files, options, file);
  });
  if (family == Family::sentencepiece && file.adds_prefix) special.match_decoder_in_raw_text();
  add_special_tokens(directory, pipeline, special);
  if (options.has("split_special_tokens")) {
    pipeline.added->split_special_tokens(files.settings.is_true("split_special_tokens"));
  }
  pipeline.post_processor = post_processor_of(pipeline, special, family, options);
  return pipeline;
}

}  // namespace attnviz::tokens
