#include "cli/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/help.h"

namespace attnviz::cli {
namespace {

/// CLI11 only takes the command line apart; values are read by their Read, after all of it is known.
struct Option {
  CLI::Option* given = nullptr;
  Read read;             ///< empty for a flag without a value
  bool* set = nullptr;   ///< only for a flag without a value
  std::size_t most = 1;  ///< times that it may be given
  std::string group{};   ///< its heading in the help

  [[nodiscard]] std::string name() const { return "--" + given->get_lnames().front(); }
};

/// "-o, --output" of CLI11's "-o,--output".
std::string spaced(std::string names) {
  const std::size_t comma = names.find(',');
  return comma == std::string::npos ? names : names.insert(comma + 1, " ");
}

std::string without_value(const std::string& argument) { return argument.substr(0, argument.find('=')); }

bool contains(std::span<const std::string> words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

struct Flags::State {
  Usage usage;
  CLI::App app;
  std::vector<Option> options;
  std::vector<HelpGroup> groups = {{"Options", {}}};
  CLI::Option* argument = nullptr;
  Read read_argument;
  std::string argument_help, argument_hint;
  bool argument_required = true;
  bool help = false;

  [[nodiscard]] std::string command() const { return "attnviz " + usage.command; }
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] std::vector<std::string> prepared(std::span<const std::string> arguments) const;
  void split(std::span<const std::string> arguments);
  void refuse_dashes(std::span<const std::string> arguments) const;
  [[noreturn]] void refuse_unknown(const std::string& name) const;
  void refuse_extras() const;
  void refuse_misplaced(const Option& option, std::span<const std::string> arguments) const;
};

std::vector<std::string> Flags::State::names() const {
  std::vector<std::string> all;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) all.push_back("--" + name);
    for (const std::string& name : option->get_snames()) all.push_back("-" + name);
  }
  return all;
}

/// The arguments in CLI11's order, the last first. "--title=" is an empty title, for which CLI11 would
/// take the next argument: its value becomes an argument of its own.
std::vector<std::string> Flags::State::prepared(std::span<const std::string> arguments) const {
  std::vector<std::string> prepared;
  bool flags = true;
  for (const std::string& word : arguments) {
    flags = flags && word != "--";
    const std::string name = without_value(word);
    for (const Option& option : options) {
      if (flags && name != word && option.set && option.name() == name) {
        throw Error(name + ": takes no value, got " + shown_value(word));
      }
    }
    prepared.push_back(word);
    if (flags && word.starts_with("--") && name.size() + 1 == word.size()) {
      prepared.back() = name;
      prepared.emplace_back();
    }
  }
  std::reverse(prepared.begin(), prepared.end());
  return prepared;
}

void Flags::State::split(std::span<const std::string> arguments) {
  try {
    app.parse(prepared(arguments));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string words = error.what();  // "--layer: 1 required INT missing"
    throw Error(words.substr(0, words.find(':')) + ": needs a value", command() + " --help says which");
  } catch (const CLI::ParseError& error) {
    throw Error(command() + ": " + error.what(), command() + " --help tells more");
  }
}

/// From version 2.4 on CLI11 takes for the argument what has a control character behind its dashes, versions
/// before for an option: an unknown one it is.
void Flags::State::refuse_dashes(std::span<const std::string> arguments) const {
  if (!argument || argument->empty()) return;
  const std::string& given = argument->results().front();
  const std::size_t dashes = given.starts_with("--") ? 2 : given.starts_with("-") ? 1 : 0;
  const unsigned char first = dashes > 0 && given.size() > dashes ? given[dashes] : ' ';
  const auto end_of_flags = std::find(arguments.begin(), arguments.end(), "--");
  if (first < ' ' && first != '\n' && std::find(arguments.begin(), end_of_flags, given) != end_of_flags) {
    refuse_unknown(dashes == 2 ? without_value(given) : given);
  }
}

void Flags::State::refuse_unknown(const std::string& name) const {
  const std::string near = nearest(name, names());
  std::string hint = near.empty() ? command() + " --help lists its options" : "did you mean " + near + "?";
  if (argument && !name.starts_with("--")) {
    hint =
        "a " + argument->get_name() + " that begins with a dash goes behind --: " + command() + " -- \"…\"";
  }
  throw Error(shown_value(name) + ": not an option of " + command(), hint);
}

/// What CLI11 could not place: unknown flags first, since the values behind them are misplaced too.
void Flags::State::refuse_extras() const {
  std::vector<std::string> extras;
  bool flags = true;
  for (const std::string& extra : app.remaining()) {
    if (flags && extra.size() > 1 && extra.starts_with("-") && extra != "--") {
      refuse_unknown(extra.starts_with("--") ? without_value(extra) : extra);
    }
    if (!flags || extra != "--") extras.push_back(extra);
    flags = flags && extra != "--";
  }
  if (extras.empty()) return;
  throw Error(shown_value(extras.front()) + ": one argument too many for " + command(),
              argument ? "put the whole " + argument->get_name() + " in quotes"
                       : command() + " --help tells what it takes");
}

/// CLI11 takes whatever comes next for a value: when that is a flag, the value was forgotten.
void Flags::State::refuse_misplaced(const Option& option, std::span<const std::string> arguments) const {
  for (const std::string& value : option.given->results()) {
    const std::string joined = option.name() + "=" + value;
    if (contains(names(), without_value(value)) && !contains(arguments, joined)) {
      throw Error(option.name() + ": needs a value, got " + value,
                  "if that is the value, join them: " + joined);
    }
  }
}

Flags::Flags(Usage usage) : state_(std::make_unique<State>()) {
  state_->usage = std::move(usage);
  state_->app.set_help_flag();
  state_->app.allow_extras();
  state_->options.push_back({state_->app.add_flag("-h,--help"), {}, &state_->help});
}

Flags::Flags(Flags&&) noexcept = default;
Flags& Flags::operator=(Flags&&) noexcept = default;
Flags::~Flags() = default;

void Flags::group(const std::string& heading) { state_->groups.push_back({heading, {}}); }

void Flags::value(const std::string& names, const std::string& placeholder, const std::string& help,
                  Read read, std::size_t most) {
  CLI::Option* const option =
      state_->app.add_option(names, CLI::callback_t([](const CLI::results_t&) { return true; }));
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  state_->options.push_back({option, std::move(read), nullptr, most, state_->groups.back().heading});
  state_->groups.back().entries.push_back({spaced(names) + " " + placeholder, help});
}

void Flags::flag(const std::string& names, const std::string& help, bool& set) {
  state_->options.push_back({state_->app.add_flag(names), {}, &set, 1, state_->groups.back().heading});
  state_->groups.back().entries.push_back({spaced(names), help});
}

void Flags::argument(const std::string& name, const std::string& help, const std::string& hint, Read read) {
  state_->argument =
      state_->app.add_option(name, CLI::callback_t([](const CLI::results_t&) { return true; }));
  state_->read_argument = std::move(read);
  state_->argument_help = help;
  state_->argument_hint = hint;
}

void Flags::arguments(const std::string& name, const std::string& help, const std::string& hint, Read read) {
  argument(name, help, hint, std::move(read));
  state_->argument->expected(-1);  // any number
  state_->argument->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Flags::optional_argument(const std::string& name, const std::string& help, Read read) {
  argument(name, help, "", std::move(read));
  state_->argument_required = false;
}

bool Flags::parse(std::span<const std::string> arguments) {
  State& state = *state_;
  state.split(arguments);
  for (const Option& option : state.options) {
    if (option.set && option.given->count() > 0) *option.set = true;
  }
  if (state.help) return false;
  for (const Option& option : state.options) {
    if (!option.set && option.given->count() > 0) state.refuse_misplaced(option, arguments);
  }
  state.refuse_dashes(arguments);
  state.refuse_extras();
  for (const Option& option : state.options) {
    if (option.set || option.given->count() == 0) continue;
    if (option.given->count() > option.most) {
      throw Error(option.name() + ": given " + std::to_string(option.given->count()) + " times, expected " +
                  (option.most == 1 ? "once" : "at most " + std::to_string(option.most) + " times"));
    }
    for (const std::string& value : option.given->results()) option.read({option.name(), value});
  }
  if (!state.argument) return true;
  const std::string name = state.argument->get_name();
  if (state.argument->count() == 0 && state.argument_required)
    throw Error(name + ": missing", state.argument_hint);
  if (state.argument->count() == 0) return true;
  for (const std::string& given : state.argument->results()) state.read_argument({name, given});
  return true;
}

std::vector<std::string> Flags::given_but(std::span<const std::string> groups_or_flags) const {
  const std::string& command = state_->usage.command;
  const std::size_t space = command.find(' ');
  std::vector<std::string> given = {command.substr(0, space)};
  if (space != std::string::npos) given.push_back(command.substr(space + 1));
  for (const Option& option : state_->options) {
    if (option.given->count() == 0 || contains(groups_or_flags, option.group) ||
        contains(groups_or_flags, option.name())) {
      continue;
    }
    if (option.set) {
      given.push_back(option.name());
      continue;
    }
    for (const std::string& value : option.given->results())
      given.insert(given.end(), {option.name(), value});
  }
  return given;
}

std::string Flags::help() const {
  const State& state = *state_;
  const std::string name = state.argument ? state.argument->get_name() : "";
  const std::string argument = name.empty() ? "" : state.argument_required ? " " + name : " [" + name + "]";
  std::string help =
      wrap(state.usage.about, 0) + "\nUsage: " + state.command() + " [OPTIONS]" + argument + "\n";
  std::vector<HelpGroup> groups = state.groups;
  groups.push_back({"Help", {{"-h, --help", "print this"}}});
  if (state.argument) {
    groups.insert(groups.begin(), {"Argument", {{state.argument->get_name(), state.argument_help}}});
  }
  help += set_groups(groups);
  if (!state.usage.examples.empty()) help += "\nExamples\n";
  for (const std::string& example : state.usage.examples) help += "  " + example + "\n";
  return help;
}

}  // namespace attnviz::cli
