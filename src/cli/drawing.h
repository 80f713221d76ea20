/// drawing: what the commands that draw share: their flags, and the way from attention to a figure's file.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "attnviz/analysis.h"
#include "attnviz/figure.h"
#include "attnviz/record.h"
#include "attnviz/render.h"
#include "cli/job.h"
#include "cli/look.h"
#include "cli/map_choice.h"
#include "cli/output.h"
#include "cli/pool.h"
#include "cli/request.h"
#include "cli/shown_tokens.h"

namespace attnviz::cli {

/// How --show colours its cells.
enum class ShowColor { automatic, always, never };

inline const std::vector<std::string> kFigureFormats = {"png", "svg", "pdf"};

struct DrawingOptions {
  std::vector<std::string> formats = kFigureFormats;  ///< the first is the default
  TextOptions text;
  ModelChoice model;
  TokenOptions tokens;
  PoolOptions pool;
  LookOptions look;
  OutputOptions output;
  bool describe = false, show = false, no_embed = false;
  ShowColor color = ShowColor::automatic;
  std::vector<std::string> request{};  ///< what was given of the command line that shapes the figure
};

/// As one of kFigureFormats; `dpi` is a PNG's.
void write_figure(const Figure& figure, const std::string& format, double dpi, const Sink& sink);

/// What a figure's record says of a text that a model has read.
[[nodiscard]] RecordedText recorded(const Subject& subject);

/// All of them, behind the command's own; `stem` is a default file name for the help.
void add_drawing_flags(Flags& flags, DrawingOptions& options, const std::string& stem);

/// The last part of both: look, output, --describe, --show and --no-embed.
void add_output_and_look_flags(Flags& flags, DrawingOptions& options, const std::string& stem);

/// The same without --model and --truncate, for a command that takes two models.
void add_drawing_flags_but_model(Flags& flags, DrawingOptions& options, const std::string& stem);

/// Two to four columns, so that few places of a grid stay empty.
[[nodiscard]] std::size_t good_columns(std::size_t panels);

/// What a text's figure is laid out from, in which look, and what is printed beside it.
using Finish = std::function<void(const Drawn& drawn, const Look& look, const std::string& printed)>;

/// A command that draws, told how.
struct FigurePlan {
  DrawingOptions drawing;
  std::vector<Source> sources;

  /// As in Job; the tokens shown are chosen already, and may be chosen anew.
  std::function<Ready(std::span<Subject>)> ready{};

  /// Makes the attention that of the tokens shown and calls the last once. Called from several threads.
  std::function<void(std::span<Subject>, const Finish&)> draw{};
};

/// The tokens shown, and what else is known before a model runs.
[[nodiscard]] Ready ready_to_draw(const FigurePlan& plan, std::span<Subject> subjects);

/// Calls `use` with all that the figure is made of; its parts live as long as the call.
void draw(const FigurePlan& plan, std::span<Subject> subjects,
          const std::function<void(const Record&, const std::string& printed)>& use);

/// Sets output.format to what the flags say. Throws Error as file_format() does, and when two outputs would
/// share standard output.
void choose_format(DrawingOptions& options);

/// The plan as a job that writes the figure's file, with a record of it all. Its format is chosen.
[[nodiscard]] Job job_of(FigurePlan plan, const Streams& streams);

/// Layout, --describe, --show and the file of one record, in the format that options.output.format says.
[[nodiscard]] Product product_of(const Record& record, const DrawingOptions& options, const Streams& streams,
                                 Timings& timings);

/// What write_record() is to write. Throws Error as choose_format().
[[nodiscard]] Writes writes_of(DrawingOptions options);

/// Draws what a record holds and writes it, without a model; `stem` is the default file name's. Returns the
/// exit status.
int write_record(const Record& record, const DrawingOptions& options, const std::string& stem, Output& output,
                 const Streams& streams);

}  // namespace attnviz::cli
