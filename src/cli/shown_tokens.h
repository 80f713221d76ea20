/// shown_tokens: which tokens a figure shows: merged into words, without special tokens, or only some of
/// them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attnviz/analysis.h"
#include "cli/flags.h"
#include "cli/request.h"

namespace attnviz::cli {

/// A Python slice: negative numbers count from the end.
struct TokenRange {
  std::optional<int> begin, end;
  std::string given;  ///< as errors name it
};

/// "A:B", "A:" or ":B". Throws Error.
[[nodiscard]] TokenRange read_token_range(const Given& given);

/// Tokens, the last not included.
struct Span {
  std::size_t begin = 0, end = 0;
};

/// Those of `count` that the range names. Throws Error "<flag>: …": none, or beyond them; `unit` is what they
/// are.
[[nodiscard]] Span span_of(const TokenRange& range, std::size_t count, const std::string& flag,
                           const std::string& unit);

struct TokenOptions {
  bool words = false;
  bool hide_special = false;
  bool renormalize = false;
  std::optional<TokenRange> range, source_range;  ///< the second of the keys of cross attention
  WeightKind weights = WeightKind::attention;     ///< whose they are: norms have no sums
};

/// --words, --hide-special, --renormalize and --range.
void add_token_flags(Flags& flags, TokenOptions& options);

/// The rows and columns of a figure.
struct ShownTokens {
  std::vector<TokenGroup> groups;  ///< the tokens that each row and column stands for
  std::vector<TokenLabel> labels;  ///< one a group
  std::vector<std::string> notes;  ///< what the figure has to say of them: "special tokens hidden, …"
  bool altered = false;            ///< the numbers are not those of single tokens, or not all of them
  bool renormalized = false;       ///< tokens are left out, and rows are to sum to 1 again
};

/// Throws Error where --range gives two ranges, or for cross attention one.
void check_one_range(const TokenOptions& options);
void check_two_ranges(const TokenOptions& options);

/// `side`, "target" or "source", is of cross attention, whose rows and columns are not the same tokens.
/// Throws Error: a range that is empty or beyond the tokens, --renormalize where no flag leaves anything out,
/// nothing left to show; --renormalize of norms.
[[nodiscard]] ShownTokens shown_tokens(const TokenOptions& options, const TokenizedText& text,
                                       const std::string& side = "");

/// The same of words that were put together otherwise (see align).
[[nodiscard]] ShownTokens shown_words(const TokenOptions& options, const TokenizedText& text,
                                      std::vector<TokenGroup> words, const std::string& side = "");

/// The attention between them. As it was, where nothing is altered; else without query and key vectors.
[[nodiscard]] Attention shown_attention(Attention attention, const ShownTokens& queries,
                                        const ShownTokens& keys);

}  // namespace attnviz::cli
