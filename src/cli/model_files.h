/// model_files: what tells a run's models from all others: the digests of the files that they are read from.
#pragma once

#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "attnviz/manifest.h"
#include "cli/job.h"

namespace attnviz::cli {

class ModelFiles {
 public:
  /// Opens the sources' tokenizers, and where they are run their models, and reads all files of theirs once.
  /// Throws Error as these do.
  ModelFiles(std::span<OpenSource> sources, bool runs_models);

  /// The models' names and their files' digests. Where a file lies, and since when, makes no difference.
  [[nodiscard]] const RunSettings& settings() const { return settings_; }

  /// Throws Error where somebody wrote into weights that are still being read: what is computed from them is
  /// no model's. Files that were read whole at the beginning, and names that lead elsewhere since, do not
  /// matter.
  void expect_unchanged();

 private:
  void add(const std::string& prefix, Reader& reader, bool runs_models);

  RunSettings settings_;
  std::vector<SourceFile> mapped_;
};

}  // namespace attnviz::cli
