/// request: what the commands that tokenize and run a model share: which model, which text, what to take out,
/// and every check that can be made before the model runs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attnviz/catalog.h"
#include "attnviz/cli.h"
#include "attnviz/model.h"
#include "attnviz/sandbox.h"
#include "attnviz/tokens.h"
#include "cli/flags.h"
#include "cli/sentence.h"
#include "cli/text_window.h"
#include "cli/timings.h"

namespace attnviz::cli {

struct ModelChoice {
  std::string model = "minilm";  ///< a name or a directory
  ModelOptions options;
  Sandbox sandbox = Sandbox::automatic;
  bool truncate = false;
  std::optional<std::size_t> window{};    ///< tokens of one; 0: as many as the model takes
  std::optional<std::size_t> max_memory;  ///< bytes; unset: what the machine has available
  std::optional<AttentionPart> part{};    ///< of an encoder-decoder; unset: cross where there is a target
  bool all_parts = false;                 ///< all of them, in one page
  WeightKind weights = WeightKind::attention;
  std::vector<HeadPlace> ablated{};  ///< heads that give zeros to their layer
  std::optional<int> predict{};      ///< how many of what the model predicts are told
  bool timings = false;
};

/// --model, --attention, --truncate and --window; all that a command needs which only tokenizes.
void add_model_flags(Flags& flags, ModelChoice& choice);

/// --weights, --ablate and --predict: what a model gives, of commands that run one.
void add_weights_flags(Flags& flags, ModelChoice& choice);

/// --precision, and --allow-non-finite.
void add_precision_flag(Flags& flags, ModelChoice& choice);

/// The first for a command that compares two models: --model up to twice, into `names`.
void add_two_models_flags(Flags& flags, ModelChoice& choice, std::vector<std::string>& names);

/// --device, --threads, --trust-model and --sandbox.
void add_device_flags(Flags& flags, ModelOptions& options, Sandbox& sandbox);

/// Those, --backend, --max-memory and --timings.
void add_run_flags(Flags& flags, ModelChoice& choice);

/// A model with its tokenizer: what reads texts. Both are opened when they are first needed.
struct Reader {
  ModelChoice choice;
  ModelCard card;  ///< complete; its layers and heads are those of the part that is looked at
  std::unique_ptr<Model> model{};
  std::optional<Tokenizer> tokenizer{};
  AttentionPart part = AttentionPart::encoder;
  std::optional<ModelCard> whole{};  ///< where that is not the encoder: the model's own
};

/// Opens the model only where its files do not say enough (a bare TorchScript file).
[[nodiscard]] Reader choose_model(const ModelChoice& choice);

/// What to take out of a model. Unset layers: the last; empty ranges: all.
struct Wanted {
  std::string layer_flag = "--layers";  ///< as errors name it
  std::string head_flag = "--heads";
  std::optional<NumberRanges> layers;
  NumberRanges heads;
  bool with_query_key = false;
};

/// Throws Error when the model lacks one of the layers or heads: "--layer 13: minilm has layers 1 to 6".
[[nodiscard]] Selection select(const ModelCard& card, const Wanted& wanted);

/// Borrowed tokens, and what they were made from.
struct TokenizedText {
  const Encoding& encoding;
  std::span<const TokenLabel> labels;
  std::string_view text;
  std::optional<std::string_view> pair{};
};

/// A text made ready for a model.
struct Prepared {
  Sentence sentence;
  Encoding encoding;
  std::vector<TokenLabel> labels;
  std::optional<std::size_t> cut_from;  ///< tokens before --truncate cut them
  std::vector<TextWindow> windows{};    ///< in which --window reads it, if it is too long for one
  Encoding target{};                    ///< the decoder's input, where there is one
  std::vector<TokenLabel> target_labels{};
  std::optional<std::size_t> target_cut_from{};

  /// As rows and columns of its attention show them.
  [[nodiscard]] TokenizedText source_text() const;
  [[nodiscard]] TokenizedText target_text() const;

  /// What a figure of it has to say: "cut to 512 of 700 tokens", "read in 3 windows …".
  [[nodiscard]] std::vector<std::string> notes() const;
};

/// Throws Error: a text without a token. With --truncate a text that is too long is cut. A target is read
/// where the reader's part needs one.
[[nodiscard]] Prepared prepare(Reader& reader, Sentence sentence, Timings& timings);

/// Says on `err` what --truncate cut, if anything.
void report_cut(const Prepared& prepared, const ModelCard& card, std::ostream& err);

/// Throws Error: --window longer than the model takes.
void check_window(const ModelCard& card, const ModelChoice& choice);

/// Throws Error: a pair for a model that takes none.
void check_pair(const ModelCard& card, const TextOptions& text);

/// Of one text's attention, so many numbers a map.
[[nodiscard]] std::size_t result_bytes(const ModelCard& card, const Selection& selection, std::size_t cells);

/// What running the model over one text takes beyond its weights, in bytes, results included.
[[nodiscard]] std::size_t needed_memory(const Reader& reader, const Prepared& prepared,
                                        const Selection& selection);

/// --max-memory, or what the machine has available, in bytes.
[[nodiscard]] std::size_t memory_limit(const ModelChoice& choice);

/// Throws Error: more tokens than the model takes, or more memory than allowed, by the run or by results and
/// the `making` of something of them.
void check_size(const Reader& reader, const Prepared& prepared, const Selection& selection,
                std::size_t making = 0);

/// Opens the model unless it is open.
[[nodiscard]] Model& opened(Reader& reader);
/// The same of the tokenizer.
[[nodiscard]] const Tokenizer& opened_tokenizer(Reader& reader);

/// "checkpoint" or "torchscript".
[[nodiscard]] std::string name_of(Backend backend);
[[nodiscard]] Backend read_backend(const Given& given);

/// "fp32", "bf16" or "fp16".
[[nodiscard]] std::string name_of(Precision precision);

}  // namespace attnviz::cli
