/// command: what the table of commands is made of.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "attnviz/cli.h"
#include "cli/confinement.h"
#include "cli/console.h"
#include "cli/drawing.h"
#include "cli/flags.h"

namespace attnviz::cli {

/// A command is an options struct, its flags and its task, in one file; run.cc's table lists them.
struct Command {
  std::string name;     ///< "models info"
  std::string summary;  ///< one line for the table in attnviz --help
  /// Looks at the command line alone: what is in files is the task's, done when the process is confined.
  Task (*read)(std::span<const std::string> arguments, const Streams& streams);
  FigurePlan (*plan)(std::span<const std::string> arguments) = nullptr;  ///< of one that draws texts
};

Command render_command();
Command grid_command();
Command layers_command();
Command compare_command();
Command diff_command();
Command flow_command();
Command rollout_command();
Command summary_command();
Command view_head_command();
Command view_model_command();
Command view_neuron_command();
Command redraw_command();
Command check_command();
Command analyze_command();
Command tokens_command();
Command extract_command();
Command merge_command();
Command serve_command();
Command models_command();
Command models_info_command();
Command models_verify_command();

/// The plan that a recorded request asks for: a command that draws, and its flags. Throws Error: another
/// command, or flags that it does not have.
[[nodiscard]] FigurePlan plan_of(std::span<const std::string> request);

/// Groups of flags that do not shape what is drawn; a figure's record holds the text itself.
inline const std::vector<std::string> kNotOfRequest = {"Text", "Many texts", "Output", "Running"};

/// What the command is to read. Throws Error as check_text().
inline void take_texts(const Flags& flags, TextOptions& text) {
  check_text(text);
  text.input.settings = flags.given_but(kNotOfRun);
}

/// Prints the command's help.
inline Task help_task(const Flags& flags, const Streams& streams) {
  return {.act = [help = flags.help(), &streams](Outputs&) {
    print(streams.out, help);
    return 0;
  }};
}

/// Reads the arguments into fresh options: what is to be done with them, or the command's help.
template <class Options, Flags (*declare)(Options&), Task (*task)(const Options&, const Streams&)>
Task read_command(std::span<const std::string> arguments, const Streams& streams) {
  Options options;
  Flags flags = declare(options);
  if (!flags.parse(arguments)) return help_task(flags, streams);
  if constexpr (requires { options.text; }) take_texts(flags, options.text);
  return task(options, streams);
}

/// The task of a command that writes to standard output alone.
template <class Options, int (*act)(const Options&, const Streams&)>
Task reading(const Options& options, const Streams& streams) {
  return {.act = [options, &streams](Outputs&) { return act(options, streams); }};
}

/// The same for a command that draws texts: `plan` tells how.
template <class Options, Flags (*declare)(Options&), FigurePlan (*plan)(const Options&)>
Task read_figure_command(std::span<const std::string> arguments, const Streams& streams) {
  Options options;
  Flags flags = declare(options);
  if (!flags.parse(arguments)) return help_task(flags, streams);
  options.drawing.request = flags.given_but(kNotOfRequest);
  take_texts(flags, options.drawing.text);
  choose_format(options.drawing);
  return task_of(job_of(plan(options), streams), streams);
}

/// What a recorded request asks for. Throws Error as on the command line.
template <class Options, Flags (*declare)(Options&), FigurePlan (*plan)(const Options&)>
FigurePlan read_plan(std::span<const std::string> arguments) {
  Options options;
  Flags flags = declare(options);
  std::ignore = flags.parse(arguments);
  options.drawing.request = flags.given_but(kNotOfRequest);
  return plan(options);
}

template <class Options, Flags (*declare)(Options&), FigurePlan (*plan)(const Options&)>
Command figure_command(const std::string& name, const std::string& summary) {
  return {name, summary, read_figure_command<Options, declare, plan>, read_plan<Options, declare, plan>};
}

}  // namespace attnviz::cli
