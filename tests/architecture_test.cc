#include "model/torch/architecture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "attnviz/catalog.h"
#include "support/support.h"

namespace attnviz {
namespace {

using Json = nlohmann::json;

/// What is read of a config.json with these entries.
Architecture read(const Json& entries) { return read_architecture(Config(entries.dump(), "config.json")); }

Json with(std::string_view model_type, const Json& entries) {
  Json all = {{"model_type", model_type}};
  all.update(entries);
  return all;
}

std::vector<std::int64_t> windows(const Architecture& architecture) {
  std::vector<std::int64_t> windows;
  for (const LayerPlan& layer : architecture.layers) windows.push_back(layer.window);
  return windows;
}

TEST(ReadArchitecture, TakesTransformersDefaultsWhereConfigJsonIsSilent) {
  struct Case {
    std::string_view model_type;
    std::size_t layers;
    std::int64_t heads, key_heads, head_size, hidden, embedding, inner, vocabulary;
    std::size_t max_tokens;
    std::string_view activation;
  };
  for (const Case& c : {
           Case{"bert", 12, 12, 12, 64, 768, 768, 3072, 30522, 512, "gelu"},
           Case{"roberta", 12, 12, 12, 64, 768, 768, 3072, 50265, 510, "gelu"},
           Case{"camembert", 12, 12, 12, 64, 768, 768, 3072, 30522, 510, "gelu"},
           Case{"xlm-roberta", 12, 12, 12, 64, 768, 768, 3072, 30522, 510, "gelu"},
           Case{"distilbert", 6, 12, 12, 64, 768, 768, 3072, 30522, 512, "gelu"},
           Case{"electra", 12, 4, 4, 64, 256, 128, 1024, 30522, 512, "gelu"},
           Case{"albert", 12, 64, 64, 64, 4096, 128, 16384, 30000, 512, "gelu_new"},
           Case{"mpnet", 12, 12, 12, 64, 768, 768, 3072, 30527, 510, "gelu"},
           Case{"t5", 6, 8, 8, 64, 512, 512, 2048, 32128, 0, "relu"},
           Case{"mt5", 8, 6, 6, 64, 512, 512, 1024, 250112, 0, "gelu_new"},
           Case{"gpt2", 12, 12, 12, 64, 768, 768, 3072, 50257, 1024, "gelu_new"},
           Case{"gpt_neo", 24, 16, 16, 128, 2048, 2048, 8192, 50257, 2048, "gelu_new"},
           Case{"llama", 32, 32, 32, 128, 4096, 4096, 11008, 32000, 2048, "silu"},
           Case{"mistral", 32, 32, 8, 128, 4096, 4096, 14336, 32000, 131072, "silu"},
           Case{"qwen2", 32, 32, 32, 128, 4096, 4096, 22016, 151936, 32768, "silu"},
           Case{"qwen3", 32, 32, 32, 128, 4096, 4096, 22016, 151936, 32768, "silu"},
           Case{"gpt_neox", 44, 64, 64, 96, 6144, 6144, 24576, 50432, 2048, "gelu"},
           Case{"opt", 12, 12, 12, 64, 768, 768, 3072, 50272, 2048, "relu"},
           Case{"gemma", 28, 16, 16, 256, 3072, 3072, 24576, 256000, 8192, "gelu_pytorch_tanh"},
       }) {
    const bool t5 = c.model_type.ends_with("t5");
    const Json alone = {{"architectures", {"T5EncoderModel"}}};
    const Architecture got = read(with(c.model_type, t5 ? alone : Json::object()));
    EXPECT_EQ(got.layers.size(), c.layers) << c.model_type;
    EXPECT_EQ(got.heads, c.heads) << c.model_type;
    EXPECT_EQ(got.key_heads, c.key_heads) << c.model_type;
    EXPECT_EQ(got.head_size, c.head_size) << c.model_type;
    EXPECT_EQ(got.hidden, c.hidden) << c.model_type;
    EXPECT_EQ(got.embedding, c.embedding) << c.model_type;
    EXPECT_EQ(got.inner, c.inner) << c.model_type;
    EXPECT_EQ(got.vocabulary, c.vocabulary) << c.model_type;
    EXPECT_EQ(got.max_tokens(), c.max_tokens) << c.model_type;
    EXPECT_EQ(got.activation, c.activation) << c.model_type;
  }
}

TEST(ReadArchitecture, AgreesWithTheCardThatMemoryIsPredictedFrom) {
  const Json bert = {{"num_hidden_layers", 2},
                     {"num_attention_heads", 4},
                     {"hidden_size", 32},
                     {"max_position_embeddings", 64}};
  const Json gpt2 = {{"n_layer", 2}, {"n_head", 4}, {"n_embd", 32}, {"n_positions", 64}};
  const Json distilbert = {{"n_layers", 2}, {"n_heads", 4}, {"dim", 32}, {"max_position_embeddings", 64}};
  const Json sizes = {{"num_hidden_layers", 2}, {"num_attention_heads", 4}, {"hidden_size", 32}};
  const Json t5 = {{"num_layers", 2}, {"num_heads", 4}, {"d_model", 32}};
  const Json bart = {
      {"encoder_layers", 2}, {"encoder_attention_heads", 4}, {"decoder_attention_heads", 8}, {"d_model", 32}};
  const Json neo = {{"num_layers", 24}, {"num_heads", 4}, {"hidden_size", 32}};
  struct Case {
    std::string_view model_type;
    const Json &sizes, others;
  };
  for (const Case& c : {
           Case{"bert", bert, {{"intermediate_size", 7}}},
           Case{"roberta", bert, {{"intermediate_size", 7}}},
           Case{"xlm-roberta", bert, {{"intermediate_size", 7}}},
           Case{"camembert", bert, {{"intermediate_size", 7}}},
           Case{"mpnet", bert, {{"intermediate_size", 7}}},
           Case{"electra", bert, {{"intermediate_size", 7}}},
           Case{"albert", bert, {{"intermediate_size", 7}}},
           Case{"distilbert", distilbert, {{"hidden_dim", 7}}},
           Case{"gpt2", gpt2, {{"n_inner", 7}}},
           Case{"gpt2", gpt2, {{"n_inner", nullptr}}},
           Case{"gpt_neo", neo, {{"intermediate_size", 7}}},
           Case{"gpt_neox", sizes, {{"intermediate_size", 7}}},
           Case{"opt", sizes, {{"ffn_dim", 7}}},
           Case{"llama", sizes, {{"intermediate_size", 7}, {"head_dim", 6}}},
           Case{"mistral", sizes, {{"num_key_value_heads", 2}, {"head_dim", 6}}},
           Case{"qwen2", sizes, {{"num_key_value_heads", 2}, {"head_dim", 6}}},
           Case{"qwen3", sizes, {{"num_key_value_heads", 2}, {"head_dim", 6}}},
           Case{"gemma", sizes, {{"num_key_value_heads", 2}, {"head_dim", 6}}},
           Case{"t5", t5, {{"d_ff", 7}, {"d_kv", 6}, {"feed_forward_proj", "gated-gelu"}}},
           Case{"mt5", t5, {{"d_ff", 7}, {"d_kv", 6}, {"feed_forward_proj", "relu"}}},
           Case{"bart", bart, {{"encoder_ffn_dim", 7}, {"decoder_ffn_dim", 5}}},
           Case{"mbart", bart, {{"decoder_ffn_dim", 5}}},
           Case{"marian", bart, {{"encoder_ffn_dim", 7}}},
           Case{"pegasus", bart, {{"encoder_ffn_dim", 7}}},
           Case{"blenderbot", bart, {{"decoder_ffn_dim", 5}}},
       }) {
    for (const Json& others : {Json{{"num_key_value_heads", 4}}, c.others}) {
      Json entries = with(c.model_type, c.sizes);
      entries.update(others);
      const test::TemporaryDirectory directory;
      test::write(directory / "config.json", entries.dump());
      test::write(directory / "model.safetensors", "");
      const ModelCard card = read_card(directory.path());
      const Architecture is = read(entries);
      const auto inner_of = [&](int inner) { return inner > 0 ? inner : 4 * card.hidden; };
      const auto head_size_of = [&](int heads) {
        return card.head_size > 0 ? card.head_size : card.hidden / heads;
      };
      EXPECT_EQ(inner_of(card.inner), is.inner) << entries;
      EXPECT_EQ(head_size_of(card.heads), is.head_size) << entries;
      EXPECT_EQ(card.gated, !is.names.gate.empty()) << entries;
      EXPECT_EQ(card.is_encoder_decoder(), is.decoder != nullptr) << entries;
      if (!is.decoder) continue;
      EXPECT_EQ(inner_of(card.decoder_inner), is.decoder->inner) << entries;
      EXPECT_EQ(head_size_of(card.decoder_heads), is.decoder->head_size) << entries;
      EXPECT_EQ(card.gated, !is.decoder->names.gate.empty()) << entries;
    }
  }
}

TEST(ReadArchitecture, ReadsADecoderBehindAnEncoder) {
  struct Case {
    std::string_view model_type;
    Json entries;
    std::size_t layers, decoder_layers;
    std::int64_t heads, decoder_heads, decoder_inner, decoder_vocabulary;
    std::string words, decoder_words;
  };
  const Json apart = {{"share_encoder_decoder_embeddings", false}, {"decoder_vocab_size", 7}};
  const Json uneven = {{"encoder_layers", 1}, {"decoder_attention_heads", 8}, {"decoder_ffn_dim", 9}};
  const std::string encoder = "encoder.embed_tokens", decoder = "decoder.embed_tokens";
  for (const Case& c : {
           Case{"t5", {{"num_decoder_layers", 2}}, 6, 2, 8, 8, 2048, 32128, "shared", "shared"},
           Case{"mt5", Json::object(), 8, 8, 6, 6, 1024, 250112, "shared", "shared"},
           Case{"bart", uneven, 1, 12, 16, 8, 9, 50265, "shared", "shared"},
           Case{"blenderbot", Json::object(), 2, 24, 32, 32, 10240, 8008, "shared", "shared"},
           Case{"t5", {{"num_hidden_layers", 3}}, 3, 6, 8, 8, 2048, 32128, "shared", "shared"},
           Case{"bart", {{"tie_word_embeddings", false}}, 12, 12, 16, 16, 4096, 50265, encoder, decoder},
           Case{"marian", Json::object(), 12, 12, 16, 16, 4096, 58101, "shared", "shared"},
           Case{"marian", apart, 12, 12, 16, 16, 4096, 7, encoder, decoder},
       }) {
    const Architecture got = read(with(c.model_type, c.entries));
    ASSERT_TRUE(got.decoder) << c.model_type;
    EXPECT_EQ(got.layers.size(), c.layers) << c.model_type;
    EXPECT_EQ(got.decoder->layers.size(), c.decoder_layers) << c.model_type;
    EXPECT_EQ(got.heads, c.heads) << c.model_type;
    EXPECT_EQ(got.decoder->heads, c.decoder_heads) << c.model_type;
    EXPECT_EQ(got.decoder->inner, c.decoder_inner) << c.model_type;
    EXPECT_EQ(got.decoder->vocabulary, c.decoder_vocabulary) << c.model_type;
    EXPECT_EQ(got.names.words, c.words) << c.model_type;
    EXPECT_EQ(got.decoder->names.words, c.decoder_words) << c.model_type;
    EXPECT_TRUE(got.decoder->causal && !got.causal) << c.model_type;
  }
}

TEST(ReadArchitecture, KnowsWhichLayersSeeAWindow) {
  struct Case {
    std::string_view model_type;
    Json entries;
    std::vector<std::int64_t> expected;
  };
  for (const Case& c : {
           Case{"mistral", {{"num_hidden_layers", 2}}, {4096, 4096}},
           Case{"mistral", {{"num_hidden_layers", 2}, {"sliding_window", 7}}, {7, 7}},
           Case{"mistral", {{"num_hidden_layers", 2}, {"sliding_window", nullptr}}, {0, 0}},
           // As many keys on either side.
           Case{"mistral",
                {{"num_hidden_layers", 2}, {"sliding_window", 7}, {"is_causal", false}},
                {8, 8}},
           Case{"qwen2", {{"num_hidden_layers", 2}, {"max_window_layers", 0}}, {0, 0}},
           Case{"qwen2",
                {{"num_hidden_layers", 3}, {"max_window_layers", 1}, {"use_sliding_window", true}},
                {0, 4096, 4096}},
           Case{"qwen3",
                {{"num_hidden_layers", 2},
                 {"use_sliding_window", true},
                 {"sliding_window", 5},
                 {"layer_types", {"sliding_attention", "full_attention"}}},
                {5, 0}},
           Case{"qwen3",
                {{"num_hidden_layers", 1},
                 {"use_sliding_window", true},
                 {"sliding_window", nullptr},
                 {"max_window_layers", 0}},
                {0}},
           Case{"gpt_neo",
                {{"num_layers", 3},
                 {"window_size", 9},
                 {"attention_types", {{{"global", "local", "local"}, 1}}}},
                {0, 9, 9}},
           Case{"llama", {{"num_hidden_layers", 2}, {"sliding_window", 7}}, {0, 0}},
       }) {
    EXPECT_EQ(windows(read(with(c.model_type, c.entries))), c.expected) << c.model_type << " " << c.entries;
  }
}

TEST(ReadArchitecture, ReadsRotaryEntriesOfEveryVersionAlike) {
  const Json now = {{"rope_parameters", {{"rope_type", "linear"}, {"rope_theta", 100.0}, {"factor", 2.0}}}};
  const Json before = {{"rope_theta", 100}, {"rope_scaling", {{"type", "linear"}, {"factor", 2}}}};
  const Architecture got = read(with("llama", now));
  ASSERT_EQ(got.rotary.frequencies.size(), 64U);
  EXPECT_EQ(got.rotary.frequencies, read(with("llama", before)).rotary.frequencies);
  EXPECT_FLOAT_EQ(got.rotary.frequencies[0], 0.5F);
  EXPECT_FLOAT_EQ(got.rotary.frequencies[32], 0.05F);
  EXPECT_EQ(read(with("gpt_neox", {{"rotary_pct", 0.5}})).rotary.frequencies.size(), 24U);
  EXPECT_EQ(read(with("gpt_neox", Json::object())).rotary.frequencies.size(), 12U);
}

TEST(ReadArchitecture, TakesRopeScalingBeforeRopeParametersUnlessItIsEmpty) {
  const Json fast = {{"rope_type", "default"}, {"rope_theta", 100.0}};
  const Json slow = {{"rope_type", "linear"}, {"factor", 2.0}};
  const auto second = [](const Json& entries) {
    return read(with("llama", entries)).rotary.frequencies.at(32);
  };
  EXPECT_FLOAT_EQ(second({{"rope_parameters", fast}, {"rope_scaling", slow}}), 0.005F);
  EXPECT_FLOAT_EQ(second({{"rope_parameters", fast}, {"rope_scaling", slow}, {"rope_theta", 100}}), 0.05F);
  EXPECT_FLOAT_EQ(second({{"rope_parameters", fast}, {"rope_scaling", nullptr}}), 0.1F);
  EXPECT_FLOAT_EQ(second({{"rope_parameters", fast}, {"rope_scaling", Json::object()}}), 0.1F);
}

TEST(ReadArchitecture, KnowsWhichWayDecodersAttend) {
  struct Case {
    std::string_view model_type;
    Json entries;
    bool causal;
  };
  const Json both_ways = {{"is_causal", false}};
  for (const Case& c : {
           Case{"llama", both_ways, false},
           Case{"llama", {{"is_causal", true}}, true},
           Case{"llama", {{"is_causal", nullptr}}, false},
           Case{"llama", {{"is_decoder", true}}, true},
           Case{"gpt2", both_ways, false},
           Case{"gpt_neox", both_ways, false},
           Case{"opt", both_ways, false},
           Case{"gpt_neo", both_ways, true},
           Case{"bert", {{"is_causal", true}}, false},
           Case{"bert", {{"is_decoder", true}}, true},
           Case{"roberta", {{"is_decoder", true}, {"is_causal", false}}, false},
           Case{"albert", {{"is_decoder", true}}, false},
           Case{"mpnet", {{"is_decoder", true}}, false},
           Case{"distilbert", {{"is_decoder", true}}, false},
       }) {
    EXPECT_EQ(read(with(c.model_type, c.entries)).causal, c.causal) << c.model_type << c.entries;
  }
  for (const std::string_view family : {"t5", "mt5", "bart", "mbart", "marian", "pegasus", "blenderbot"}) {
    EXPECT_TRUE(read(with(family, Json::object())).decoder->causal) << family;
    EXPECT_FALSE(read(with(family, both_ways)).decoder->causal) << family;
  }
}

TEST(ReadArchitecture, PassesOverWhatOtherFamiliesCallTheirEntries) {
  const Json strange = {{"n_layer", 1},    {"n_inner", 8},          {"ffn_dim", 8},
                        {"n_embd", 8},     {"activation", "relu"},  {"activation_function", "relu"},
                        {"layer_norm_eps", 1}, {"layer_norm_epsilon", 1}};
  const Architecture got = read(with("llama", strange));
  EXPECT_EQ(got.layers.size(), 32U);
  EXPECT_EQ(got.inner, 11008);
  EXPECT_EQ(got.hidden, 4096);
  EXPECT_EQ(got.activation, "silu");
  EXPECT_EQ(got.epsilon, 1e-6);
  EXPECT_EQ(read(with("gpt2", {{"hidden_act", "relu"}})).activation, "gelu_new");
}

TEST(ReadArchitecture, SharesLayersInGroups) {
  const Architecture got =
      read(with("albert", {{"num_hidden_layers", 5}, {"num_hidden_groups", 2}, {"num_attention_heads", 8}}));
  std::string groups;
  for (const LayerPlan& layer : got.layers) groups += layer.prefix.at(28);
  EXPECT_EQ(groups, "00011");
}

TEST(ReadArchitecture, NamesTheEntryThatIsWrong) {
  struct Case {
    std::string_view model_type;
    Json entries;
    std::string expected;
  };
  const auto scaling = [](const Json& entries) { return Json{{"rope_scaling", entries}}; };
  const auto alone = [](Json entries) {
    entries["is_encoder_decoder"] = false;
    return entries;
  };
  for (const Case& c : {
           Case{"bert", {{"hidden_size", 0}}, "hidden_size: expected 1 to 16777216, got 0"},
           Case{"bert", {{"hidden_size", -8}}, "hidden_size: expected 1 to 16777216, got -8"},
           Case{"bert", {{"hidden_size", 768.5}}, "hidden_size: unusable value 768.5"},
           Case{"bert", {{"hidden_size", true}}, "hidden_size: unusable value true"},
           Case{"bert", {{"hidden_size", "768"}}, "hidden_size: unusable value \"768\""},
           Case{"bert", {{"hidden_size", 18446744073709551615U}}, "unusable value 18446744073709551615"},
           Case{"bert",
                {{"num_attention_heads", 10001}},
                "num_attention_heads: expected 1 to 10000, got 10001"},
           Case{"bert", {{"num_hidden_layers", 1 << 30}}, "num_hidden_layers: expected 1 to 10000"},
           Case{"bert", {{"num_attention_heads", 7}}, "7 heads do not divide a width of 768"},
           Case{"bert", {{"layer_norm_eps", -1}}, "epsilon is negative"},
           Case{"bert", {{"layer_norm_eps", "small"}}, "layer_norm_eps: unusable value \"small\""},
           Case{"bert", {{"hidden_act", {1, 2}}}, "hidden_act: unusable value [1,2]"},
           Case{"gpt2", {{"n_head", 0}}, "n_head: expected 1 to 10000, got 0"},
           Case{"roberta", {{"pad_token_id", 600}}, "pad_token_id 600: leaves no positions of 512"},
           Case{"xlm-roberta", {{"pad_token_id", -1}}, "pad_token_id -1: leaves no positions of 512"},
           Case{"albert", {{"num_hidden_groups", 13}}, "num_hidden_groups: expected 1 to 12, got 13"},
           Case{"llama", {{"num_key_value_heads", 5}}, "num_key_value_heads: 5 do not divide 32 heads"},
           Case{"llama", {{"num_key_value_heads", 64}}, "num_key_value_heads: 64 do not divide 32 heads"},
           Case{"llama", {{"head_dim", 0}}, "head_dim: expected 1 to 16777216, got 0"},
           Case{"llama", {{"head_dim", 7}}, "heads of 7 numbers, of which 7 are rotated, expected an even"},
           Case{"llama", {{"rope_theta", 1}}, "rope_theta: expected more than 1"},
           Case{"llama", {{"rope_scaling", "linear"}}, "rope_scaling: unusable value \"linear\""},
           Case{"llama", scaling({{"type", "linear"}}), "rope_scaling: factor: expected a number above 0"},
           Case{"llama", scaling({{"type", "yarn"}, {"factor", -2}}),
                "rope_scaling: factor: expected a number"},
           Case{
               "llama",
               scaling(
                   {{"rope_type", "llama3"}, {"factor", 8}, {"low_freq_factor", 4}, {"high_freq_factor", 4}}),
               "rope_scaling: low_freq_factor: expected less than high_freq_factor"},
           Case{"gpt_neox", {{"rotary_pct", 1.5}}, "partial_rotary_factor: expected more than 0, at most 1"},
           Case{"gpt_neox", {{"rotary_pct", 0.01}}, "of which 0 are rotated"},
           Case{"mistral", {{"sliding_window", 0}}, "sliding_window: expected 1 to 16777216, got 0"},
           Case{"qwen2", {{"layer_types", {"full_attention"}}}, "layer_types: expected 32, got 1"},
           Case{"qwen2", {{"layer_types", {1}}}, "layer_types: unusable value [1]"},
           Case{"qwen2",
                {{"num_hidden_layers", 1}, {"layer_types", {"sliding_attention"}}},
                "layer_types: a sliding layer, but no sliding window"},
           Case{"gpt_neo",
                {{"attention_types", {{{"global"}, 3}}}},
                "attention_types: expected 24 layers, got 3"},
           Case{"gpt_neo",
                {{"attention_types", {{{"global"}, 1 << 30}}}},
                "attention_types: expected 24 layers, got more"},
           Case{"llama", scaling({{"type", "linear"}, {"factor", 1e-300}}),
                "rope_scaling: turns without bound"},
           Case{
               "bert",
               {{"hidden_size", 1 << 24}, {"num_hidden_layers", Json::array({Json::array({Json::array()})})}},
               "num_hidden_layers: unusable value [[[]]]"},
           Case{"gpt_neo", {{"attention_types", "global"}}, "attention_types: expected [[["},
           Case{"t5", alone({{"d_kv", 0}}), "d_kv: expected 1 to 16777216, got 0"},
           Case{"t5", alone({{"relative_attention_num_buckets", 3}}), "buckets: expected at least 4, got 3"},
           Case{"t5", alone({{"relative_attention_max_distance", 8}}),
                "distance: expected more than a fourth of the buckets, got 8"},
           Case{"t5",
                {{"relative_attention_max_distance", 16}},
                "distance: expected more than half the buckets, got 16"},
           Case{"t5", {{"num_decoder_layers", 0}}, "num_decoder_layers: expected 1 to 10000, got 0"},
           Case{"bart", {{"decoder_attention_heads", 7}}, "7 heads do not divide a width of 1024"},
           Case{"marian", {{"encoder_layers", "six"}}, "encoder_layers: unusable value \"six\""},
       }) {
    const std::string message = test::error_of([&] { return read(with(c.model_type, c.entries)); });
    EXPECT_NE(message.find("config.json: "), std::string::npos) << message;
    EXPECT_NE(message.find(c.expected), std::string::npos) << message;
  }
}

TEST(ReadArchitecture, RefusesWhatIsNoConfiguration) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{
           {"", "config.json: not JSON: "},
           {"[]", "config.json: expected a JSON object"},
           {deep, "config.json: expected a JSON object"},
           {R"({"model_type": "bert", "hidden_size": )" + deep + "}",
            "config.json: hidden_size: unusable value ["},
       }) {
    const std::string message =
        test::error_of([&] { return read_architecture(Config(text, "config.json")); });
    EXPECT_TRUE(message.starts_with(expected)) << message;
  }
}

TEST(ReadArchitecture, RefusesByNameWhatItDoesNotImplement) {
  struct Case {
    std::string_view model_type;
    Json entries;
    std::string expected;
  };
  for (const Case& c : {
           Case{"deberta-v2", Json::object(), "model_type \"deberta-v2\""},
           Case{"", Json::object(), "model_type \"\""},
           Case{"bert", {{"is_encoder_decoder", true}}, "is_encoder_decoder true"},
           Case{"marian", {{"is_encoder_decoder", false}}, "is_encoder_decoder false"},
           Case{"m2m_100", Json::object(), "model_type \"m2m_100\""},
           Case{"electra", {{"add_cross_attention", true}}, "add_cross_attention true"},
           Case{"xlm-roberta",
                {{"position_embedding_type", "relative_key"}},
                "position_embedding_type relative_key"},
           Case{"llama", {{"quantization_config", {{"bits", 4}}}}, "quantization_config"},
           Case{"llama", {{"per_layer_config", {{"0", {{"head_dim", 8}}}}}}, "per_layer_config"},
           Case{"llama", {{"fusion_config", {{"mlp", true}}}}, "fusion_config"},
           Case{"bert", {{"transformers_weights", "other.safetensors"}}, "transformers_weights"},
           Case{"bert", {{"configuration_files", {"config.4.0.json"}}}, "configuration_files"},
           Case{"qwen3",
                {{"rope_parameters", {{"full_attention", {{"rope_theta", 1e6}}}}}},
                "rope_parameters by kinds of layers (\"full_attention\")"},
           Case{"gpt_neox", {{"head_dim", 8}}, "head_dim other than the width divided by the heads"},
           Case{"albert", {{"inner_group_num", 2}}, "inner_group_num other than 1"},
           Case{"mpnet",
                {{"relative_attention_num_buckets", 16}},
                "relative_attention_num_buckets other than 32"},
           Case{"gpt_neo",
                {{"num_layers", 1}, {"attention_types", {{{"linear"}, 1}}}},
                "attention type \"linear\""},
           Case{"llama", {{"rope_scaling", {{"type", "longrope"}}}}, "rope_type \"longrope\""},
           Case{"llama", {{"partial_rotary_factor", 0.5}}, "partial_rotary_factor below 1"},
           Case{"qwen3",
                {{"num_hidden_layers", 1}, {"layer_types", {"chunked_attention"}}},
                "layer type \"chunked_attention\""},
           Case{"opt", {{"layer_norm_elementwise_affine", false}}, "layer_norm_elementwise_affine false"},
           Case{"gemma", {{"use_bidirectional_attention", true}}, "use_bidirectional_attention true"},
       }) {
    const std::string message = test::error_of([&] { return read(with(c.model_type, c.entries)); });
    EXPECT_NE(message.find("config.json: " + c.expected), std::string::npos) << message;
    EXPECT_NE(message.find("not implemented by the checkpoint backend\n  hint: export it with"),
              std::string::npos)
        << message;
  }
}

TEST(RelativeBucket, GivesNearDistancesTheirOwnAndFarOnesTogether) {
  Architecture architecture;
  architecture.buckets = 32;
  architecture.furthest = 128;
  for (const auto& [distance, expected] : std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 0},
                                                                                             {-1, 1},
                                                                                             {-7, 7},
                                                                                             {-8, 8},
                                                                                             {-15, 9},
                                                                                             {-16, 10},
                                                                                             {-64, 14},
                                                                                             {-90, 14},
                                                                                             {-127, 15},
                                                                                             {-9999, 15},
                                                                                             {1, 17},
                                                                                             {7, 23},
                                                                                             {8, 24},
                                                                                             {9999, 31}}) {
    EXPECT_EQ(relative_bucket(architecture, distance), expected) << distance;
  }
}

TEST(RelativeBucket, HasNoneForWhatADecoderDoesNotSee) {
  Architecture architecture;
  architecture.only_before = true;
  architecture.buckets = 32;
  architecture.furthest = 128;
  for (const auto& [distance, expected] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {0, 0}, {-1, 1}, {-15, 15}, {-18, 16}, {-19, 17}, {-32, 21}, {-64, 26}, {-113, 31}, {-9999, 31}}) {
    EXPECT_EQ(relative_bucket(architecture, distance), expected) << distance;
  }
}

}  // namespace
}  // namespace attnviz
