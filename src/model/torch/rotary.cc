#include "model/torch/rotary.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

namespace attnviz {
namespace {

constexpr double kTheta = 10000;
constexpr std::int64_t kWidest = 1 << 16;

/// The tokens that a pair takes for one radian. All is computed in single precision, as transformers does: at
/// far positions a frequency's rounding counts.
std::vector<float> tokens_a_radian(double theta, std::int64_t width) {
  std::vector<float> tokens;
  for (std::int64_t i = 0; i < width; i += 2) {
    tokens.push_back(std::pow(static_cast<float>(theta), static_cast<float>(i) / static_cast<float>(width)));
  }
  return tokens;
}

/// Slow turns are slowed down further by `factor`, fast ones stay, those between are blended.
void scale_as_llama3(const Config& scaling, double original, std::vector<float>& frequencies) {
  const auto factor = static_cast<float>(scaling.positive({"factor"}, 0));
  const auto low = static_cast<float>(scaling.positive({"low_freq_factor"}, 0));
  const auto high = static_cast<float>(scaling.positive({"high_freq_factor"}, 0));
  if (low >= high) scaling.fault("low_freq_factor: expected less than high_freq_factor");
  for (float& frequency : frequencies) {
    const float wave = 1 / frequency * static_cast<float>(2 * std::numbers::pi);
    const float turns = 1 / wave * static_cast<float>(original);
    const float blend = std::clamp((turns - low) / (high - low), 0.0F, 1.0F);
    frequency = (1 - blend) * frequency / factor + blend * frequency;
  }
}

/// rope_scaling counts before rope_parameters, unless it is empty.
Config entries_of(const Config& config) {
  const char* const name = config.asks_for("rope_scaling") ? "rope_scaling" : "rope_parameters";
  for (const auto& [entry, value] : config.entry(name).items()) {
    if (value.is_object()) config.refuse(std::string(name) + " by kinds of layers (\"" + entry + "\")");
  }
  return config.object(name);
}

double yarn_length(const Config& scaling, double factor) {
  const auto length = [&](double scale) { return factor <= 1 ? 1 : 0.1 * scale * std::log(factor) + 1; };
  const double scale = scaling.number({"mscale"}, 0), all = scaling.number({"mscale_all_dim"}, 0);
  const double usual = scale != 0 && all != 0 ? length(scale) / length(all) : length(1);
  return scaling.number({"attention_factor"}, usual);
}

/// The pair, counted in numbers, that turns `turns` times within the original length.
double yarn_place(double turns, double theta, double width, double original) {
  return width * std::log(original / (turns * 2 * std::numbers::pi)) / (2 * std::log(theta));
}

/// null and 0 stand for the usual number.
double yarn_turns(const Config& scaling, const char* name, double usual) {
  const double turns = scaling.number({name}, usual);
  return turns == 0 ? usual : scaling.positive({name}, usual);
}

/// `extended` is what a factor of null takes the text to be lengthened to.
void scale_as_yarn(const Config& scaling, double theta, double original, double extended, Rotary& rotary) {
  const double width = 2 * static_cast<double>(rotary.frequencies.size());
  const std::vector<float> tokens = tokens_a_radian(theta, static_cast<std::int64_t>(width));
  const double factor = scaling.positive({"factor"}, scaling.is_null("factor") ? extended / original : 0);
  double low = yarn_place(yarn_turns(scaling, "beta_fast", 32), theta, width, original);
  double high = yarn_place(yarn_turns(scaling, "beta_slow", 1), theta, width, original);
  if (scaling.flag("truncate", true)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, width - 1);
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < rotary.frequencies.size(); ++i) {
    const float place = (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low);
    const float kept = 1 - std::clamp(place, 0.0F, 1.0F);
    const float slowed = 1 / (static_cast<float>(factor) * tokens[i]);
    rotary.frequencies[i] = slowed * (1 - kept) + rotary.frequencies[i] * kept;
  }
  rotary.factor = yarn_length(scaling, factor);
}

}  // namespace

Rotary read_rotary(const Config& config, const Architecture& read, const RotaryEntries& entries) {
  const Config scaling = entries_of(config);
  const std::string kind = scaling.text({"rope_type", "type"}, "default");
  const double theta = scaling.number({"rope_theta"}, config.number({entries.theta}, kTheta));
  if (theta <= 1) config.fault("rope_theta: expected more than 1");
  const double share =
      scaling.number({"partial_rotary_factor"}, config.number({entries.share}, entries.default_share));
  if (share <= 0 || share > 1) config.fault("partial_rotary_factor: expected more than 0, at most 1");
  const auto width = static_cast<std::int64_t>(static_cast<double>(read.head_size) * share);
  // Of an odd number transformers turns one more.
  const bool turnable = width % 2 == 0 || (width < read.head_size && kind != "yarn");
  if (width < 1 || width > kWidest || !turnable) {
    config.fault("heads of " + std::to_string(read.head_size) + " numbers, of which " +
                 std::to_string(width) + " are rotated, expected an even number, at most " +
                 std::to_string(kWidest));
  }
  const std::int64_t inside = scaling.size({"original_max_position_embeddings"}, read.positions);
  const auto original = static_cast<double>(config.size({"original_max_position_embeddings"}, inside));
  Rotary rotary;
  for (const float tokens : tokens_a_radian(theta, width)) rotary.frequencies.push_back(1 / tokens);
  if (kind == "linear") {
    const auto factor = static_cast<float>(scaling.positive({"factor"}, 0));
    for (float& frequency : rotary.frequencies) frequency /= factor;
  } else if (kind == "llama3") {
    scale_as_llama3(scaling, original, rotary.frequencies);
  } else if (kind == "yarn") {
    scale_as_yarn(scaling, theta, original, static_cast<double>(read.positions), rotary);
  } else if (kind != "default" && kind != "dynamic") {
    config.refuse("rope_type \"" + kind + "\"");
  }
  const auto& turns = rotary.frequencies;
  if (!std::isfinite(rotary.factor) ||
      !std::all_of(turns.begin(), turns.end(), [](float turn) { return std::isfinite(turn); })) {
    scaling.fault("turns without bound");
  }
  return rotary;
}

}  // namespace attnviz
