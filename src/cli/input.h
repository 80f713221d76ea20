/// input: a file of texts: how it is read, and which of its texts are taken.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attnviz/manifest.h"
#include "attnviz/text.h"
#include "cli/flags.h"
#include "cli/progress.h"

namespace attnviz::cli {

struct InputOptions {
  std::optional<std::string> path{};  ///< - is standard input; unset: the one text given is all
  std::optional<RowFormat> format{};  ///< unset: as the extension says; lines of standard input
  std::optional<std::string> column{}, pair_column{}, target_column{}, id_column{};
  bool no_header = false;
  std::size_t skip = 0;                ///< rows at the beginning that are passed over
  std::optional<std::size_t> limit{};  ///< of texts that reach the model
  std::size_t min_tokens = 0;
  std::optional<std::size_t> max_tokens{};
  Shard shard{};
  bool resume = false;
  Progress::Style progress = Progress::Style::automatic;
  bool quiet = false;
  std::vector<std::string> first_given{};  ///< of the flags that need --input
  std::vector<std::string> settings{};     ///< what was given of the command line that shapes the run
};

/// --input and the flags that belong to it.
void add_input_flags(Flags& flags, InputOptions& options);

/// Groups and flags that shape no file of a run.
inline const std::vector<std::string> kNotOfRun = {"--output",  "--input",      "--resume",  "--progress",
                                                   "--quiet",   "--shard",      "--timings", "--max-memory",
                                                   "--sandbox", "--trust-model"};

/// The rows that are taken of a file, one by one.
class Texts {
 public:
  /// Throws Error: a file that can't be read or whose format is not known.
  Texts(const InputOptions& options, InvalidUtf8 invalid_utf8, std::istream& standard_input);

  /// The next row of the shard; `index` counts from 0 behind those that were skipped. Nothing at the end.
  [[nodiscard]] std::optional<Row> next();

  /// So many are behind it, those of other shards included.
  [[nodiscard]] std::size_t rows() const { return rows_; }

  /// Of the file's bytes, how large a part is read; nothing where that can't be known.
  [[nodiscard]] std::optional<double> share_read() const;

 private:
  const InputOptions& options_;
  std::unique_ptr<std::istream> file_;
  std::istream& stream_;
  std::optional<double> bytes_;
  std::optional<RowReader> reader_;
  std::size_t rows_ = 0;
};

}  // namespace attnviz::cli
