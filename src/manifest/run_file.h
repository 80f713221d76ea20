/// run.json: what shaped a run, and how many rows its input has once it is finished.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "attnviz/manifest.h"

namespace attnviz {

inline constexpr const char* kResumeHint = "--resume makes the run whole";

struct RunFile {
  RunSettings settings;
  Shard shard;
  std::optional<std::size_t> rows;  ///< of the whole input; nothing while the run is not finished
};

/// "run.json", or "run-3-of-16.json" of a shard.
[[nodiscard]] std::string run_file_name(Shard shard);

/// "3/16".
[[nodiscard]] std::string to_text(Shard shard);

[[nodiscard]] std::string to_json(const RunFile& file);

/// Throws Error naming the path.
[[nodiscard]] RunFile read_run_file(const std::filesystem::path& path);

/// "threads: expected 2, got 4", of the first setting that differs; empty where none does.
[[nodiscard]] std::string difference(const RunSettings& expected, const RunSettings& got);

}  // namespace attnviz
