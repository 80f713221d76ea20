/// drawing: what the commands that draw share: their flags, the way from a text to the attention shown, and
/// the figure's way out.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attnviz/analysis.h"
#include "attnviz/figure.h"
#include "attnviz/record.h"
#include "attnviz/render.h"
#include "cli/look.h"
#include "cli/map_choice.h"
#include "cli/output.h"
#include "cli/request.h"
#include "cli/shown_tokens.h"

namespace attnviz::cli {

/// How --show colours its cells.
enum class ShowColor { automatic, always, never };

struct DrawingOptions {
  TextOptions text;
  ModelChoice model;
  TokenOptions tokens;
  LookOptions look;
  OutputOptions output;
  bool describe = false, show = false, no_embed = false;
  ShowColor color = ShowColor::automatic;
  std::vector<std::string> request{};  ///< what was given of the command line that shapes the figure
};

inline const std::vector<std::string> kFigureFormats = {"png", "svg", "pdf"};

/// As one of them; `dpi` is a PNG's.
void write_figure(const Figure& figure, const std::string& format, double dpi, const Sink& sink);

/// What a figure's record says of a text that the model has read.
[[nodiscard]] RecordedText recorded(const Chosen& chosen, const Prepared& prepared);

/// All of them, behind the command's own; `stem` is a default file name for the help.
void add_drawing_flags(Flags& flags, DrawingOptions& options, const std::string& stem);

/// The last part of both: look, output, --describe, --show and --no-embed.
void add_output_and_look_flags(Flags& flags, DrawingOptions& options, const std::string& stem);

/// The same without --model and --truncate, for a command that takes two models.
void add_drawing_flags_but_model(Flags& flags, DrawingOptions& options, const std::string& stem);

/// Two to four columns, so that few places of a grid stay empty.
[[nodiscard]] std::size_t good_columns(std::size_t panels);

/// One text and one model: what is asked for, and once it ran, the attention shown.
struct Subject {
  ModelChoice choice;
  Chosen chosen;
  Selection selection;
  Prepared prepared;
  ShownTokens tokens;
  Attention attention;

  [[nodiscard]] const ModelCard& card() const { return chosen.card; }

  /// What alters the numbers shown.
  [[nodiscard]] std::vector<std::string> notes() const;

  /// A map of this subject's shown tokens. `weights` and the subject must outlive it.
  [[nodiscard]] Heatmap map(const MatrixView& weights, const std::string& title) const;
};

/// A command that draws, from its options to its file.
class Drawing {
 public:
  /// Throws Error when no format is known, or two outputs would share standard output.
  Drawing(const DrawingOptions& options, const Streams& streams);

  /// Whatever can be refused before a model runs is refused here.
  [[nodiscard]] Subject prepare(const Wanted& wanted);
  [[nodiscard]] Subject prepare(const ModelChoice& model, const TextOptions& text, const Wanted& wanted);

  /// Opens the output, so that a file that can't be written is known before the model runs.
  void open(const std::string& stem);

  /// Runs the model; the attention becomes that of the tokens shown.
  void attend(Subject& subject);

  /// The two halves of attend(): all tokens' attention, then the one shown.
  void run(Subject& subject);
  void show(Subject& subject);

  /// Layout, --describe, --show and the file, with a record of it all.
  void finish(const Drawn& drawn, const Look& look);

  /// The same of what was drawn before, with its own record's request and texts.
  void finish(const Record& record);

 private:
  void show_in_terminal(const Record& record);

  const DrawingOptions& options_;
  const Streams& streams_;
  Timings timings_;
  std::string format_;
  std::optional<Output> output_;
  std::vector<RecordedText> texts_;
};

}  // namespace attnviz::cli
