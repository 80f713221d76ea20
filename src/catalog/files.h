/// The files of a model's directory.
#pragma once

#include <filesystem>
#include <string_view>

#include "attnviz/file.h"

namespace attnviz {

inline constexpr const char* kConfig = "config.json";
inline constexpr const char* kGenerationConfig = "generation_config.json";
inline constexpr const char* kManifest = "attnviz.json";
inline constexpr const char* kWeights = "model.safetensors";
inline constexpr const char* kShards = "model.safetensors.index.json";
inline constexpr const char* kTorchScript = "model.pt";
/// Pickled, so never read: only named in hints.
inline constexpr const char* kOlderWeights = "pytorch_model.bin";

[[nodiscard]] inline bool holds_checkpoint(const std::filesystem::path& directory) {
  return is_there(directory / kConfig) && (is_there(directory / kWeights) || is_there(directory / kShards));
}

[[nodiscard]] inline bool holds_model(const std::filesystem::path& directory) {
  return is_there(directory / kTorchScript) || holds_checkpoint(directory);
}

/// A file's name that leads nowhere else: not empty, no slashes, no control characters, not "." or "..".
[[nodiscard]] bool is_plain_name(std::string_view name);

}  // namespace attnviz
