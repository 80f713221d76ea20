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
#include "attnviz/tokens.h"
#include "cli/flags.h"
#include "cli/sentence.h"
#include "cli/timings.h"

namespace attnviz::cli {

struct ModelChoice {
  std::string model = "minilm";  ///< a name or a directory
  ModelOptions options;
  bool truncate = false;
  std::optional<std::size_t> max_memory;  ///< bytes; unset: what the machine has available
  bool timings = false;
};

/// --model and --truncate; all that a command needs which only tokenizes.
void add_model_flags(Flags& flags, ModelChoice& choice);

/// The same for a command that compares two models: --model up to twice, into `names`.
void add_two_models_flags(Flags& flags, ModelChoice& choice, std::vector<std::string>& names);

/// --device and --threads.
void add_device_flags(Flags& flags, ModelOptions& options);

/// Those, --backend, --max-memory and --timings.
void add_run_flags(Flags& flags, ModelChoice& choice);

/// A model that may not be open yet.
struct Chosen {
  ModelCard card;  ///< complete
  std::unique_ptr<Model> model;
};

/// Opens the model only where its files do not say enough (a bare TorchScript file).
[[nodiscard]] Chosen choose_model(const ModelChoice& choice);

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

/// A text made ready for a model.
struct Prepared {
  Sentence sentence;
  Encoding encoding;
  std::vector<TokenLabel> labels;
  std::optional<std::size_t> cut_from;  ///< tokens before --truncate cut them

  /// What a figure of it has to say: "cut to 512 of 700 tokens".
  [[nodiscard]] std::vector<std::string> notes() const;
};

/// Throws Error: a text that is empty, not UTF-8 or without a token, a pair for a model that takes none.
/// With --truncate a text that is too long is cut, and `err` says so.
[[nodiscard]] Prepared prepare(const ModelCard& card, const ModelChoice& choice, const TextOptions& text,
                               const Streams& streams, Timings& timings);

/// Throws Error: more tokens than the model takes, or more memory than allowed.
void check_size(const ModelCard& card, const ModelChoice& choice, std::size_t tokens,
                const Selection& selection);

/// Opens the model unless it is open, and runs it.
[[nodiscard]] Attention attend(Chosen& chosen, const ModelChoice& choice, const Encoding& encoding,
                               const Selection& selection, Timings& timings);

/// "checkpoint" or "torchscript".
[[nodiscard]] std::string name_of(Backend backend);

}  // namespace attnviz::cli
