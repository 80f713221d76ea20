#include "tokens/marian.h"

#include <utility>

#include "tokens/character_map.h"
#include "tokens/class_parts.h"
#include "tokens/sentencepiece_file.h"
#include "tokens/sentencepiece_normalizer.h"
#include "tokens/unigram.h"
#include "tokens/vocabulary_files.h"

namespace attnviz::tokens {
namespace {

/// A language that a text begins with: ">>fr<<".
std::size_t code_size(std::string_view text) {
  if (!text.starts_with(">>")) return 0;
  const std::size_t end = text.find("<<");
  return end == std::string_view::npos ? 0 : end + 2;
}

/// What follows a language's code is normalized on its own.
NormalizerStep behind_code(NormalizerStep normalize) {
  return [normalize = std::move(normalize)](AlignedView text) {
    const std::size_t code = code_size(text.text);
    if (code == 0) return normalize(text);
    AlignedText result(text);
    result.append(text.slice(0, code));
    result.append(normalize(text.slice(code, text.text.size())).view());
    return result;
  };
}

/// Of both sides.
struct Ids {
  std::shared_ptr<const Vocabulary> vocabulary;
  Vocabulary::Entry unknown = 0;
};

/// Pieces of a sentencepiece model, each found in the vocabulary by its spelling.
class Marian : public Model {
 public:
  Marian(Ids ids, ScoredVocabulary pieces)
      : ids_(std::move(ids)), unigram_(std::move(pieces), {.unk_id = 0, .single_precision = true}) {}

  [[nodiscard]] const Vocabulary& vocabulary() const override { return *ids_.vocabulary; }
  [[nodiscard]] std::string_view continuation_prefix() const override { return {}; }
  [[nodiscard]] std::unique_ptr<WordSplitter> splitter() const override;
  [[nodiscard]] std::string_view name(const Piece& piece, std::string_view word) const override {
    return word.substr(piece.begin, piece.end - piece.begin);
  }

  [[nodiscard]] const Unigram& unigram() const { return unigram_; }
  [[nodiscard]] Vocabulary::Entry entry_of(std::string_view spelling) const {
    const Vocabulary::Entry entry = ids_.vocabulary->find(spelling);
    return entry == Vocabulary::kAbsent ? ids_.unknown : entry;
  }

 private:
  Ids ids_;
  Unigram unigram_;
};

class MarianSplitter : public WordSplitter {
 public:
  explicit MarianSplitter(const Marian& model) : model_(model), splitter_(model.unigram().splitter()) {}

 private:
  std::span<const Piece> divide(std::string_view word) override {
    pieces_.clear();
    const auto append = [&](std::size_t begin, std::size_t end) {
      pieces_.push_back({model_.entry_of(word.substr(begin, end - begin)), static_cast<std::uint32_t>(begin),
                         static_cast<std::uint32_t>(end)});
    };
    // A normalized text begins with a mark for a space: only a code can be at its start.
    const std::size_t code = code_size(word);
    if (code > 0) append(0, code);
    for (const Piece& piece : splitter_->split(word.substr(code)))
      append(code + piece.begin, code + piece.end);
    return pieces_;
  }

  const Marian& model_;
  std::unique_ptr<WordSplitter> splitter_;
  std::vector<Piece> pieces_;
};

std::unique_ptr<WordSplitter> Marian::splitter() const { return std::make_unique<MarianSplitter>(*this); }

/// They borrow `text`.
Ids read_ids(const Directory& directory, std::string& text, const SpecialTokens& special) {
  return reading(directory, "vocab.json", [&] {
    JsonReader reader(text);
    const auto vocabulary = std::make_shared<const Vocabulary>(read_vocabulary(reader));
    reader.expect_end();
    expect_distinct_ids(*vocabulary);
    const std::string unknown = content_of(special, "unk_token");
    const Ids ids{vocabulary, vocabulary->find(unknown)};
    if (ids.unknown == Vocabulary::kAbsent)
      throw Error("lacks \"" + visible(unknown) + "\", which stands for what is unknown");
    return ids;
  });
}

/// Those that a text can be made of, behind one for the unknown, which no text spells.
ScoredVocabulary spelled_pieces(const SentencePieceFile& file) {
  using Type = SentencePieceFile::Type;
  ScoredVocabulary spelled;
  spelled.append("", 0);
  for (const auto& piece : file.pieces) {
    if (piece.type == Type::normal) spelled.append(piece.text, static_cast<double>(piece.score));
    if (piece.type == Type::user_defined || piece.type == Type::byte || piece.type == Type::unused) {
      throw Error("the piece \"" + visible(piece.text) +
                      "\" is user-defined, unused or a byte, which is not supported for this model",
                  "no such model of Marian is known");
    }
  }
  return spelled;
}

void expect_marian(const Component& options) {
  if (options.flag("separate_vocabs", false)) {
    throw Error(options.name() + ": \"separate_vocabs\" is not supported");
  }
  if (options.has("sp_model_kwargs") && !options.value("sp_model_kwargs").empty()) {
    throw Error(options.name() + ": \"sp_model_kwargs\" is not supported");
  }
}

/// With the model of one side.
Pipeline read_side(Directory& directory, const SpecialTokens& special, const Ids& ids, const char* name) {
  Pipeline pipeline;
  const std::string& bytes = pipeline.sources.emplace_back(directory.read(name));
  reading(directory, name, [&] {
    const SentencePieceFile file = read_sentencepiece_file(bytes);
    if (file.algorithm != SentencePieceFile::Algorithm::unigram) {
      throw Error("it was trained with another algorithm than unigram, which is not supported");
    }
    pipeline.normalizer.steps.push_back(behind_code(sentencepiece_normalizer(file)));
    pipeline.model = std::make_unique<Marian>(ids, spelled_pieces(file));
  });
  add_special_tokens(directory, pipeline, special);
  const SpecialToken end = special_token(pipeline, special, "eos_token");
  pipeline.post_processor.single = {{0, {}, 0}, {{}, {end}, 0}};
  pipeline.post_processor.pair = {{0, {}, 0}, {1, {}, 0}, {{}, {end}, 0}};
  return pipeline;
}

}  // namespace

Pipeline read_marian_directory(Directory& directory, const TokenFiles& files) {
  const json settings = files.settings.object();
  expect_marian(Component(settings, directory.full("tokenizer_config.json")));
  for (const char* name : {"vocab.json", "source.spm", "target.spm"}) {
    if (!directory.has(name)) throw Error(directory.full(name) + ": no such file");
  }
  const SpecialTokens special(files, Family::marian, default_tokens(Family::marian));
  std::list<std::string> vocabulary;
  const Ids ids = read_ids(directory, vocabulary.emplace_back(directory.read("vocab.json")), special);
  Pipeline pipeline = read_side(directory, special, ids, "source.spm");
  pipeline.sources.splice(pipeline.sources.end(), vocabulary);
  pipeline.target = std::make_unique<Pipeline>(read_side(directory, special, ids, "target.spm"));
  return pipeline;
}

}  // namespace attnviz::tokens
