/// What the files of a model's directory say of it, one by one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace attnviz {

/// Far above every published model; what is larger is a damaged file.
inline constexpr std::int64_t kMostLayers = 10'000;
inline constexpr std::int64_t kMostHeads = 10'000;
inline constexpr std::int64_t kLargestHidden = 1 << 20;
inline constexpr std::int64_t kLargestInner = 1 << 26;
inline constexpr std::int64_t kMostTokens = 1 << 30;
inline constexpr std::int64_t kMostIds = 1 << 30;

/// What one file says; nothing where it is silent.
struct Facts {
  std::optional<std::string> architecture;
  std::optional<std::int64_t> layers, heads, hidden, max_tokens;
  std::optional<bool> causal, takes_pairs;
  /// config.json's:
  std::optional<std::int64_t> decoder_layers = {}, decoder_heads = {}, decoder_start_id = {};
  std::int64_t inner = 0, head_size = 0, window = 0, decoder_inner = 0;
  bool gated = false, decoder_causal = true;
};

/// Of a config.json, where missing entries take the defaults of transformers' configuration classes, and of a
/// generation_config.json beside it. Throws Error naming the file and the entry that is malformed.
[[nodiscard]] Facts read_config(const std::filesystem::path& path);

}  // namespace attnviz
