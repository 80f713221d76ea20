/// window_reader: reads the texts of a run, one by one as its models take them, and puts them together in
/// windows that memory can hold.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attnviz/manifest.h"
#include "cli/input.h"
#include "cli/job.h"
#include "cli/memory_plan.h"
#include "cli/pipeline.h"

namespace attnviz::cli {

class WindowReader {
 public:
  /// What it knows of the run beside its job.
  struct Run {
    std::string format;  ///< of the files
    std::span<OpenSource> sources;
    MemoryPlan plan;
    /// The entries of the first texts, which an earlier run has written, one by one; then nothing.
    std::function<std::optional<ManifestEntry>()> next_kept;
    /// Once this is so, a window takes no more texts.
    std::function<bool()> stopped;
  };

  /// Opens the texts of job.text.input. The job and the sources must outlive it. Throws Error as Texts does.
  WindowReader(const Job& job, std::istream& standard_input, Run run);

  /// The next texts, as many as may be in memory together, or one that goes alone; none at the end. A text
  /// that can't be taken, or is not asked for, is there without subjects, and its entry says why. Throws
  /// Error: input that can't be read, or differs from what an earlier run read.
  [[nodiscard]] std::shared_ptr<Window> next();

  /// Whether the next text takes so much memory that nothing else may be there. Throws as next().
  [[nodiscard]] bool next_goes_alone();

  /// Whether no text is left; known once next_goes_alone() or next() has looked for one.
  [[nodiscard]] bool at_end() const { return at_end_; }

  /// Gives an item the subjects, the file and the error that it had when it was first read.
  void read_again(Item& item) const;

  /// So many rows of the input were read, those of other shards included.
  [[nodiscard]] std::size_t rows() const { return texts_.rows(); }

 private:
  [[nodiscard]] std::optional<Item> read_item();
  [[nodiscard]] std::vector<Subject> read(const Row& row, ManifestEntry& entry) const;

  const Job& job_;
  const InputOptions& options_;
  const Run run_;
  Texts texts_;
  std::size_t taken_ = 0;     ///< texts that reach the models
  std::optional<Item> next_;  ///< read, and in no window yet
  bool at_end_ = false;
};

}  // namespace attnviz::cli
