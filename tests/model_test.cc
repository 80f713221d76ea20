#include "attnviz/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "attnviz/file.h"
#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using test::TemporaryDirectory;

constexpr float kTolerance = 1e-5F;

Encoding encode(std::vector<std::int64_t> ids, std::size_t first_of_pair = 0) {
  Encoding encoding;
  encoding.types.resize(ids.size());
  if (first_of_pair > 0) std::fill(encoding.types.begin() + first_of_pair, encoding.types.end(), 1);
  encoding.ids = std::move(ids);
  return encoding;
}

Encoding some_tokens(std::size_t count) {
  std::vector<std::int64_t> ids(count);
  std::iota(ids.begin(), ids.end(), 100);
  return encode(std::move(ids));
}

std::unique_ptr<Model> open(const fs::path& directory, Backend backend = Backend::automatic) {
  return open_model(read_card(directory), {.backend = backend, .device = "cpu"});
}

/// One of the offline models that scripts/prepare_models.py makes.
std::unique_ptr<Model> prepared(std::string_view name, Backend backend) {
  return open(fs::path(ATTNVIZ_PREPARED_MODELS) / name, backend);
}

Attention run_one(Model& model, const Encoding& encoding, const Selection& selection = {}) {
  return model.run({&encoding, 1}, selection).at(0);
}

float largest_difference(std::span<const float> a, std::span<const float> b) {
  EXPECT_EQ(a.size(), b.size());
  float largest = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

/// A BERT of two layers and two heads, written tensor by tensor, so that tests can break it.
struct TinyBert {
  struct Tensor {
    std::vector<std::int64_t> shape;
    std::vector<float> values;
    std::string type = "F32";
  };

  nlohmann::json config = {
      {"model_type", "bert"}, {"num_hidden_layers", 2},        {"num_attention_heads", 2},
      {"hidden_size", 8},     {"intermediate_size", 12},       {"vocab_size", 20},
      {"type_vocab_size", 2}, {"max_position_embeddings", 10}, {"hidden_act", "gelu"}};
  std::map<std::string, Tensor> tensors;

  TinyBert() {
    add("embeddings.word_embeddings.weight", {20, 8});
    add("embeddings.position_embeddings.weight", {10, 8});
    add("embeddings.token_type_embeddings.weight", {2, 8});
    add_pair("embeddings.LayerNorm", {8});
    for (const std::string layer : {"encoder.layer.0.", "encoder.layer.1."}) {
      for (const char* part : {"query", "key", "value"}) add_pair(layer + "attention.self." + part, {8, 8});
      add_pair(layer + "attention.output.dense", {8, 8});
      add_pair(layer + "attention.output.LayerNorm", {8});
      add_pair(layer + "intermediate.dense", {12, 8});
      add_pair(layer + "output.dense", {8, 12});
      add_pair(layer + "output.LayerNorm", {8});
    }
  }

  void add_pair(const std::string& name, std::vector<std::int64_t> shape) {
    add(name + ".bias", {shape[0]});
    add(name + ".weight", std::move(shape));
  }

  void add(const std::string& name, std::vector<std::int64_t> shape) {
    const std::int64_t count =
        std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = std::sin(static_cast<float>(7 * i + 13 * tensors.size() + 1));
    }
    tensors[name] = {std::move(shape), std::move(values)};
  }

  /// Makes every value of the tensors that begin with `prefix` a NaN: who reads one shows it.
  void poison(const std::string& prefix) {
    for (auto& [name, tensor] : tensors) {
      if (!name.starts_with(prefix)) continue;
      std::fill(tensor.values.begin(), tensor.values.end(), std::numeric_limits<float>::quiet_NaN());
    }
  }

  void rename(const std::function<std::string(std::string)>& renamed) {
    std::map<std::string, Tensor> others;
    for (auto& [name, tensor] : tensors) others[renamed(name)] = std::move(tensor);
    tensors = std::move(others);
  }

  void save(const fs::path& directory) const {
    nlohmann::json header;
    std::string body;
    for (const auto& [name, tensor] : tensors) {
      const std::size_t begin = body.size();
      body.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * sizeof(float));
      header[name] = {
          {"dtype", tensor.type}, {"shape", tensor.shape}, {"data_offsets", {begin, body.size()}}};
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    std::string length(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(text.size() >> (8 * i));
    test::write(directory / "config.json", config.dump());
    test::write(directory / "model.safetensors", length + text + body);
  }
};

const Encoding kShort = encode({3, 1, 4, 1, 5}, 3);

/// The tiny model's attention after `change`.
Attention attention_of(const std::function<void(TinyBert&)>& change, const Selection& selection = {}) {
  const TemporaryDirectory directory;
  TinyBert bert;
  change(bert);
  bert.save(directory.path());
  return run_one(*open(directory.path()), kShort, selection);
}

struct Prepared {
  std::string_view name;
  Backend backend;
  bool causal;
};
constexpr Prepared kPrepared[] = {{"minilm", Backend::checkpoint, false},
                                  {"minilm", Backend::torchscript, false},
                                  {"gpt2-demo", Backend::checkpoint, true},
                                  {"gpt2-demo", Backend::torchscript, true}};

TEST(Model, GivesWhatAnAttentionPromises) {
  for (const Prepared& p : kPrepared) {
    const auto model = prepared(p.name, p.backend);
    EXPECT_EQ(model->backend(), p.backend);
    for (const std::size_t tokens : {1U, 2U, 30U}) {
      const Attention attention = run_one(*model, some_tokens(tokens));
      test::expect_valid(attention);
      EXPECT_EQ(attention.causal, p.causal);
      EXPECT_EQ(attention.queries, tokens);
      EXPECT_EQ(attention.layers, (std::vector{1, 2, 3, 4, 5, 6}));
      EXPECT_EQ(attention.heads.size(), 12U);
    }
  }
}

TEST(Model, GivesTheSameNumbersOnBothBackends) {
  for (const std::string_view name : {"minilm", "gpt2-demo"}) {
    const Attention own = run_one(*prepared(name, Backend::checkpoint), some_tokens(40));
    const Attention traced = run_one(*prepared(name, Backend::torchscript), some_tokens(40));
    EXPECT_LE(largest_difference(own.weights, traced.weights), kTolerance) << name;
  }
}

TEST(Model, GivesASentenceItsOwnNumbersInAnyBatch) {
  for (const Prepared& p : kPrepared) {
    const auto model = prepared(p.name, p.backend);
    const std::vector<Encoding> batch = {some_tokens(3), some_tokens(25), some_tokens(1), some_tokens(25)};
    const std::vector<Attention> together = model->run(batch, {});
    ASSERT_EQ(together.size(), batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Attention alone = run_one(*model, batch[i]);
      EXPECT_LE(largest_difference(together[i].weights, alone.weights), kTolerance) << p.name << " " << i;
    }
  }
}

TEST(Model, GivesLayersAndHeadsInTheOrderAskedFor) {
  for (const Prepared& p : kPrepared) {
    const auto model = prepared(p.name, p.backend);
    const Encoding tokens = some_tokens(9);
    const Attention all = run_one(*model, tokens);
    const Attention some = run_one(*model, tokens, {.layers = {5, 2}, .heads = {11, 0, 7}});
    EXPECT_EQ(some.layers, (std::vector{5, 2}));
    EXPECT_EQ(some.heads, (std::vector{11, 0, 7}));
    for (const int layer : some.layers) {
      for (const int head : some.heads) {
        EXPECT_LE(largest_difference(some.at(layer, head).values, all.at(layer, head).values), kTolerance);
      }
    }
  }
}

TEST(Model, GivesTheQueriesAndKeysThatMadeTheWeights) {
  const auto model = prepared("minilm", Backend::checkpoint);
  const Attention attention =
      run_one(*model, some_tokens(6), {.layers = {4}, .heads = {3}, .with_query_key = true});
  ASSERT_EQ(attention.head_size, 32U);
  ASSERT_EQ(attention.query.size(), 6U * 32U);
  for (std::size_t row = 0; row < 6; ++row) {
    std::vector<double> scores;
    for (std::size_t column = 0; column < 6; ++column) {
      scores.push_back(
          std::exp(std::inner_product(attention.query.begin() + static_cast<long>(row * 32),
                                      attention.query.begin() + static_cast<long>(row * 32 + 32),
                                      attention.key.begin() + static_cast<long>(column * 32), 0.0) /
                   std::sqrt(32.0)));
    }
    const double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
    for (std::size_t column = 0; column < 6; ++column) {
      EXPECT_NEAR(attention.at(4, 3)(row, column), scores[column] / sum, kTolerance);
    }
  }
}

TEST(Model, GivesNormsThatAreWeightsTimesANumberOfTheirKey) {
  const auto model = prepared("minilm", Backend::checkpoint);
  const Attention weights = run_one(*model, some_tokens(6), {.layers = {4}, .heads = {3}});
  const Attention norms =
      run_one(*model, some_tokens(6), {.layers = {4}, .heads = {3}, .kind = WeightKind::norm});
  EXPECT_EQ(norms.kind, WeightKind::norm);
  test::expect_valid(norms);
  for (std::size_t key = 0; key < 6; ++key) {
    const float length = norms.at(4, 3)(0, key) / weights.at(4, 3)(0, key);
    EXPECT_GT(length, 0);
    for (std::size_t row = 1; row < 6; ++row) {
      EXPECT_NEAR(norms.at(4, 3)(row, key), length * weights.at(4, 3)(row, key), kTolerance);
    }
  }
}

TEST(TorchScriptModel, GivesNoNorms) {
  const auto model = prepared("minilm", Backend::torchscript);
  EXPECT_EQ(test::error_of([&] { return run_one(*model, some_tokens(3), {.kind = WeightKind::norm}); }),
            "minilm: a TorchScript model gives no norms, which need its value vectors\n  hint: --backend "
            "checkpoint does");
}

TEST(CheckpointModel, ReadsNothingBehindWhatIsAskedFor) {
  const auto unchanged = [](TinyBert&) {};
  const Attention all = attention_of(unchanged);
  const Attention first =
      attention_of([](TinyBert& bert) { bert.poison("encoder.layer.1."); }, {.layers = {1}});
  EXPECT_LE(largest_difference(first.at(1, 0).values, all.at(1, 0).values), kTolerance);
  const Attention last = attention_of(
      [](TinyBert& bert) {
        for (const char* part : {"attention.self.value", "attention.output", "intermediate", "output"}) {
          bert.poison(std::string("encoder.layer.1.") + part);
        }
      },
      {.layers = {2}});
  EXPECT_LE(largest_difference(last.at(2, 1).values, all.at(2, 1).values), kTolerance);
  const Attention one_head = attention_of(
      [](TinyBert& bert) {
        auto& query = bert.tensors["encoder.layer.1.attention.self.query.weight"].values;
        std::fill(query.begin(), query.begin() + 32, std::numeric_limits<float>::quiet_NaN());
      },
      {.layers = {2}, .heads = {1}});
  EXPECT_LE(largest_difference(one_head.at(2, 1).values, all.at(2, 1).values), kTolerance);
}

TEST(CheckpointModel, FindsTheEncoderUnderItsOtherNames) {
  const Attention expected = attention_of([](TinyBert&) {});
  const Attention headed = attention_of([](TinyBert& bert) {
    bert.rename([](const std::string& name) { return "bert." + name; });
    bert.add_pair("classifier", {3, 8});
  });
  EXPECT_EQ(headed.weights, expected.weights);
  const Attention old = attention_of([](TinyBert& bert) {
    bert.rename([](std::string name) {
      if (name.ends_with("LayerNorm.weight")) name.replace(name.size() - 6, 6, "gamma");
      if (name.ends_with("LayerNorm.bias")) name.replace(name.size() - 4, 4, "beta");
      return name;
    });
  });
  EXPECT_EQ(old.weights, expected.weights);
}

TEST(CheckpointModel, NamesTheTensorThatIsWrong) {
  struct Case {
    std::function<void(TinyBert&)> change;
    std::string expected;
  };
  const std::string key = "encoder.layer.1.attention.self.key.weight";
  for (const Case& c : {
           Case{[&](TinyBert& bert) { bert.tensors.erase(key); },
                "no tensor \"" + key + "\", expected one of shape [8, 8]"},
           Case{[&](TinyBert& bert) {
                  bert.tensors[key].shape = {4, 16};
                },
                "tensor \"" + key + "\": wrong shape, expected [8, 8], got [4, 16]"},
           Case{[&](TinyBert& bert) { bert.tensors[key].type = "I32"; },
                "tensor \"" + key + "\": wrong type, expected F32, F16, BF16 or F64"},
           Case{[](TinyBert& bert) { bert.tensors.erase("embeddings.word_embeddings.weight"); },
                "no tensor \"embeddings.word_embeddings.weight\""},
           Case{[](TinyBert& bert) {
                  bert.add("other.embeddings.word_embeddings.weight", {20, 8});
                },
                "two encoders"},
       }) {
    const std::string message = test::error_of([&] { return attention_of(c.change); });
    EXPECT_NE(message.find("model.safetensors: " + c.expected), std::string::npos) << message;
  }
}

TEST(CheckpointModel, RefusesByNameWhatItDoesNotImplement) {
  struct Case {
    nlohmann::json change;
    std::string expected;
  };
  for (const Case& c : {
           Case{{{"position_embedding_type", "relative_key"}}, "position_embedding_type relative_key"},
           Case{{{"add_cross_attention", true}}, "add_cross_attention true"},
           Case{{{"pruned_heads", {{"0", {1}}}}}, "pruned_heads"},
           Case{{{"quantization_config", {{"load_in_8bit", true}}}}, "quantization_config"},
           Case{{{"hidden_act", "xielu"}}, "activation \"xielu\""},
       }) {
    const std::string message =
        test::error_of([&] { return attention_of([&](TinyBert& bert) { bert.config.update(c.change); }); });
    EXPECT_NE(message.find(c.expected), std::string::npos) << message;
    EXPECT_NE(message.find("not implemented by the checkpoint backend"), std::string::npos) << message;
  }
}

TEST(CheckpointModel, NamesATruncatedFile) {
  const TemporaryDirectory directory;
  TinyBert().save(directory.path());
  fs::resize_file(directory / "model.safetensors", fs::file_size(directory / "model.safetensors") - 1);
  const std::string message = test::error_of([&] { return open(directory.path()); });
  EXPECT_NE(message.find("model.safetensors"), std::string::npos) << message;
}

TEST(TorchScriptModel, NamesATruncatedFile) {
  const TemporaryDirectory directory;
  const std::string whole = read_file(fs::path(ATTNVIZ_PREPARED_MODELS) / "gpt2-demo" / "model.pt");
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, whole.size() / 2, whole.size() - 1}) {
    test::write(directory / "model.pt", std::string_view(whole).substr(0, size));
    const std::string message = test::error_of([&] { return open(directory.path(), Backend::torchscript); });
    EXPECT_NE(message.find("model.pt"), std::string::npos) << message;
  }
}

TEST(TorchScriptModel, StepsInForACheckpointThatCannotRunAndMustFitItsConfiguration) {
  const TemporaryDirectory directory;
  TinyBert bert;
  bert.config["add_cross_attention"] = true;
  bert.save(directory.path());
  fs::copy_file(fs::path(ATTNVIZ_PREPARED_MODELS) / "gpt2-demo" / "model.pt", directory / "model.pt");
  const std::string message = test::error_of([&] { return open(directory.path()); });
  EXPECT_NE(message.find("model.pt: gives 6 attention tensors for 1 × 7 tokens, expected 2 of 2 heads"),
            std::string::npos)
      << message;
}

TEST(Model, SaysTheRangeOfWhatIsAskedFor) {
  struct Case {
    Encoding encoding;
    Selection selection;
    std::string expected;
  };
  const Encoding fine = some_tokens(3);
  for (const Prepared& p : {kPrepared[0], kPrepared[1]}) {
    const auto model = prepared(p.name, p.backend);
    for (const Case& c : {
             Case{fine, {.layers = {13}}, "layer 13: minilm has layers 1 to 6"},
             Case{fine, {.layers = {1, 0}}, "layer 0: minilm has layers 1 to 6"},
             Case{fine, {.heads = {12}}, "head 12: minilm has heads 0 to 11"},
             Case{fine, {.heads = {-1}}, "head -1: minilm has heads 0 to 11"},
             Case{encode({}), {}, "text: no tokens, expected at least 1"},
             Case{some_tokens(513),
                  {},
                  "text: 513 tokens, minilm takes at most 512\n  hint: --truncate cuts it"},
             Case{encode({1, 30522}),
                  {},
                  "token id 30522: minilm has token ids 0 to 30521\n  hint: the tokenizer's files and the "
                  "weights "
                  "do not belong together"},
         }) {
      EXPECT_EQ(test::error_of([&] { return run_one(*model, c.encoding, c.selection); }), c.expected);
    }
  }
}

TEST(Model, SaysWhichDeviceAndBackendThereAre) {
  const TemporaryDirectory directory;
  TinyBert().save(directory.path());
  const ModelCard card = read_card(directory.path());
  EXPECT_EQ(test::error_of([&] { return open_model(card, {.device = "tpu"}); }),
            "device tpu: expected auto, cpu, cuda or cuda:N");
  const std::string absent = test::error_of([&] { return open_model(card, {.device = "cuda:97"}); });
  EXPECT_TRUE(absent.starts_with("device cuda:97: ")) << absent;
  EXPECT_EQ(test::error_of([&] { return open_model(card, {.backend = Backend::torchscript}); }),
            directory.path().string() + ": no model.pt\n  hint: make one with scripts/export_model.py");
  EXPECT_EQ(open(directory.path())->backend(), Backend::checkpoint);
}

TEST(PredictedMemory, CoversTheResultsAndFollowsTheRequest) {
  const ModelCard card = read_card(fs::path(ATTNVIZ_PREPARED_MODELS) / "minilm");
  const std::size_t all = predicted_memory(card, {.tokens = 512}, {}, {.backend = Backend::checkpoint});
  EXPECT_GE(all, 6U * 12 * 512 * 512 * sizeof(float));
  EXPECT_LT(predicted_memory(card, {.tokens = 512}, {.layers = {6}, .heads = {0}},
                             {.backend = Backend::checkpoint}),
            all / 5);
  EXPECT_LT(all, predicted_memory(card, {.tokens = 512}, {}, {.backend = Backend::torchscript}));
  EXPECT_GT(predicted_memory(card, {.sentences = 4, .tokens = 512}, {}, {.backend = Backend::checkpoint}),
            3 * all);
}

/// The largest numbers that a config.json may have multiply to more than 64 bits hold: an estimate that began
/// at 0 again would let through what no machine can hold.
TEST(PredictedMemory, StaysTheLargestWhateverAConfigurationSays) {
  constexpr int kMost = 10'000, kWidest = 1 << 20;
  ModelCard card;
  card.architecture = "mistral";
  card.layers = card.heads = kMost;
  card.hidden = card.head_size = kWidest;
  card.inner = 1 << 26;
  card.has_checkpoint = true;
  for (const Backend backend : {Backend::checkpoint, Backend::torchscript}) {
    for (const std::size_t tokens : {std::size_t{1} << 14, std::size_t{1} << 20, std::size_t{1} << 30}) {
      for (const Precision precision : {Precision::fp32, Precision::fp16}) {
        const Selection selection{.with_query_key = true};
        EXPECT_GE(predicted_memory(card, {.sentences = 64, .tokens = tokens}, selection,
                                   {.backend = backend, .precision = precision}),
                  std::size_t{1} << 50)
            << tokens;
      }
      EXPECT_GE(prediction_memory(card, tokens, 10), std::size_t{1} << 48) << tokens;
    }
  }
  // Heads that are large alone: 2^20 numbers times 4096 are beyond 32 bits.
  card.architecture = "t5";
  card.layers = 1;
  card.heads = 4096;
  card.hidden = 64;
  card.inner = 0;
  EXPECT_GE(predicted_memory(card, {.tokens = 4}, {}), std::size_t{1} << 34);
}

}  // namespace
}  // namespace attnviz
