/// flags: one command's flags, its help, and how a wrong command line is answered. Behind it: CLI11.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/values.h"

namespace attnviz::cli {

/// What a command's help says around its flags.
struct Usage {
  std::string command;                ///< "models info"
  std::string about;                  ///< what it does, in sentences
  std::vector<std::string> examples;  ///< command lines
};

/// Reads a value into its option. Throws Error when it is not one.
using Read = std::function<void(const Given&)>;

class Flags {
 public:
  explicit Flags(Usage usage);
  Flags(Flags&&) noexcept;
  Flags& operator=(Flags&&) noexcept;
  ~Flags();

  /// Starts a group of flags in the help.
  void group(const std::string& heading);

  /// `names` is "--layer" or "-o,--output"; `placeholder` stands for the value in the help. It may be given
  /// `most` times; each is read.
  void value(const std::string& names, const std::string& placeholder, const std::string& help, Read read,
             std::size_t most = 1);
  void flag(const std::string& names, const std::string& help, bool& set);

  /// The command's one argument, which must be given: "TEXT", and the hint where it is missing.
  void argument(const std::string& name, const std::string& help, const std::string& hint, Read read);

  /// One argument or more; each is read.
  void arguments(const std::string& name, const std::string& help, const std::string& hint, Read read);

  /// The command's one argument, which may be left out.
  void optional_argument(const std::string& name, const std::string& help, Read read);

  /// Reads all values, in the order in which they were declared. Returns false when help was asked
  /// for. Throws Error: an unknown flag (with the nearest), a missing value, one flag twice, a value
  /// that can't be read, a missing argument or one too many.
  [[nodiscard]] bool parse(std::span<const std::string> arguments);

  /// What was given, in the order of the help, without some flags and those of some groups: "render",
  /// "--layer", "6".
  [[nodiscard]] std::vector<std::string> given_but(std::span<const std::string> groups_or_flags) const;

  [[nodiscard]] std::string help() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace attnviz::cli
