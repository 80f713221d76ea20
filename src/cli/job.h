/// job: what a command does with a text, whether it is the only one or one of a file: its models, what they
/// are to give, and what is made of it.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attnviz/analysis.h"
#include "attnviz/figure.h"
#include "cli/confinement.h"
#include "cli/forecast.h"
#include "cli/output.h"
#include "cli/request.h"
#include "cli/shown_tokens.h"

namespace attnviz::cli {

/// A model's part in a job.
struct Source {
  ModelChoice model;
  std::function<Selection(const ModelCard&)> select{};  ///< throws Error where the model lacks what is wanted
  std::optional<std::string> against{};                 ///< a text of its own, in place of the job's
  bool takes_windows = false;                           ///< --window
  bool takes_targets = false;                           ///< --target
  bool of_shares = false;                               ///< made of rows that sum to 1: norms are refused
  bool one_of_all = false;                              ///< --attention all: there is a source for each part
};

/// Selects as `wanted` says.
[[nodiscard]] std::function<Selection(const ModelCard&)> selector(Wanted wanted);

/// Throws Error where flags alone tell that the source can't be run: --window where no window is taken, or
/// beside --truncate, --predict or a pair; norms that would have to sum to 1; of a TorchScript model what
/// only checkpoints give.
void check_flags(const Source& source, bool pair);

/// What the source wants of the reader's model and part: the kind of weights that its choice names, without
/// the heads that it ablates. Throws Error as select.
[[nodiscard]] Selection selection_of(const Source& source, const Reader& reader);

/// A text that a model reads: what is asked for, and once the model ran, its attention.
struct Subject {
  Reader* reader = nullptr;
  Selection selection{};
  Prepared prepared{};
  ShownTokens tokens{};                  ///< for a job that draws: of queries and keys
  std::optional<ShownTokens> sources{};  ///< of the keys of cross attention
  Attention attention{};
  Forecast forecast{};  ///< where the reader's choice asks for it

  [[nodiscard]] const ModelCard& card() const { return reader->card; }

  /// "minilm"; of an encoder-decoder "t5-small · Cross attention".
  [[nodiscard]] std::string title() const;
  /// For files' names: "minilm", "t5-small-cross".
  [[nodiscard]] std::string stem() const;

  /// The tokens that attend, and those attended to.
  [[nodiscard]] TokenizedText queries() const;
  [[nodiscard]] TokenizedText keys() const;

  /// Which of them a figure shows, of words that were put together otherwise (see align) where they are
  /// given. Throws Error as shown_tokens().
  void choose(const TokenOptions& options, std::optional<std::vector<TokenGroup>> words = {});
  [[nodiscard]] const ShownTokens& shown_keys() const { return sources ? *sources : tokens; }

  /// What alters the numbers shown.
  [[nodiscard]] std::vector<std::string> notes() const;

  /// The attention becomes that of the tokens shown.
  void show();

  /// Of the mean over what is selected, before show(); not of cross attention.
  [[nodiscard]] HeadMetrics metrics() const;

  /// A map of the tokens shown. `weights` and the subject must outlive it.
  [[nodiscard]] Heatmap map(const MatrixView& weights, const std::string& title) const;
};

/// Known before a model runs.
struct Ready {
  std::string stem{};                  ///< of a file's name, where none is given
  std::vector<std::string> remarks{};  ///< for standard error: "--token bank: the first of 2, …"
};

/// What became of a text.
struct Product {
  std::string stem{};                        ///< in place of Ready's, where only the numbers tell
  std::string printed{};                     ///< for standard output, before the file's path
  std::function<void(const Sink&)> write{};  ///< the file; empty: there is none
};

struct Job {
  TextOptions text;
  OutputOptions output;
  std::vector<std::string> formats;
  std::vector<Source> sources;  ///< one, or two that read the same text
  bool timings = false;
  bool runs_models = true;      ///< else only their tokenizers
  bool many_to_stdout = false;  ///< of many texts, where -o names no directory
  std::string preamble{};       ///< before the first of those: a line of headings
  std::size_t picture_bytes = 0;  ///< of a .png's pixels, about

  /// Looks at the texts, one subject a source. Throws Error for whatever can be refused before a model runs.
  std::function<Ready(std::span<Subject>)> ready{};

  /// Called from several threads, with subjects of their own, which outlive the product.
  std::function<Product(std::span<Subject>, Timings&)> make{};
};

/// The format of its files: what --format or the extension says, of many texts --format. Throws Error: not
/// known; of many texts, no directory named that they could go to.
[[nodiscard]] std::string file_format(const Job& job);

/// A source whose model is chosen.
struct OpenSource {
  Reader reader;
  Selection selection;
  std::optional<Sentence> own{};  ///< its `against`
};

/// Throws Error where a model is not there, or lacks what the job wants of it.
[[nodiscard]] std::vector<OpenSource> open_sources(const Job& job, std::istream& in);

/// A text as each source reads it. Throws Error: a text without tokens.
[[nodiscard]] std::vector<Subject> subjects_of(std::span<OpenSource> sources, const Sentence& sentence,
                                               Timings& timings);

/// Throws Error as check_size() does; `making` is what is made of the results beside them.
void check_sizes(std::span<const Subject> subjects, std::size_t making = 0);

/// Runs the model over this one text.
void attend(Subject& subject, Timings& timings);

/// What the model makes of the text, where its choice asks for it.
void predict(Subject& subject, Timings& timings);

/// What is predicted of one text, or of two, each below its model and text unless both are alike.
[[nodiscard]] std::string forecast_tables(std::span<const Subject> subjects);

/// Does the job with the text or the texts that are given. Throws Error where flags alone tell that it can't
/// be done.
[[nodiscard]] Task task_of(Job job, const Streams& streams);

}  // namespace attnviz::cli
