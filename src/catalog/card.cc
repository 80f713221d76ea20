#include <algorithm>
#include <array>
#include <iterator>
#include <span>

#include "attnviz/catalog.h"
#include "attnviz/error.h"
#include "catalog/document.h"
#include "catalog/files.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

/// Far above every published model; what is larger is a damaged file.
constexpr std::int64_t kMostLayers = 10'000;
constexpr std::int64_t kMostHeads = 10'000;
constexpr std::int64_t kLargestHidden = 1 << 20;
constexpr std::int64_t kLargestInner = 1 << 26;
constexpr std::int64_t kMostTokens = 1 << 30;
constexpr std::int64_t kMostIds = 1 << 30;
constexpr std::int64_t kManifestFormat = 1;
constexpr std::size_t kDigestCharacters = 64;

/// What a family of architectures calls its numbers.
struct Keys {
  const char *layers, *heads, *hidden, *positions;
  const char* inner = "intermediate_size";
  const char* head_size = "head_dim";
  const char* decoder_layers = "decoder_layers";
  const char* decoder_heads = "decoder_attention_heads";
  const char* decoder_inner = "decoder_ffn_dim";
};

constexpr Keys kCommonKeys = {"num_hidden_layers", "num_attention_heads", "hidden_size",
                              "max_position_embeddings"};
constexpr Keys kDistilBertKeys = {"n_layers", "n_heads", "dim", "max_position_embeddings", "hidden_dim"};
constexpr Keys kGpt2Keys = {"n_layer", "n_head", "n_embd", "n_positions", "n_inner"};
constexpr Keys kGptNeoKeys = {"num_layers", "num_heads", "hidden_size", "max_position_embeddings"};
constexpr Keys kOptKeys = {"num_hidden_layers", "num_attention_heads", "hidden_size",
                           "max_position_embeddings", "ffn_dim"};
constexpr Keys kT5Keys = {
    "num_layers",         "num_heads", "d_model", "max_position_embeddings", "d_ff", "d_kv",
    "num_decoder_layers", "num_heads", "d_ff"};
constexpr Keys kBartKeys = {"encoder_layers", "encoder_attention_heads", "d_model", "max_position_embeddings",
                            "encoder_ffn_dim"};

/// What transformers' configuration classes take for these where config.json is silent.
struct Usual {
  std::string_view architecture;
  std::int64_t inner = 0;  ///< 0: four times as wide as the model
  std::int64_t head_size = 0;
  bool gated = false;
  std::int64_t window = 0;
};
constexpr Usual kUsual[] = {
    {"bert", 3072},
    {"roberta", 3072},
    {"xlm-roberta", 3072},
    {"camembert", 3072},
    {"mpnet", 3072},
    {"distilbert", 3072},
    {"electra", 1024},
    {"albert", 16384},
    {"opt", 3072},
    {"gpt_neox", 24576},
    {"t5", 2048, 64},
    {"mt5", 1024, 64, true},
    {"bart", 4096},
    {"mbart", 4096},
    {"marian", 4096},
    {"pegasus", 4096},
    {"blenderbot", 10240},
    {"llama", 11008, 0, true},
    {"mistral", 14336, 0, true},
    {"qwen2", 22016, 0, true},
    {"qwen3", 22016, 128, true},
    {"gemma", 24576, 256, true},
};

/// What GPT-2's first configurations call n_positions.
constexpr const char* kGpt2OlderPositions = "n_ctx";

/// The families whose numbers must all be there, since the checkpoint is run from them.
constexpr std::array<std::string_view, 4> kKnown = {"bert", "distilbert", "roberta", "gpt2"};

/// They count positions from behind the padding's id, so that the first ones are never used.
constexpr std::array<std::string_view, 9> kPositionsAfterPadding = {
    "roberta",       "xlm-roberta", "xlm-roberta-xl", "roberta-prelayernorm", "camembert", "xmod",
    "data2vec-text", "mpnet",       "longformer"};
constexpr std::int64_t kRobertaPadding = 1;

/// Decoders by nature, whatever their heads.
constexpr std::array<std::string_view, 17> kDecoders = {
    "gpt2",  "gpt_neo", "gpt_neox", "gptj",    "gpt_bigcode", "openai-gpt", "opt",    "bloom", "llama",
    "qwen2", "qwen3",   "mistral",  "mixtral", "gemma",       "gemma2",     "gemma3", "phi"};

/// A decoder behind an encoder, unless their files say otherwise.
constexpr std::array<std::string_view, 2> kLikeT5 = {"t5", "mt5"};
constexpr std::array<std::string_view, 7> kLikeBart = {"bart",    "mbart",      "marian",          "pegasus",
                                                       "m2m_100", "blenderbot", "blenderbot-small"};

/// What the class of an encoder is called that was taken out of such a model, and of one that labels tokens;
/// their configuration stays whole.
constexpr std::string_view kEncoderAloneEndings[] = {"EncoderModel", "ForTokenClassification"};

/// What any other decoder's class is called when it is saved with its head.
constexpr std::string_view kDecoderEnding = "ForCausalLM";

bool is_among(std::string_view name, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Keys keys_of(std::string_view architecture) {
  if (architecture == "distilbert") return kDistilBertKeys;
  if (architecture == "gpt_neo") return kGptNeoKeys;
  if (architecture == "opt") return kOptKeys;
  if (is_among(architecture, kLikeT5)) return kT5Keys;
  if (is_among(architecture, kLikeBart)) return kBartKeys;
  return architecture == "gpt2" ? kGpt2Keys : kCommonKeys;
}

/// What one file says; nothing where it is silent.
struct Facts {
  std::optional<std::string> architecture;
  std::optional<std::int64_t> layers, heads, hidden, max_tokens;
  std::optional<bool> causal, takes_pairs;
  /// config.json's:
  std::optional<std::int64_t> decoder_layers = {}, decoder_heads = {}, decoder_start_id = {};
  Usual shape = {};
  std::int64_t decoder_inner = 0;
};

std::optional<std::int64_t> usable_positions(const Document& config, const std::string& architecture) {
  std::string key = keys_of(architecture).positions;
  if (architecture == "gpt2" && !config.has(key)) key = kGpt2OlderPositions;
  const std::optional<std::int64_t> positions = config.number(key, 1, kMostTokens);
  if (!positions || !is_among(architecture, kPositionsAfterPadding)) return positions;
  const std::int64_t padding = config.number("pad_token_id", 0, kMostIds).value_or(kRobertaPadding);
  if (*positions <= padding + 1) {
    throw config.fault(key, "expected more than the " + std::to_string(padding + 1) +
                                " positions kept for padding, got " + std::to_string(*positions));
  }
  return *positions - padding - 1;
}

bool is_decoder(const Document& config, const std::string& architecture) {
  const std::vector<std::string> classes = config.list("architectures");
  return is_among(architecture, kDecoders) || config.flag("is_decoder").value_or(false) ||
         std::any_of(classes.begin(), classes.end(),
                     [](const std::string& name) { return name.ends_with(kDecoderEnding); });
}

bool is_encoder_decoder(const Document& config, const std::string& architecture) {
  const std::vector<std::string> classes = config.list("architectures");
  if (classes.size() == 1 &&
      std::any_of(std::begin(kEncoderAloneEndings), std::end(kEncoderAloneEndings),
                  [&](std::string_view ending) { return classes.front().ends_with(ending); }))
    return false;
  const bool usual = is_among(architecture, kLikeT5) || is_among(architecture, kLikeBart);
  return config.flag("is_encoder_decoder").value_or(usual);
}

Usual usual_of(std::string_view architecture) {
  const auto* const found = std::find_if(std::begin(kUsual), std::end(kUsual), [&](const Usual& usual) {
    return usual.architecture == architecture;
  });
  return found == std::end(kUsual) ? Usual{} : *found;
}

/// Of layers whose queries see only so many keys; 0 where all see all.
std::int64_t window_of(const Document& config, std::string_view architecture) {
  constexpr std::int64_t kGptNeoWindow = 256;
  if (architecture == "gpt_neo")
    return config.number_if("window_size", 1, kMostTokens).value_or(kGptNeoWindow);
  const bool qwen = architecture == "qwen2" || architecture == "qwen3";
  const bool slides = qwen ? config.flag("use_sliding_window").value_or(false) : architecture == "mistral";
  return slides ? config.number_if("sliding_window", 1, kMostTokens).value_or(0) : 0;
}

/// The sizes that only memory is estimated from.
Usual read_shape(const Document& config, const std::string& architecture) {
  const Keys keys = keys_of(architecture);
  Usual shape = usual_of(architecture);
  shape.inner = config.number_if(keys.inner, 1, kLargestInner).value_or(shape.inner);
  shape.head_size = config.number_if(keys.head_size, 1, kLargestHidden).value_or(shape.head_size);
  if (is_among(architecture, kLikeT5)) {
    const std::optional<std::string> kind = config.text("feed_forward_proj");
    if (kind) shape.gated = kind->starts_with("gated-");
  }
  shape.window = window_of(config, architecture);
  return shape;
}

void read_decoder(const Document& config, const Keys& keys, Facts& facts) {
  facts.decoder_layers = config.number(keys.decoder_layers, 1, kMostLayers);
  if (!facts.decoder_layers) facts.decoder_layers = facts.layers;
  facts.decoder_heads = config.number(keys.decoder_heads, 1, kMostHeads);
  facts.decoder_inner = config.number_if(keys.decoder_inner, 1, kLargestInner)
                            .value_or(usual_of(facts.architecture.value_or("")).inner);
  facts.decoder_start_id = config.number("decoder_start_token_id", 0, kMostIds);
  // As T5 has it, whose files need not say so.
  if (!facts.decoder_start_id) facts.decoder_start_id = config.number("pad_token_id", 0, kMostIds);
}

Facts read_config(const fs::path& path) {
  const Document config(path);
  Facts facts;
  facts.architecture = config.text("model_type");
  const std::string architecture = facts.architecture.value_or("");
  const Keys keys = keys_of(architecture);
  facts.layers = config.number(keys.layers, 1, kMostLayers);
  facts.heads = config.number(keys.heads, 1, kMostHeads);
  facts.hidden = config.number(keys.hidden, 1, kLargestHidden);
  facts.max_tokens = usable_positions(config, architecture);
  if (is_among(architecture, kKnown)) {
    for (const char* key : {keys.layers, keys.heads, keys.hidden}) {
      if (!config.has(key)) throw config.fault(key, "missing");
    }
    if (!facts.max_tokens) throw config.fault(keys.positions, "missing");
    if (*facts.hidden % *facts.heads != 0) {
      throw config.fault(keys.hidden, "expected a multiple of " + std::string(keys.heads) + " (" +
                                          std::to_string(*facts.heads) + "), got " +
                                          std::to_string(*facts.hidden));
    }
  }
  facts.causal = is_decoder(config, architecture);
  facts.takes_pairs = !*facts.causal;
  facts.shape = read_shape(config, architecture);
  if (is_encoder_decoder(config, architecture)) read_decoder(config, keys, facts);
  return facts;
}

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
          .shape = config.shape,
          .decoder_inner = config.decoder_inner};
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
  card.head_size = static_cast<int>(facts.shape.head_size);
  card.inner = static_cast<int>(facts.shape.inner);
  card.gated = facts.shape.gated;
  card.window = static_cast<int>(facts.shape.window);
  card.decoder_inner = static_cast<int>(facts.decoder_inner);
  card.decoder_layers = static_cast<int>(facts.decoder_layers.value_or(0));
  card.decoder_heads = static_cast<int>(facts.decoder_heads.value_or(0));
  card.decoder_start_id = facts.decoder_start_id.value_or(-1);
  card.max_tokens = static_cast<std::size_t>(facts.max_tokens.value_or(0));
  card.causal = facts.causal.value_or(false);
  card.takes_pairs = facts.takes_pairs.value_or(!card.causal);
  return card;
}

}  // namespace attnviz
