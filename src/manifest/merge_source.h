/// What is merged: a run's manifest and what shaped the run.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "attnviz/manifest.h"
#include "manifest/run_file.h"

namespace attnviz {

struct Source {
  std::filesystem::path directory;
  RunFile run;
  std::vector<ManifestEntry> entries;

  /// The manifest's path, for errors.
  [[nodiscard]] std::string name() const { return (directory / manifest_name(run.shard)).string(); }
};

/// The shards in each directory by number, or the whole run where it has no shards. Throws Error where it has
/// neither, and where a file of theirs can't be read.
[[nodiscard]] std::vector<Source> sources_in(std::span<const std::filesystem::path> directories);

}  // namespace attnviz
