#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <string_view>
#include <vector>

#include "attnviz/error.h"
#include "catalog/document.h"
#include "catalog/facts.h"
#include "catalog/files.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

/// What a family of architectures calls its numbers. Where the usual names of the first four are there too,
/// transformers takes those.
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
    "num_layers", "num_heads", "d_model", nullptr, "d_ff", "d_kv", "num_decoder_layers", "num_heads", "d_ff"};
constexpr Keys kBartKeys = {"encoder_layers", "encoder_attention_heads", "d_model", "max_position_embeddings",
                            "encoder_ffn_dim"};

/// What transformers' configuration classes take where config.json is silent.
struct Usual {
  std::string_view architecture;
  std::int64_t layers = 0, heads = 0, hidden = 0;
  std::int64_t positions = 0;       ///< 0: no longest text
  std::int64_t inner = 0;           ///< 0: four times as wide as the model
  std::int64_t head_size = 0;       ///< 0: hidden / heads
  std::int64_t decoder_layers = 0;  ///< 0: as many as layers
  std::int64_t start = -1;          ///< decoder_start_token_id; -1: none
};
constexpr Usual kUsual[] = {
    {"bert", 12, 12, 768, 512, 3072},
    {"roberta", 12, 12, 768, 512, 3072},
    {"xlm-roberta", 12, 12, 768, 512, 3072},
    {"camembert", 12, 12, 768, 512, 3072},
    {"mpnet", 12, 12, 768, 512, 3072},
    {"distilbert", 6, 12, 768, 512, 3072},
    {"electra", 12, 4, 256, 512, 1024},
    {"albert", 12, 64, 4096, 512, 16384},
    {"t5", 6, 8, 512, 0, 2048, 64},
    {"mt5", 8, 6, 512, 0, 1024, 64, 0, 0},
    {"bart", 12, 16, 1024, 1024, 4096, 0, 12, 2},
    {"mbart", 12, 16, 1024, 1024, 4096, 0, 12},
    {"marian", 12, 16, 1024, 1024, 4096, 0, 12, 58100},
    {"pegasus", 12, 16, 1024, 1024, 4096, 0, 12, 0},
    {"blenderbot", 2, 32, 2560, 128, 10240, 0, 24, 1},
    {"gpt2", 12, 12, 768, 1024},
    {"gpt_neo", 24, 16, 2048, 2048},
    {"gpt_neox", 44, 64, 6144, 2048, 24576},
    {"opt", 12, 12, 768, 2048, 3072},
    {"llama", 32, 32, 4096, 2048, 11008},
    {"mistral", 32, 32, 4096, 131072, 14336},
    {"qwen2", 32, 32, 4096, 32768, 22016},
    {"qwen3", 32, 32, 4096, 32768, 22016, 128},
    {"gemma", 28, 16, 3072, 8192, 24576, 256},
};
constexpr std::int64_t kWindow = 4096, kQwenWindowsFrom = 28;  ///< of Mistral and Qwen

/// A gate stands beside the feed-forward part of these; of T5 and mT5, where the configuration says so.
constexpr std::array<std::string_view, 5> kGated = {"llama", "mistral", "qwen2", "qwen3", "gemma"};

/// Their heads divide the width.
constexpr std::array<std::string_view, 4> kDividedWidth = {"bert", "distilbert", "roberta", "gpt2"};

/// They count positions from behind the padding's id, so that the first ones are never used.
constexpr std::array<std::string_view, 9> kPositionsAfterPadding = {
    "roberta",       "xlm-roberta", "xlm-roberta-xl", "roberta-prelayernorm", "camembert", "xmod",
    "data2vec-text", "mpnet",       "longformer"};
constexpr std::int64_t kRobertaPadding = 1;

/// Of this one transformers takes the usual padding, whatever pad_token_id says.
constexpr std::string_view kPaddingOfItsOwn = "mpnet";

/// Decoders by nature, whatever their heads.
constexpr std::array<std::string_view, 17> kDecoders = {
    "gpt2",  "gpt_neo", "gpt_neox", "gptj",    "gpt_bigcode", "openai-gpt", "opt",    "bloom", "llama",
    "qwen2", "qwen3",   "mistral",  "mixtral", "gemma",       "gemma2",     "gemma3", "phi"};

/// Decoders where is_decoder is true, whatever their class is called; and what never is one.
constexpr std::array<std::string_view, 5> kDecodersIfAsked = {"bert", "roberta", "xlm-roberta", "camembert",
                                                              "electra"};
constexpr std::array<std::string_view, 3> kEncoders = {"distilbert", "albert", "mpnet"};

/// It masks what comes behind a token by itself, whatever is_causal says.
constexpr std::string_view kAlwaysCausal = "gpt_neo";

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

Usual usual_of(std::string_view architecture) {
  const auto* const found = std::find_if(std::begin(kUsual), std::end(kUsual), [&](const Usual& usual) {
    return usual.architecture == architecture;
  });
  return found == std::end(kUsual) ? Usual{} : *found;
}

/// Under the usual name or the family's own; 0 in `usual` stands for none.
std::optional<std::int64_t> size_of(const Document& config, const char* common, const char* own,
                                    std::int64_t most, std::int64_t usual) {
  std::optional<std::int64_t> size = config.number(common, 1, most);
  if (!size) size = config.number(own, 1, most);
  return size || usual == 0 ? size : usual;
}

std::optional<std::int64_t> usable_positions(const Document& config, const std::string& architecture) {
  if (is_among(architecture, kLikeT5)) return std::nullopt;
  std::string key = keys_of(architecture).positions;
  if (config.has(kCommonKeys.positions)) key = kCommonKeys.positions;
  const std::optional<std::int64_t> positions =
      size_of(config, kCommonKeys.positions, key.c_str(), kMostTokens, usual_of(architecture).positions);
  if (!positions || !is_among(architecture, kPositionsAfterPadding)) return positions;
  const std::int64_t padding = architecture == kPaddingOfItsOwn
                                   ? kRobertaPadding
                                   : config.number("pad_token_id", 0, kMostIds).value_or(kRobertaPadding);
  if (*positions <= padding + 1) {
    throw config.fault(key, "expected more than the " + std::to_string(padding + 1) +
                                " positions kept for padding, got " + std::to_string(*positions));
  }
  return *positions - padding - 1;
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

/// A decoder's queries see nothing behind them unless is_causal is false, or null.
bool masks_the_future(const Document& config) {
  return !config.has_null("is_causal") && config.flag("is_causal").value_or(true);
}

/// Whether what is behind a token is masked; nothing where an unknown architecture may or may not heed
/// is_causal.
std::optional<bool> is_causal(const Document& config, const std::string& architecture) {
  const bool masks = masks_the_future(config);
  const bool asked = config.flag("is_decoder").value_or(false);
  if (architecture == kAlwaysCausal) return true;
  if (is_among(architecture, kDecodersIfAsked)) return asked && masks;
  if (is_among(architecture, kEncoders) || is_among(architecture, kLikeT5)) return false;
  if (is_encoder_decoder(config, architecture)) return false;
  const std::vector<std::string> classes = config.list("architectures");
  const bool decoder = is_among(architecture, kDecoders) || asked ||
                       std::any_of(classes.begin(), classes.end(),
                                   [](const std::string& name) { return name.ends_with(kDecoderEnding); });
  const bool known = !usual_of(architecture).architecture.empty();
  if (decoder && !masks && !known) return std::nullopt;
  return decoder && masks;
}

bool slides(const Document& config, std::string_view architecture) {
  if (architecture != "qwen2" && architecture != "qwen3") return architecture == "mistral";
  if (!config.flag("use_sliding_window").value_or(false)) return false;
  const std::vector<std::string> types = config.list("layer_types");
  if (!types.empty()) return std::find(types.begin(), types.end(), "sliding_attention") != types.end();
  const std::int64_t layers =
      config.number_if(kCommonKeys.layers, 1, kMostLayers).value_or(usual_of(architecture).layers);
  return layers > config.number_if("max_window_layers", 0, kMostLayers).value_or(kQwenWindowsFrom);
}

/// Of layers whose queries see only so many keys; 0 where all see all.
std::int64_t window_of(const Document& config, std::string_view architecture) {
  constexpr std::int64_t kGptNeoWindow = 256;
  if (architecture == "gpt_neo")
    return config.number_if("window_size", 1, kMostTokens).value_or(kGptNeoWindow);
  if (!slides(config, architecture) || config.has_null("sliding_window")) return 0;
  // Both ways transformers counts the keys beside the query alone.
  return config.number_if("sliding_window", 1, kMostTokens).value_or(kWindow) +
         (masks_the_future(config) ? 0 : 1);
}

/// The sizes that only memory is estimated from.
void read_shape(const Document& config, const std::string& architecture, Facts& facts) {
  const Keys keys = keys_of(architecture);
  const Usual usual = usual_of(architecture);
  facts.inner = config.number_if(keys.inner, 1, kLargestInner).value_or(usual.inner);
  const bool like_llama = is_among(architecture, kGated), like_t5 = is_among(architecture, kLikeT5);
  const bool known = !usual.architecture.empty();
  facts.gated = like_llama || architecture == "mt5";
  // Others pass over it.
  if (like_llama || like_t5 || !known) {
    std::optional<std::int64_t> size = config.number_if(kCommonKeys.head_size, 1, kLargestHidden);
    if (!size) size = config.number_if(keys.head_size, 1, kLargestHidden);
    facts.head_size = size.value_or(usual.head_size);
  }
  if (like_t5) {
    const std::optional<std::string> kind = config.text("feed_forward_proj");
    if (kind) facts.gated = kind->starts_with("gated-");
  }
  facts.window = window_of(config, architecture);
}

/// Which token a decoder's input begins with: what config.json or generation_config.json say, else what the
/// class takes; T5's begins with the padding, whose files need not say so.
std::optional<std::int64_t> read_start(const Document& config, const fs::path& path) {
  constexpr const char* kStart = "decoder_start_token_id";
  const std::optional<std::int64_t> start = config.number(kStart, 0, kMostIds);
  const fs::path other = path.parent_path() / kGenerationConfig;
  std::optional<std::int64_t> generated;
  if (is_there(other)) generated = Document(other).number(kStart, 0, kMostIds);
  if (start && generated && *start != *generated) {
    throw Error(path.parent_path().string() + ": " + kConfig + " and " + kGenerationConfig +
                    " contradict each other: " + kStart + " is " + std::to_string(*start) + " in one and " +
                    std::to_string(*generated) + " in the other",
                "mend the one that does not belong to the weights");
  }
  if (start || generated) return start ? start : generated;
  const std::string architecture = config.text("model_type").value_or("");
  if (const std::int64_t usual = usual_of(architecture).start; usual >= 0) {
    return config.has_null(kStart) ? std::nullopt : std::optional(usual);
  }
  if (architecture != "t5" || config.has_null(kStart) || config.has_null("pad_token_id")) return std::nullopt;
  return config.number("pad_token_id", 0, kMostIds).value_or(0);
}

void read_decoder(const Document& config, const Keys& keys, Facts& facts) {
  const Usual usual = usual_of(facts.architecture.value_or(""));
  const auto own = [&](const char* key, std::int64_t most, std::int64_t fallback) {
    const std::optional<std::int64_t> size = config.number(key, 1, most);
    return size || fallback == 0 ? size : fallback;
  };
  const bool like_t5 = keys.decoder_heads == keys.heads;
  const std::optional<std::int64_t> layers =
      like_t5 ? own(keys.layers, kMostLayers, usual.layers) : facts.layers;
  facts.decoder_layers = own(keys.decoder_layers, kMostLayers, usual.decoder_layers);
  if (!facts.decoder_layers) facts.decoder_layers = layers;
  facts.decoder_heads = like_t5 ? facts.heads : own(keys.decoder_heads, kMostHeads, usual.heads);
  facts.decoder_inner = config.number_if(keys.decoder_inner, 1, kLargestInner).value_or(usual.inner);
  facts.decoder_causal = masks_the_future(config);
}

}  // namespace

Facts read_config(const fs::path& path) {
  const Document config(path);
  Facts facts;
  facts.architecture = config.text("model_type");
  const std::string architecture = facts.architecture.value_or("");
  const Keys keys = keys_of(architecture);
  const Usual usual = usual_of(architecture);
  facts.layers = size_of(config, kCommonKeys.layers, keys.layers, kMostLayers, usual.layers);
  facts.heads = size_of(config, kCommonKeys.heads, keys.heads, kMostHeads, usual.heads);
  facts.hidden = size_of(config, kCommonKeys.hidden, keys.hidden, kLargestHidden, usual.hidden);
  facts.max_tokens = usable_positions(config, architecture);
  if (is_among(architecture, kDividedWidth) && *facts.hidden % *facts.heads != 0) {
    throw config.fault(keys.hidden, "expected a multiple of " + std::string(keys.heads) + " (" +
                                        std::to_string(*facts.heads) + "), got " +
                                        std::to_string(*facts.hidden));
  }
  facts.causal = is_causal(config, architecture);
  if (facts.causal) facts.takes_pairs = !*facts.causal;
  read_shape(config, architecture, facts);
  if (is_encoder_decoder(config, architecture)) {
    read_decoder(config, keys, facts);
    facts.decoder_start_id = read_start(config, path);
  }
  return facts;
}

}  // namespace attnviz
