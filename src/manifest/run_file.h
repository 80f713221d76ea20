/// run.json: what shaped a run, and how many rows its input has once it is finished.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "attnviz/error.h"
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

/// The start of the hidden names that a run makes itself, ".manifest-3-of-16". Each shard has its own: they
/// may write into one directory at the same time.
[[nodiscard]] std::string hidden_name(Shard shard);

/// The right to write a run's files. Throws Error while another process has it.
[[nodiscard]] FileLock lock_run(const std::filesystem::path& directory, Shard shard);

/// "3/16".
[[nodiscard]] std::string to_text(Shard shard);

[[nodiscard]] std::string to_json(const RunFile& file);

/// Throws Error naming the path.
[[nodiscard]] RunFile read_run_file(const std::filesystem::path& path);

/// Of a file that would be replaced, though no run here wrote it.
[[nodiscard]] Error others_file(const std::filesystem::path& path);

/// "threads: expected 2, got 4", of the first setting that differs; empty where none does.
[[nodiscard]] std::string difference(const RunSettings& expected, const RunSettings& got);

}  // namespace attnviz
