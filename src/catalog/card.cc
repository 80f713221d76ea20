#include "attnviz/catalog.h"
#include "attnviz/error.h"
#include "catalog/document.h"
#include "catalog/facts.h"
#include "catalog/files.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kManifestFormat = 1;
constexpr std::size_t kDigestCharacters = 64;

void check_digests(const Document& manifest, const std::map<std::string, std::string>& digests) {
  for (const auto& [file, digest] : digests) {
    if (!is_plain_name(file)) {
      throw manifest.fault("sha256", "expected names of files beside it, got \"" + file + "\"");
    }
    if (digest.size() != kDigestCharacters ||
        digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
      throw manifest.fault("sha256",
                           file + ": expected 64 lower-case hexadecimal digits, got \"" + digest + "\"");
    }
  }
}

Facts read_manifest(const fs::path& path, ModelCard& card) {
  const Document manifest(path);
  const std::optional<std::int64_t> format = manifest.number("format", 0, kMostIds);
  if (format != kManifestFormat) {
    throw manifest.fault("format", "expected 1, got " + (format ? std::to_string(*format) : "none"));
  }
  if (const std::optional<std::string> name = manifest.text("name")) {
    // It becomes a part of file names.
    if (!is_plain_name(*name)) {
      throw manifest.fault("name", "expected a name without slashes, got \"" + *name + "\"");
    }
    card.name = *name;
  }
  card.source = manifest.text("source").value_or("");
  card.exporter = manifest.text("exporter").value_or("");
  card.torch = manifest.text("torch").value_or("");
  card.sha256 = manifest.texts("sha256");
  check_digests(manifest, card.sha256);
  return {.architecture = manifest.text("architecture"),
          .layers = manifest.number("layers", 1, kMostLayers),
          .heads = manifest.number("heads", 1, kMostHeads),
          .hidden = manifest.number("hidden", 1, kLargestHidden),
          .max_tokens = manifest.number("max_tokens", 1, kMostTokens),
          .causal = manifest.flag("causal"),
          .takes_pairs = manifest.flag("pair")};
}

std::string shown(const std::string& text) { return text; }
std::string shown(bool flag) { return flag ? "true" : "false"; }
std::string shown(std::int64_t number) { return std::to_string(number); }

/// The one value that two files give; throws where they give two.
template <class Value>
std::optional<Value> agreed(const fs::path& directory, const char* what, const std::optional<Value>& manifest,
                            const std::optional<Value>& config) {
  if (manifest && config && *manifest != *config) {
    throw Error(directory.string() + ": " + kManifest + " and " + kConfig + " contradict each other: " +
                    what + " is " + shown(*manifest) + " in one and " + shown(*config) + " in the other",
                "remove the file that does not belong to the weights, or export the model again");
  }
  return manifest ? manifest : config;
}

Facts agreed(const fs::path& directory, const Facts& manifest, const Facts& config) {
  return {.architecture = agreed(directory, "architecture", manifest.architecture, config.architecture),
          .layers = agreed(directory, "layers", manifest.layers, config.layers),
          .heads = agreed(directory, "heads", manifest.heads, config.heads),
          .hidden = agreed(directory, "hidden", manifest.hidden, config.hidden),
          .max_tokens = agreed(directory, "max_tokens", manifest.max_tokens, config.max_tokens),
          .causal = agreed(directory, "causal", manifest.causal, config.causal),
          .takes_pairs = agreed(directory, "pair", manifest.takes_pairs, config.takes_pairs),
          .decoder_layers = config.decoder_layers,
          .decoder_heads = config.decoder_heads,
          .decoder_start_id = config.decoder_start_id,
          .inner = config.inner,
          .head_size = config.head_size,
          .window = config.window,
          .decoder_inner = config.decoder_inner,
          .gated = config.gated,
          .decoder_causal = config.decoder_causal};
}

/// The directory's own name, whatever links and dots lead to it.
std::string name_of(const fs::path& directory) {
  std::error_code fault;
  const fs::path path = (fs::absolute(directory, fault) / "").lexically_normal();
  return path.parent_path().filename().string();
}

std::string what_to_do(const fs::path& directory) {
  if (is_there(directory / kOlderWeights)) {
    return std::string("load it in Python and save it again: save_pretrained writes ") + kWeights;
  }
  return "`hf download ID --local-dir models/ID` puts a checkpoint in place, scripts/export_model.py a " +
         std::string(kTorchScript);
}

}  // namespace

ModelCard read_card(const fs::path& directory) {
  if (!is_directory_there(directory)) {
    throw Error(directory.string() + ": no such directory", "check the path, or give the name of a model");
  }
  if (!holds_model(directory)) {
    throw Error(directory.string() + ": holds no model, expected " + kConfig + " with " + kWeights + ", or " +
                    kTorchScript,
                what_to_do(directory));
  }
  ModelCard card;
  card.directory = directory;
  card.name = name_of(directory);
  card.has_checkpoint = holds_checkpoint(directory);
  card.has_torchscript = is_there(directory / kTorchScript);
  Facts facts;
  if (is_there(directory / kConfig)) facts = read_config(directory / kConfig);
  if (is_there(directory / kManifest)) {
    facts = agreed(directory, read_manifest(directory / kManifest, card), facts);
  }
  card.architecture = facts.architecture.value_or("");
  card.layers = static_cast<int>(facts.layers.value_or(0));
  card.heads = static_cast<int>(facts.heads.value_or(0));
  card.hidden = static_cast<int>(facts.hidden.value_or(0));
  card.head_size = static_cast<int>(facts.head_size);
  card.inner = static_cast<int>(facts.inner);
  card.gated = facts.gated;
  card.window = static_cast<int>(facts.window);
  card.decoder_inner = static_cast<int>(facts.decoder_inner);
  card.decoder_causal = facts.decoder_causal;
  card.decoder_layers = static_cast<int>(facts.decoder_layers.value_or(0));
  card.decoder_heads = static_cast<int>(facts.decoder_heads.value_or(0));
  card.decoder_start_id = facts.decoder_start_id.value_or(-1);
  card.max_tokens = static_cast<std::size_t>(facts.max_tokens.value_or(0));
  card.causal = facts.causal.value_or(false);
  card.takes_pairs = facts.takes_pairs.value_or(!card.causal);
  return card;
}

}  // namespace attnviz
