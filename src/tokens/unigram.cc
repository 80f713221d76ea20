#include "tokens/unigram.h"

#include <algorithm>
#include <limits>

#include "attnviz/error.h"
#include "attnviz/text.h"

namespace attnviz::tokens {
namespace {

// What an unknown character costs more than the least likely piece.
constexpr double kUnknownPenalty = 10;
constexpr std::size_t kSizeTable = 1 << 15;
constexpr std::size_t kStart = 4;  ///< bytes that the table of sizes goes by
constexpr std::size_t kLastSize = 63;
constexpr std::uint32_t kNowhere = UINT32_MAX;

std::size_t start_slot(std::string_view text) {
  TokenHash hash;
  hash.add(text.substr(0, kStart));
  return hash.value() & (kSizeTable - 1);
}

/// The best path to every byte of a word (Viterbi). Sums are taken from left to right, in double precision,
/// and of two equal ones the first found stays, as in the reference: ties are common, since scores are.
class UnigramSplitter : public WordSplitter {
 public:
  explicit UnigramSplitter(const Unigram& model) : model_(model) {}

 private:
  struct Node {
    double score = 0;
    std::uint32_t begin = kNowhere;
    Vocabulary::Entry entry = Vocabulary::kAbsent;
  };

  std::span<const Piece> divide(std::string_view word) override {
    nodes_.assign(word.size() + 1, {});
    for (std::size_t begin = 0; begin < word.size();) {
      std::size_t end = begin;
      (void)next_code_point(word, end);
      if (!reach_pieces(word, begin, end - begin)) reach_unknown(begin, end);
      begin = end;
    }
    pieces_.clear();
    collect_pieces(word);
    return pieces_;
  }

  /// Whether the first character is a piece.
  bool reach_pieces(std::string_view word, std::size_t begin, std::size_t character_size) {
    const Vocabulary& vocabulary = model_.vocabulary();
    const std::string_view rest = word.substr(begin, vocabulary.longest());
    const std::uint64_t sizes = model_.sizes_at(rest);
    TokenHash hash;
    bool has_character = false;
    for (std::size_t size = 1; size <= rest.size(); ++size) {
      hash.add(rest[size - 1]);
      if ((sizes >> std::min(size, kLastSize)) == 0) break;
      if ((sizes >> std::min(size, kLastSize) & 1) == 0) continue;
      const Vocabulary::Entry entry = vocabulary.find(hash.value(), {}, rest.substr(0, size));
      if (entry == Vocabulary::kAbsent) continue;
      reach(begin, begin + size, entry, model_.score(entry));
      has_character = has_character || size == character_size;
    }
    return has_character;
  }

  void reach_unknown(std::size_t begin, std::size_t end) {
    const double score = model_.unknown_score();
    if (!is_better(nodes_[begin].score + score, nodes_[end])) return;
    if (!model_.unknown()) {
      throw Error("tokenizer: its model names no unknown token (\"unk_id\")",
                  "the text has a character that the vocabulary cannot spell");
    }
    reach(begin, end, *model_.unknown(), score);
  }

  void reach(std::size_t begin, std::size_t end, Vocabulary::Entry entry, double score) {
    const double sum = score + nodes_[begin].score;
    if (!is_better(sum, nodes_[end])) return;
    const double kept = model_.single_precision() ? static_cast<double>(static_cast<float>(sum)) : sum;
    nodes_[end] = {kept, static_cast<std::uint32_t>(begin), entry};
  }

  static bool is_better(double score, const Node& node) {
    return node.begin == kNowhere || score > node.score;
  }

  /// Walks back from the end; unknown neighbours become one piece.
  void collect_pieces(std::string_view word) {
    for (auto end = static_cast<std::uint32_t>(word.size()); end > 0;) {
      std::uint32_t begin = nodes_[end].begin;
      const Vocabulary::Entry entry = nodes_[end].entry;
      if (entry != model_.unknown()) {
        pieces_.push_back({entry, begin, end});
      } else {
        while (begin > 0 && nodes_[begin].entry == entry) begin = nodes_[begin].begin;
        add_unknown(word, begin, end);
      }
      end = begin;
    }
    std::reverse(pieces_.begin(), pieces_.end());
  }

  void add_unknown(std::string_view word, std::uint32_t begin, std::uint32_t end) {
    const std::string_view text = word.substr(begin, end - begin);
    // Where scores are positive, a piece may be worth less than its unknown characters one by one.
    const Vocabulary::Entry whole = model_.vocabulary().find(text);
    const auto byte_piece = [&](char byte) { return model_.bytes()[static_cast<unsigned char>(byte)]; };
    if (whole == Vocabulary::kAbsent && model_.byte_fallback() &&
        std::all_of(text.begin(), text.end(),
                    [&](char byte) { return byte_piece(byte) != Vocabulary::kAbsent; })) {
      for (auto byte = text.rbegin(); byte != text.rend(); ++byte) {
        pieces_.push_back({byte_piece(*byte), begin, end});
      }
      return;
    }
    pieces_.push_back({whole != Vocabulary::kAbsent ? whole : *model_.unknown(), begin, end});
  }

  const Unigram& model_;
  std::vector<Node> nodes_;
  std::vector<Piece> pieces_;
};

}  // namespace

void ScoredVocabulary::append(std::string_view piece, double score) {
  const std::size_t size = pieces.size();
  pieces.insert(piece, static_cast<std::uint32_t>(size));
  if (pieces.size() == size) {
    throw Error("piece " + std::to_string(scores.size()) + ": \"" + visible(piece) +
                "\" is there twice, which is not supported");
  }
  scores.push_back(score);
}

Unigram::Unigram(ScoredVocabulary vocabulary, UnigramOptions options)
    : vocabulary_(std::move(vocabulary)), options_(options), bytes_(), sizes_(kSizeTable) {
  const Vocabulary& pieces = vocabulary_.pieces;
  if (options_.unk_id && *options_.unk_id >= pieces.size()) {
    throw Error("\"unk_id\" is " + std::to_string(*options_.unk_id) + ", expected less than " +
                std::to_string(pieces.size()) + ", the number of pieces");
  }
  double least = std::numeric_limits<double>::infinity();
  for (const double score : vocabulary_.scores) least = std::min(least, score);
  unknown_score_ = least - kUnknownPenalty;
  bytes_ = byte_pieces(pieces);
  for (Vocabulary::Entry entry = 0; entry < pieces.size(); ++entry) {
    const std::string_view piece = pieces.token(entry);
    if (piece.size() >= kStart) sizes_[start_slot(piece)] |= 1ULL << std::min(piece.size(), kLastSize);
  }
}

std::unique_ptr<WordSplitter> Unigram::splitter() const { return std::make_unique<UnigramSplitter>(*this); }

std::string_view Unigram::name(const Piece& piece, std::string_view word) const {
  if (piece.entry == options_.unk_id) return word.substr(piece.begin, piece.end - piece.begin);
  return vocabulary().token(piece.entry);
}

std::uint64_t Unigram::sizes_at(std::string_view text) const {
  constexpr std::uint64_t kShort = (1ULL << kStart) - 1;
  return text.size() < kStart ? kShort : kShort | sizes_[start_slot(text)];
}

}  // namespace attnviz::tokens
