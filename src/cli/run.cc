#include <algorithm>
#include <new>
#include <ostream>
#include <system_error>
#include <vector>

#include "attnviz/file.h"
#include "attnviz/model.h"
#include "attnviz/sandbox.h"
#include "attnviz/text.h"
#include "cli/command.h"
#include "cli/help.h"

namespace attnviz::cli {
namespace {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      render_command(),       grid_command(),       layers_command(),      compare_command(),
      diff_command(),         flow_command(),       rollout_command(),     summary_command(),
      view_head_command(),    view_model_command(), view_neuron_command(), redraw_command(),
      check_command(),        analyze_command(),    tokens_command(),      extract_command(),
      merge_command(),        serve_command(),      models_command(),      models_info_command(),
      models_verify_command()};
  return table;
}

std::string help() {
  std::vector<HelpGroup> groups = {{"Commands", {}}};
  for (const Command& command : commands()) groups[0].entries.push_back({command.name, command.summary});
  groups.push_back({"Options",
                    {{"--version", "print the version; with --verbose, libtorch's and the sandbox too"},
                     {"-h, --help", "print this; attnviz COMMAND --help tells of a command"}}});
  groups.push_back(
      {"Environment",
       {{"ATTNVIZ_MODELS", "directories of models, separated by colons, that are looked into first"},
        {"NO_COLOR", "set to anything, no colours in the terminal"}}});
  return "attnviz shows a transformer's attention: numbers and figures from one command.\n\n"
         "Usage: attnviz COMMAND [OPTIONS] TEXT\n" +
         set_groups(groups) +
         "\nExamples\n"
         "  attnviz render --layer 6 --head 0 \"The bank can refuse to lend money.\"\n"
         "  attnviz grid --layers all \"The bank can refuse to lend money.\"\n"
         "  attnviz analyze \"The bank can refuse to lend money.\"\n"
         "  attnviz tokens --json \"The bank can refuse to lend money.\"\n"
         "  attnviz extract --layers 1-3 -o bank.safetensors \"The bank can refuse.\"\n"
         "\nExit status: 0 done, 1 check found a difference, 2 it could not be done.\n";
}

std::size_t words_of(const Command& command) { return command.name.find(' ') == std::string::npos ? 1 : 2; }

/// The command with the longest name that the arguments begin with, or none.
const Command* find_command(std::span<const std::string> arguments) {
  const std::string two = arguments.size() > 1 ? arguments[0] + " " + arguments[1] : std::string();
  const Command* found = nullptr;
  for (const Command& command : commands()) {
    if (words_of(command) == 2 ? command.name == two : command.name == arguments[0] && !found)
      found = &command;
  }
  return found;
}

bool has_subcommands(const Command& command) {
  return std::any_of(commands().begin(), commands().end(),
                     [&](const Command& other) { return other.name.starts_with(command.name + " "); });
}

[[noreturn]] void refuse_command(const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.push_back(command.name);
  const std::string near = nearest(name, names);
  std::string hint = "attnviz --help lists the commands";
  if (name.find(' ') != std::string::npos) hint = "attnviz render \"…\" draws a text's attention";
  if (name.starts_with("view"))
    hint = "attnviz view head, view model and view neuron are BertViz's three views";
  if (name.starts_with("models ")) hint = "attnviz models lists the models, attnviz models --help tells more";
  if (!near.empty()) {
    hint = near == name ? "as two arguments, without quotes: attnviz " + near
                        : "did you mean attnviz " + near + "?";
  }
  throw Error(shown_value(name) + ": not a command", hint);
}

[[noreturn]] void refuse_option(const std::string& name) {
  const std::vector<std::string> known = {"--help", "--version", "--verbose"};
  const std::string near = nearest(name, known);
  throw Error(shown_value(name) + ": not an option of attnviz",
              near.empty() ? "options go behind the command, as in attnviz render --layer 6 \"…\""
                           : "did you mean " + near + "?");
}

/// What stands before any command: help and version.
int run_options(std::span<const std::string> arguments, const Streams& streams) {
  bool version = false, verbose = false;
  for (const std::string& argument : arguments) {
    if (argument == "-h" || argument == "--help") {
      print(streams.out, help());
      return 0;
    }
    version = version || argument == "--version";
    verbose = verbose || argument == "--verbose";
    if (argument != "--version" && argument != "--verbose") refuse_option(argument);
  }
  if (!version) throw Error("--verbose: no command given", "attnviz --help lists the commands");
  print(streams.out, "attnviz " ATTNVIZ_VERSION "\n");
  if (verbose) print(streams.out, "libtorch " + torch_version() + "\nsandbox " + sandbox_state() + "\n");
  return 0;
}

int dispatch(std::span<const std::string> arguments, const Streams& streams) {
  if (arguments.empty()) throw Error("no command given", "attnviz --help lists the commands");
  const std::string& first = arguments[0];
  if (first == "help") {
    if (arguments.size() == 1) return run_options(std::vector<std::string>{"--help"}, streams);
    const Command* const command = find_command(arguments.subspan(1));
    if (!command) refuse_command(arguments[1]);
    return run_task(command->read(std::vector<std::string>{"--help"}, streams), streams);
  }
  if (first.starts_with("-")) return run_options(arguments, streams);
  const Command* const command = find_command(arguments);
  if (!command) refuse_command(first);
  if (has_subcommands(*command) && arguments.size() > 1 && !arguments[1].starts_with("-")) {
    refuse_command(first + " " + arguments[1]);
  }
  return run_task(command->read(arguments.subspan(words_of(*command)), streams), streams);
}

}  // namespace

FigurePlan plan_of(std::span<const std::string> request) {
  const Command* const command = request.empty() ? nullptr : find_command(request);
  if (!command || !command->plan) {
    throw Error("record: " + (request.empty() ? "no command" : shown_value(request[0])) +
                    ": not a command that draws texts",
                "it may come from a later attnviz");
  }
  return command->plan(request.subspan(words_of(*command)));
}

int run(std::span<const std::string> arguments, const Streams& streams) {
  constexpr int kFailed = 2;
  guard_standard_streams();
  watch_mapped_files();
  try {
    const int status = dispatch(arguments, streams);
    flush(streams.out);
    return status;
  } catch (const Error& error) {
    report(streams.err, error);
  } catch (const std::bad_alloc&) {
    report(streams.err, Error("memory: not enough of it", "take a shorter text, or fewer layers or heads"));
  } catch (const std::system_error& error) {
    const bool of_threads = error.code() == std::errc::resource_unavailable_try_again;
    report(streams.err, of_threads ? Error(std::string("threads: can't be started: ") + error.what(),
                                           "take fewer --threads, or raise the limit (ulimit -u)")
                                   : Error(std::string("unexpected fault: ") + error.what()));
  } catch (const std::exception& error) {
    report(streams.err, Error(std::string("unexpected fault: ") + error.what()));
  }
  streams.out.flush();  // what came before the fault: the process may leave without doing so
  return kFailed;
}

}  // namespace attnviz::cli
