#include "attnviz/catalog.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <span>

#include "attnviz/file.h"
#include "catalog/torchscript.h"
#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryDirectory;

constexpr std::string_view kAgain = "\n  hint: download or export it again";

/// Sets a variable of the environment for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

void make_checkpoint(const fs::path& directory, std::string_view config) {
  fs::create_directories(directory);
  test::write(directory / "config.json", config);
  test::write(directory / "model.safetensors", "");
}

void make_torchscript(const fs::path& directory) {
  fs::create_directories(directory);
  test::write(directory / "model.pt", "");
}

constexpr std::string_view kSmallBert =
    R"({"model_type":"bert","num_hidden_layers":2,"num_attention_heads":4,"hidden_size":32,)"
    R"("max_position_embeddings":64})";

TEST(ReadCard, KnowsEveryFamilysKeys) {
  struct Case {
    std::string_view config;
    std::string_view architecture;
    int layers, heads, hidden;
    std::size_t max_tokens;
    bool causal;
  };
  for (
      const Case& c : {
          Case{kSmallBert, "bert", 2, 4, 32, 64, false},
          Case{R"({"model_type":"bert","num_hidden_layers":2,"num_attention_heads":4,"hidden_size":32,
                    "max_position_embeddings":64,"is_decoder":true,"architectures":["BertLMHeadModel"]})",
               "bert", 2, 4, 32, 64, true},
          // transformers asks is_decoder, whatever the class is called; and is_causal.
          Case{R"({"model_type":"roberta","architectures":["RobertaForCausalLM"]})", "roberta", 12, 12, 768,
               510, false},
          Case{R"({"model_type":"bert","is_decoder":true,"is_causal":false})", "bert", 12, 12, 768, 512,
               false},
          Case{R"({"model_type":"albert","is_decoder":true})", "albert", 12, 64, 4096, 512, false},
          Case{R"({"model_type":"qwen3","is_causal":false})", "qwen3", 32, 32, 4096, 32768, false},
          Case{R"({"model_type":"qwen3","is_causal":null})", "qwen3", 32, 32, 4096, 32768, false},
          Case{R"({"model_type":"gpt_neo","is_causal":false})", "gpt_neo", 24, 16, 2048, 2048, true},
          Case{R"({"model_type":"mpnet","pad_token_id":9})", "mpnet", 12, 12, 768, 510, false},
          Case{R"({"model_type":"distilbert","n_layers":6,"n_heads":12,"dim":768,"hidden_dim":3072,
                    "max_position_embeddings":512})",
               "distilbert", 6, 12, 768, 512, false},
          Case{R"({"model_type":"roberta","num_hidden_layers":12,"num_attention_heads":12,"hidden_size":768,
                    "max_position_embeddings":514,"pad_token_id":1})",
               "roberta", 12, 12, 768, 512, false},
          Case{R"({"model_type":"roberta","num_hidden_layers":1,"num_attention_heads":1,"hidden_size":8,
                    "max_position_embeddings":20,"pad_token_id":9})",
               "roberta", 1, 1, 8, 10, false},
          Case{
              R"({"model_type":"xlm-roberta","num_hidden_layers":12,"num_attention_heads":12,"hidden_size":768,
                    "max_position_embeddings":514})",
              "xlm-roberta", 12, 12, 768, 512, false},
          Case{R"({"model_type":"gpt2","n_layer":12,"n_head":12,"n_embd":768,"n_positions":1024,"n_ctx":99,
                    "n_inner":null,"task_specific_params":{"a":{"b":[[[1]]]}}})",
               "gpt2", 12, 12, 768, 1024, true},
          Case{R"({"model_type":"gpt2","n_layer":12,"n_head":12,"n_embd":768,"n_ctx":1024})", "gpt2", 12, 12,
               768, 1024, true},
          Case{R"({"model_type":"gpt_neo","num_layers":24,"num_heads":16,"hidden_size":2048,
                    "max_position_embeddings":2048})",
               "gpt_neo", 24, 16, 2048, 2048, true},
          Case{R"({"model_type":"t5","num_layers":6,"num_decoder_layers":7,"num_heads":8,"d_model":512,
                    "d_kv":64,"n_positions":512,"architectures":["T5EncoderModel"]})",
               "t5", 6, 8, 512, 0, false},
          Case{R"({"model_type":"newformer","num_hidden_layers":3,"num_attention_heads":5,"hidden_size":7,
                    "max_position_embeddings":99})",
               "newformer", 3, 5, 7, 99, false},
          Case{R"({"model_type":"newformer","architectures":["NewformerForCausalLM"]})", "newformer", 0, 0, 0,
               0, true},
          Case{"{}", "", 0, 0, 0, 0, false},
      }) {
    const TemporaryDirectory directory;
    make_checkpoint(directory / "some-model", c.config);
    const ModelCard card = read_card(directory / "some-model");
    EXPECT_EQ(card.architecture, c.architecture) << c.config;
    EXPECT_EQ(card.layers, c.layers) << c.config;
    EXPECT_EQ(card.heads, c.heads) << c.config;
    EXPECT_EQ(card.hidden, c.hidden) << c.config;
    EXPECT_EQ(card.max_tokens, c.max_tokens) << c.config;
    EXPECT_EQ(card.causal, c.causal) << c.config;
    EXPECT_EQ(card.takes_pairs, !c.causal) << c.config;
    EXPECT_EQ(card.name, "some-model");
    EXPECT_EQ(card.directory, directory / "some-model");
    EXPECT_TRUE(card.has_checkpoint);
    EXPECT_FALSE(card.has_torchscript);
  }
}

TEST(ReadCard, SaysWhatADecoderBehindAnEncoderHas) {
  struct Case {
    std::string_view config;
    int layers, heads, decoder_layers, decoder_heads;
    std::int64_t start;
  };
  for (const Case& c : {
           Case{R"({"model_type":"t5","num_layers":6,"num_decoder_layers":7,"num_heads":8,"d_model":512,
                    "decoder_start_token_id":0,"pad_token_id":5})",
                6, 8, 7, 8, 0},
           Case{R"({"model_type":"mt5","num_layers":8,"num_heads":6,"d_model":512,"pad_token_id":0,
                    "architectures":["MT5ForConditionalGeneration"]})",
                8, 6, 8, 6, 0},
           Case{
               R"({"model_type":"t5","num_layers":6,"num_heads":8,"d_model":512,"is_encoder_decoder":false})",
               6, 8, 0, 0, -1},
           Case{R"({"model_type":"t5","num_layers":6,"num_heads":8,"d_model":512,"is_encoder_decoder":true,
                    "architectures":["T5EncoderModel"]})",
                6, 8, 0, 0, -1},
           Case{R"({"model_type":"t5","num_layers":6,"num_heads":8,"d_model":512,"is_encoder_decoder":true,
                    "architectures":["T5ForTokenClassification"]})",
                6, 8, 0, 0, -1},
           Case{R"({"model_type":"bart","encoder_layers":12,"encoder_attention_heads":16,"d_model":1024,
                    "num_hidden_layers":99,"decoder_layers":3,"decoder_attention_heads":4,
                    "decoder_start_token_id":2,"pad_token_id":1,"max_position_embeddings":1024})",
                99, 16, 3, 4, 2},  // as transformers has it: its name for layers counts before BART's
           Case{R"({"model_type":"bart"})", 12, 16, 12, 16, 2},
           Case{R"({"model_type":"bart","pad_token_id":5})", 12, 16, 12, 16, 2},
           Case{R"({"model_type":"mbart"})", 12, 16, 12, 16, -1},
           Case{R"({"model_type":"pegasus","pad_token_id":5})", 12, 16, 12, 16, 0},
           Case{R"({"model_type":"blenderbot"})", 2, 32, 24, 32, 1},
           Case{R"({"model_type":"t5","pad_token_id":5})", 6, 8, 6, 8, 5},
           Case{R"({"model_type":"t5"})", 6, 8, 6, 8, 0},
           Case{R"({"model_type":"marian","encoder_layers":6,"encoder_attention_heads":8,"d_model":512,
                    "decoder_layers":6,"decoder_attention_heads":8,"is_encoder_decoder":true})",
                6, 8, 6, 8, 58100},
           Case{kSmallBert, 2, 4, 0, 0, -1},
       }) {
    const TemporaryDirectory directory;
    make_checkpoint(directory / "some-model", c.config);
    const ModelCard card = read_card(directory / "some-model");
    EXPECT_EQ(card.layers, c.layers) << c.config;
    EXPECT_EQ(card.heads, c.heads) << c.config;
    EXPECT_EQ(card.decoder_layers, c.decoder_layers) << c.config;
    EXPECT_EQ(card.decoder_heads, c.decoder_heads) << c.config;
    EXPECT_EQ(card.is_encoder_decoder(), c.decoder_layers > 0) << c.config;
    EXPECT_EQ(card.decoder_start_id, c.start) << c.config;
    EXPECT_FALSE(card.causal) << c.config;
  }
}

TEST(ReadCard, TakesADecodersStartFromWhatGenerates) {
  const TemporaryDirectory directory;
  make_checkpoint(directory.path(), R"({"model_type":"mbart"})");
  test::write(directory / "generation_config.json", R"({"decoder_start_token_id":250020})");
  EXPECT_EQ(read_card(directory.path()).decoder_start_id, 250020);
  make_checkpoint(directory.path(), R"({"model_type":"mbart","decoder_start_token_id":250020})");
  EXPECT_EQ(read_card(directory.path()).decoder_start_id, 250020);
  make_checkpoint(directory.path(), R"({"model_type":"mbart","decoder_start_token_id":2})");
  EXPECT_NE(test::error_of([&] { return read_card(directory.path()); })
                .find("config.json and generation_config.json contradict each other: decoder_start_token_id "
                      "is 2 in one and 250020 in the other"),
            std::string::npos);
}

TEST(ReadCard, PassesOverSizesOfLayersThatDiffer) {
  const TemporaryDirectory directory;
  make_checkpoint(directory.path(), R"({"model_type":"newformer","num_hidden_layers":2,
                                        "intermediate_size":[64,128],"head_dim":-1})");
  const ModelCard card = read_card(directory.path());
  EXPECT_EQ(card.inner, 0);
  EXPECT_EQ(card.head_size, 0);
  EXPECT_FALSE(card.gated);
}

TEST(ReadCard, ReadsTheWindowOfLayersThatSlide) {
  struct Case {
    std::string config;
    int window;
  };
  for (const Case& c : {
           Case{R"({"model_type":"mistral","sliding_window":512})", 512},
           Case{R"({"model_type":"mistral","sliding_window":null})", 0},
           Case{R"({"model_type":"mistral"})", 4096},
           Case{R"({"model_type":"mistral","sliding_window":512,"is_causal":false})", 513},
           Case{R"({"model_type":"qwen2","sliding_window":512,"use_sliding_window":true})", 512},
           Case{R"({"model_type":"qwen3","sliding_window":512})", 0},
           Case{R"({"model_type":"qwen3","num_hidden_layers":28,"use_sliding_window":true})", 0},
           Case{R"({"model_type":"gpt_neo","window_size":32})", 32},
           Case{R"({"model_type":"gpt_neo"})", 256},
           Case{R"({"model_type":"llama","sliding_window":512})", 0},
       }) {
    const TemporaryDirectory directory;
    make_checkpoint(directory.path(), c.config);
    EXPECT_EQ(read_card(directory.path()).window, c.window) << c.config;
  }
}

TEST(ReadCard, ReadsTheModelThatComesWithTheProgram) {
  const ModelCard card = read_card(test::data("../../models/gpt2-demo"));
  EXPECT_EQ(card.name, "gpt2-demo");
  EXPECT_EQ(card.architecture, "gpt2");
  EXPECT_EQ(card.layers, 6);
  EXPECT_EQ(card.heads, 12);
  EXPECT_EQ(card.hidden, 192);
  EXPECT_EQ(card.max_tokens, 256U);
  EXPECT_TRUE(card.causal);
  EXPECT_TRUE(card.has_checkpoint);
}

TEST(ReadCard, TakesABareTorchScriptFile) {
  const TemporaryDirectory directory;
  make_torchscript(directory.path());
  const ModelCard card = read_card(directory.path());
  EXPECT_TRUE(card.has_torchscript);
  EXPECT_FALSE(card.has_checkpoint);
  EXPECT_EQ(card.layers, 0);
  EXPECT_EQ(card.max_tokens, 0U);
  EXPECT_EQ(card.architecture, "");
  EXPECT_TRUE(card.takes_pairs);
}

TEST(ReadCard, NamesADirectoryByItsOwnName) {
  const TemporaryDirectory directory;
  make_torchscript(directory / "named");
  fs::create_directory_symlink("named", directory / "linked");
  EXPECT_EQ(read_card(directory.path() / "named/").name, "named");
  EXPECT_EQ(read_card(directory.path() / "named/.").name, "named");
  EXPECT_EQ(read_card(directory.path() / "linked").name, "linked");
}

TEST(ReadCard, ReadsTheManifest) {
  const TemporaryDirectory directory;
  make_torchscript(directory.path());
  const std::string digest(64, 'a');
  test::write(directory / "attnviz.json",
              R"({"format":1,"name":"my model","architecture":"bert","source":"hub","layers":6,"heads":12,
                  "hidden":384,"max_tokens":512,"causal":false,"pair":true,"exporter":"attnviz 0.1",
                  "torch":"2.13.0","unknown":[1],"sha256":{"model.pt":")" +
                  digest + "\"}}");
  const ModelCard card = read_card(directory.path());
  EXPECT_EQ(card.name, "my model");
  EXPECT_EQ(card.architecture, "bert");
  EXPECT_EQ(card.source, "hub");
  EXPECT_EQ(card.layers, 6);
  EXPECT_EQ(card.heads, 12);
  EXPECT_EQ(card.hidden, 384);
  EXPECT_EQ(card.max_tokens, 512U);
  EXPECT_FALSE(card.causal);
  EXPECT_TRUE(card.takes_pairs);
  EXPECT_EQ(card.exporter, "attnviz 0.1");
  EXPECT_EQ(card.torch, "2.13.0");
  EXPECT_EQ(card.sha256, (std::map<std::string, std::string>{{"model.pt", digest}}));
}

TEST(ReadCard, JoinsManifestAndConfigWhereTheyAgree) {
  const TemporaryDirectory directory;
  make_checkpoint(directory.path(), kSmallBert);
  test::write(directory / "attnviz.json", R"({"format":1,"layers":2,"causal":false,"source":"x"})");
  const ModelCard card = read_card(directory.path());
  EXPECT_EQ(card.layers, 2);
  EXPECT_EQ(card.heads, 4);
  EXPECT_EQ(card.source, "x");
}

TEST(ReadCard, NamesAContradiction) {
  struct Case {
    std::string manifest, what;
  };
  for (const Case& c : {
           Case{R"("architecture":"gpt2")", "architecture is gpt2 in one and bert in the other"},
           Case{R"("layers":3)", "layers is 3 in one and 2 in the other"},
           Case{R"("heads":2)", "heads is 2 in one and 4 in the other"},
           Case{R"("hidden":64)", "hidden is 64 in one and 32 in the other"},
           Case{R"("max_tokens":512)", "max_tokens is 512 in one and 64 in the other"},
           Case{R"("causal":true)", "causal is true in one and false in the other"},
           Case{R"("pair":false)", "pair is false in one and true in the other"},
       }) {
    const TemporaryDirectory directory;
    make_checkpoint(directory.path(), kSmallBert);
    test::write(directory / "attnviz.json", R"({"format":1,)" + c.manifest + "}");
    EXPECT_EQ(error_of([&] { std::ignore = read_card(directory.path()); }),
              directory.path().string() + ": attnviz.json and config.json contradict each other: " + c.what +
                  "\n  hint: remove the file that does not belong to the weights, or export the model again");
  }
}

TEST(ReadCard, NamesFileKeyAndFault) {
  struct Case {
    const char* file;
    std::string text, fault;
  };
  const auto bert = [](const std::string& layers) {
    return R"({"model_type":"bert","num_attention_heads":4,"hidden_size":32,"max_position_embeddings":64)" +
           layers + "}";
  };
  const auto layers = [&](const std::string& value, const std::string& shown) {
    return Case{"config.json", bert(R"(,"num_hidden_layers":)" + value),
                "num_hidden_layers: expected a whole number in 1 to 10000, got " + shown};
  };
  const auto manifest = [](const std::string& fields, const std::string& fault) {
    return Case{"attnviz.json", R"({"format":1,)" + fields + "}", fault};
  };
  const std::string deep(1'000'000, '[');
  for (const Case& c : {
           Case{"config.json", "", "not JSON at byte 1"},
           Case{"config.json", R"({"model_type":"bert")", "not JSON at byte 21"},
           Case{"config.json", deep, "not JSON at byte 1000001"},
           Case{"config.json", std::string("{}\0x", 4), "not JSON at byte 3"},
           Case{"config.json", "[]", "expected a JSON object, got array"},
           Case{"config.json", "7", "expected a JSON object, got number"},
           Case{"config.json", std::string((16U << 20) + 1, ' '),
                "too large, expected at most 16777216 bytes, got 16777217"},
           Case{"config.json", R"({"model_type":7})", "model_type: expected a string, got 7"},
           layers("-1", "-1"),
           layers("0", "0"),
           layers("12.0", "12.0"),
           layers("\"12\"", "\"12\""),
           layers("1e3", "1000.0"),
           layers("10001", "10001"),
           layers("99999999999999999999", "1e+20"),
           layers("[12]", "a list"),
           layers("true", "true"),
           Case{"config.json", bert(R"(,"num_hidden_layers":2,"hidden_size":33)"),
                "hidden_size: expected a multiple of num_attention_heads (4), got 33"},
           Case{"config.json", bert(R"(,"num_hidden_layers":2,"is_decoder":"no")"),
                "is_decoder: expected true or false, got \"no\""},
           Case{"config.json", bert(R"(,"num_hidden_layers":2,"architectures":"Bert")"),
                "architectures: expected a list, got \"Bert\""},
           Case{"config.json",
                R"({"model_type":"roberta","num_hidden_layers":1,"num_attention_heads":1,"hidden_size":8,
                    "max_position_embeddings":2})",
                "max_position_embeddings: expected more than the 2 positions kept for padding, got 2"},
           Case{"attnviz.json", "{}", "format: expected 1, got none"},
           Case{"attnviz.json", R"({"format":2})", "format: expected 1, got 2"},
           manifest(R"("name":"../x")", "name: expected a name without slashes, got \"../x\""),
           manifest(R"("pair":1)", "pair: expected true or false, got 1"),
           manifest(R"("sha256":[])", "sha256: expected an object, got a list"),
           manifest(R"("sha256":{"a":1})", "sha256: \"a\": expected a string, got 1"),
           manifest(R"("sha256":{"../a":""})", "sha256: expected names of files beside it, got \"../a\""),
           manifest(R"("sha256":{"a":"AB"})",
                    "sha256: a: expected 64 lower-case hexadecimal digits, got \"AB\""),
       }) {
    const TemporaryDirectory directory;
    make_checkpoint(directory.path(), kSmallBert);
    test::write(directory / c.file, c.text);
    EXPECT_EQ(error_of([&] { std::ignore = read_card(directory.path()); }),
              (directory / c.file).string() + ": " + c.fault + std::string(kAgain));
  }
}

TEST(ReadCard, SaysWhatADirectoryLacks) {
  const TemporaryDirectory directory;
  const std::string lacks = directory.path().string() +
                            ": holds no model, expected config.json with model.safetensors, or model.pt";
  const std::string get =
      "\n  hint: `hf download ID --local-dir models/ID` puts a checkpoint in place, scripts/export_model.py "
      "a model.pt";
  const auto error = [&] { return error_of([&] { std::ignore = read_card(directory.path()); }); };
  EXPECT_EQ(error(), lacks + get);
  test::write(directory / "config.json", kSmallBert);
  EXPECT_EQ(error(), lacks + get);
  test::write(directory / "pytorch_model.bin", "");
  EXPECT_EQ(
      error(),
      lacks + "\n  hint: load it in Python and save it again: save_pretrained writes model.safetensors");
  test::write(directory / "model.safetensors.index.json", "{}");
  EXPECT_TRUE(read_card(directory.path()).has_checkpoint);
  EXPECT_EQ(error_of([&] { std::ignore = read_card(directory / "none"); }),
            (directory / "none").string() +
                ": no such directory\n  hint: check the path, or give the name of a model");
}

TEST(FindModel, LooksInItsPlacesInOrder) {
  const TemporaryDirectory directory;
  make_torchscript(directory / "first" / "both");
  make_torchscript(directory / "second" / "both");
  make_torchscript(directory / "second" / "only");
  make_torchscript(directory / "second" / "owner" / "inner");
  make_torchscript(directory / "data" / "attnviz/models" / "mine");
  fs::create_directories(directory / "first" / "only");
  const Variable list("ATTNVIZ_MODELS", (directory / "first").string() +
                                            "::" + (directory / "none").string() + ":" +
                                            (directory / "second").string());
  const Variable data("XDG_DATA_HOME", (directory / "data").string());
  EXPECT_EQ(find_model("both"), directory / "first" / "both");
  EXPECT_EQ(find_model("only"), directory / "second" / "only");
  EXPECT_EQ(find_model("owner/inner"), directory / "second" / "owner/inner");
  EXPECT_EQ(find_model("mine"), directory / "data" / "attnviz/models/mine");

  const std::vector<fs::path> path = model_path();
  ASSERT_GE(path.size(), 7U);
  EXPECT_EQ(path[0], directory / "first");
  EXPECT_EQ(path[1], directory / "none");
  EXPECT_EQ(path[2], directory / "second");
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path();
  EXPECT_EQ(path[3], program / "models");
  EXPECT_EQ(path[4], program.parent_path() / "models");
  EXPECT_EQ(path[5], program.parent_path() / "share/attnviz/models");
  EXPECT_EQ(path.back(), directory / "data" / "attnviz/models");
}

TEST(FindModel, FallsBackToTheHomeDirectory) {
  const TemporaryDirectory directory;
  const Variable data("XDG_DATA_HOME", "relative/paths/are/to/be/ignored");
  const Variable home("HOME", directory.path().string());
  EXPECT_EQ(model_path().back(), directory / ".local/share/attnviz/models");
}

TEST(FindModel, TakesAPathAsItIs) {
  const TemporaryDirectory directory;
  make_torchscript(directory / "here");
  const std::string path = (directory / "here").string();
  EXPECT_EQ(find_model(path), path);
  EXPECT_EQ(find_model("."), ".");
  EXPECT_EQ(error_of([&] { std::ignore = find_model(path + "/model.pt"); }),
            path + "/model.pt: expected a model's directory, got a file\n  hint: give " + path);
  EXPECT_EQ(error_of([&] { std::ignore = find_model(path + "/none"); }),
            path + "/none: no such directory\n  hint: check the path, or give the name of a model");
  EXPECT_EQ(error_of([&] { std::ignore = find_model(""); }),
            "model: its name is empty\n  hint: name a model or its directory");
}

TEST(FindModel, SaysWhereItLookedAndWhatIsNearest) {
  const TemporaryDirectory directory;
  make_torchscript(directory / "minilm");
  const Variable list("ATTNVIZ_MODELS", directory.path().string());
  const auto error = [](const std::string& name) {
    return error_of([&] { std::ignore = find_model(name); });
  };
  EXPECT_NE(error("minilmm").find("minilmm: no such model in " + directory.path().string() + ", "),
            std::string::npos);
  const auto hint = [&](const std::string& name) {
    const std::string text = error(name);
    return text.substr(text.find("\n") + 1);
  };
  EXPECT_EQ(hint("minilmm"),
            "  hint: did you mean minilm? `hf download minilmm --local-dir models/minilmm` puts a checkpoint "
            "in place");
  EXPECT_NE(hint("owner/other").find("there are "), std::string::npos);
  EXPECT_NE(hint("owner/other").find("minilm"), std::string::npos);
  EXPECT_NE(hint("owner/other").find("`hf download owner/other --local-dir models/owner/other`"),
            std::string::npos);
  EXPECT_NE(error(std::string(5000, 'x')).find("no such model"), std::string::npos);
}

TEST(FindModel, GivesADirectoryWhoseCardSaysWhatItLacks) {
  const TemporaryDirectory directory;
  fs::create_directories(directory / "half");
  const Variable list("ATTNVIZ_MODELS", directory.path().string());
  EXPECT_EQ(find_model("half"), directory / "half");
}

TEST(ListModels, GivesTheFirstOfEachNameSorted) {
  const TemporaryDirectory directory;
  make_checkpoint(directory / "first" / "b", kSmallBert);
  make_torchscript(directory / "second" / "b");
  make_torchscript(directory / "second" / "a");
  make_torchscript(directory / "second" / "owner" / "c");
  make_checkpoint(directory / "second" / "damaged", "{");
  fs::create_directories(directory / "second" / "empty");
  test::write(directory / "second" / "README.md", "");
  const Variable list("ATTNVIZ_MODELS",
                      (directory / "first").string() + ":" + (directory / "second").string());
  std::vector<std::string> names;
  for (const ModelCard& card : list_models()) {
    if (card.name == "b") {
      EXPECT_EQ(card.layers, 2);
    }
    if (card.name == "damaged") {
      EXPECT_EQ(card.directory, directory / "second" / "damaged");
    }
    if (card.directory.string().starts_with(directory.path().string())) names.push_back(card.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "damaged", "owner/c"}));
}

TEST(VerifyFiles, NamesChangedTruncatedAndMissingFiles) {
  const TemporaryDirectory directory;
  const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  const std::string ab = "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603";
  ModelCard card;
  card.directory = directory.path();
  card.sha256 = {{"cut", abc}, {"gone", abc}, {"good", abc}};
  test::write(directory / "good", "abc");
  test::write(directory / "cut", "ab");
  EXPECT_EQ(verify_files(card),
            (std::vector<std::string>{"cut: changed: sha256 " + ab + " of 2 bytes, expected " + abc,
                                      "gone: missing"}));
  test::write(directory / "cut", "abc");
  test::write(directory / "gone", "abc");
  EXPECT_TRUE(verify_files(card).empty());
}

std::string zip(std::uint64_t first_zip64 = ZipWriter::kFirstZip64,
                std::string_view extra_name = "m/data/0") {
  std::string bytes;
  const Sink sink = [&bytes](std::string_view piece) { bytes += piece; };
  ZipWriter writer(sink, first_zip64);
  writer.add("m/constants.pkl", {"\x80\x02)."});
  writer.add(std::string(extra_name), {"weights"});
  writer.finish();
  return bytes;
}

/// Offsets into the parts of zip(): both entries' local headers and directory records, and the end.
struct Parts {
  explicit Parts(const std::string& archive)
      : second_local(archive.find("PK\x03\x04", 4)),
        first_record(archive.find("PK\x01\x02")),
        second_record(archive.find("PK\x01\x02", first_record + 4)),
        end(archive.rfind("PK\x05\x06")) {}
  std::size_t second_local, first_record, second_record, end;
};

template <class Number>
void put(std::string& archive, std::size_t offset, Number number) {
  std::memcpy(archive.data() + offset, &number, sizeof number);
}

std::string fault_of(const std::string& archive) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "model.pt";
  test::write(path, archive);
  const std::string error = error_of([&] { check_archive(path); });
  const std::string before = path.string() + ": not a usable TorchScript file: ";
  const std::string after = "\n  hint: make one with scripts/export_model.py";
  if (!error.starts_with(before) || !error.ends_with(after)) return error;
  return error.substr(before.size(), error.size() - before.size() - after.size());
}

TEST(CheckArchive, PassesWhatTorchSaves) {
  EXPECT_NO_THROW(check_archive(test::data("catalog/scripted.pt")));
}

TEST(CheckArchive, PassesSaneArchives) {
  EXPECT_EQ(fault_of(zip()), "nothing");
  EXPECT_EQ(fault_of(zip(1)), "nothing") << "every number in ZIP64 fields";
  EXPECT_EQ(fault_of(zip(5)), "nothing") << "some numbers in ZIP64 fields";
}

TEST(CheckArchive, RefusesEveryTruncation) {
  for (const std::string& whole : {zip(), zip(1), read_file(test::data("catalog/scripted.pt"))}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::string cut = whole.substr(0, size);
      EXPECT_THROW(check_archive_bytes(std::as_bytes(std::span(cut)), "cut"), Error) << size;
    }
  }
}

TEST(CheckArchive, RefusesNamesThatLeadElsewhere) {
  struct Case {
    std::string name, fault;
  };
  for (const Case& c : {
           Case{"", "an entry's name \"\" is empty"},
           Case{"/etc/x", "an entry's name \"/etc/x\" is an absolute path"},
           Case{"C:/x", "an entry's name \"C:/x\" is an absolute path"},
           Case{"m/../x", "an entry's name \"m/../x\" leads out of the archive"},
           Case{"..", "an entry's name \"..\" leads out of the archive"},
           Case{"m/.", "an entry's name \"m/.\" leads out of the archive"},
           Case{"m\\x", "an entry's name \"m\\x\" holds a backslash"},
           Case{std::string("m/\0x", 4), "an entry's name \"m/?x\" holds a zero byte"},
           Case{"m/constants.pkl", "\"m/constants.pkl\" is there twice"},
       }) {
    EXPECT_EQ(fault_of(zip(ZipWriter::kFirstZip64, c.name)), c.fault);
  }
  EXPECT_EQ(fault_of(zip(ZipWriter::kFirstZip64, "m/..data/...")), "nothing");
}

TEST(CheckArchive, RefusesDamage) {
  using Spoil = std::function<void(std::string&, const Parts&)>;
  struct Case {
    Spoil spoil;
    std::string_view fault;
  };
  for (const Case& c : {
           Case{[](auto&zip, const Parts&) { zip = "not a zip archive, but long enough to be one"; },
                "no zip archive"},
           Case{[](auto&zip, const Parts&) { zip.clear(); }, "no zip archive"},
           Case{[](auto&zip, const Parts&) { zip += "x"; }, "bytes follow its end record"},
           Case{[](auto&zip, const Parts&p) { put<std::uint16_t>(zip, p.end + 4, 1); },
                "it is a part of several"},
           Case{[](auto&zip, const Parts&p) { put<std::uint16_t>(zip, p.end + 8, 1); },
                "it is a part of several"},
           Case{[](auto&zip, const Parts&p) { put(zip, p.end + 8, 0x00010001); },
                "its directory holds more than its entries"},
           Case{[](auto&zip, const Parts&p) { put(zip, p.end + 8, 0x00FF00FF); },
                "its directory is too small for 255 entries"},
           Case{[](auto&zip, const Parts&p) { put(zip, p.end + 12, 0xFFFF); },
                "its directory lies outside the file or is cut short"},
           Case{[](auto&zip, const Parts&p) { put(zip, p.end + 16, 0xFFFFFF0); },
                "its directory lies outside the file or is cut short"},
           Case{[](auto&zip, const Parts&p) { zip[p.second_record] = 'Q'; }, "its directory is damaged"},
           Case{[](auto&zip, const Parts&p) { put<std::uint16_t>(zip, p.second_record + 8, 1); },
                "\"m/data/0\" is encrypted"},
           Case{[](auto&zip, const Parts&p) { put<std::uint16_t>(zip, p.second_record + 10, 12); },
                "\"m/data/0\" is compressed by method 12, expected none or deflate"},
           Case{[](auto&zip, const Parts&p) { put<std::uint16_t>(zip, p.second_record + 10, 8); },
                "\"m/data/0\" is described in two ways"},
           Case{[](auto&zip, const Parts&p) { put(zip, p.second_record + 16, 0); },
                "\"m/data/0\" is described in two ways"},
           Case{[](auto&zip, const Parts&p) { put(zip, p.second_record + 24, 8); },
                "\"m/data/0\" is stored, yet has two sizes"},
           Case{[](auto&zip, const Parts&p) {
                  put<std::uint16_t>(zip, p.second_record + 10, 8);
                  put(zip, p.second_record + 24, 9000);
                },
                "\"m/data/0\" can't hold 9000 bytes in 7"},
           Case{[](auto&zip, const Parts&p) {
                  put(zip, p.second_record + 20, 700);
                  put(zip, p.second_record + 24, 700);
                  put(zip, p.second_local + 18, 700);
                  put(zip, p.second_local + 22, 700);
                },
                "\"m/data/0\" reaches past the end of the data"},
           Case{[](auto&zip, const Parts&p) { put(zip, p.second_record + 42, 1); },
                "\"m/data/0\" is not where the directory says"},
           Case{[](auto&zip, const Parts&p) { put(zip, p.second_record + 42, 0x7FFFFFFF); },
                "an entry lies outside the file"},
           Case{[](auto&zip, const Parts&p) { put(zip, p.second_record + 42, 0xFFFFFFFF); },
                "\"m/data/0\" refers to a ZIP64 field that it has not"},
           Case{[](auto&zip, const Parts&p) { put(zip, p.second_record + 42, 0); },
                "\"m/data/0\" has another name in front of its data"},
           Case{[](auto&zip, const Parts&p) { zip[p.second_local + 30] = 'n'; },
                "\"m/data/0\" has another name in front of its data"},
           Case{[](auto&zip, const Parts&p) {
                  zip[p.first_record + 46] = 'n';
                  zip[30] = 'n';
                  put(zip, p.first_record + 20, 20);
                  put(zip, p.first_record + 24, 20);
                  put(zip, 18, 20);
                  put(zip, 22, 20);
                },
                "\"m/data/0\" overlaps \"n/constants.pkl\""},
           Case{[](auto&zip, const Parts&p) {
                  zip[p.first_record + 48] = 'k';
                  zip[32] = 'k';
                },
                "it has no constants.pkl, which torch.jit.save writes"},
       }) {
    std::string archive = zip();
    c.spoil(archive, Parts(archive));
    EXPECT_EQ(fault_of(archive), c.fault);
  }
}

TEST(CheckArchive, RefusesZip64RecordsThatDisagree) {
  struct Case {
    std::size_t before_end;
    std::uint32_t value;
    std::string_view fault;
  };
  // The locator lies 20 bytes before the end record, and the ZIP64 end record 56 bytes before that.
  for (const Case& c : {
           Case{16, 1, "it is a part of several"},
           Case{12, 0, "its ZIP64 end record is not where it should be"},
           Case{12, 0x7FFFFFFF, "its ZIP64 end record lies outside the file"},
           Case{76, 0, "its ZIP64 end record is not where it should be"},
           Case{72, 45, "its ZIP64 end record is not of the size it should be"},
           Case{60, 7, "it is a part of several"},
           Case{52, 3, "it is a part of several"},
           Case{36, 3, "its directory lies outside the file or is cut short"},
           Case{28, 3, "its directory lies outside the file or is cut short"},
       }) {
    std::string archive = zip(1);
    put(archive, Parts(archive).end - c.before_end, c.value);
    EXPECT_EQ(fault_of(archive), c.fault) << c.before_end;
  }
  std::string archive = zip(1);
  put<std::uint32_t>(archive, Parts(archive).end + 8, 0x00030003);
  EXPECT_EQ(fault_of(archive), "its end records tell two numbers of entries");
}

TEST(CheckArchive, RefusesABomb) {
  // Few bytes that say they hold many: one of 1032 for one is possible, a gigabyte of it is not plausible.
  std::string bytes;
  const Sink sink = [&bytes](std::string_view piece) { bytes += piece; };
  ZipWriter writer(sink);
  writer.add("m/constants.pkl", {"x"});
  writer.add("m/data/0", {std::string(1'100'000, '\0')});
  writer.finish();
  const Parts parts(bytes);
  constexpr std::uint32_t kUnpacked = 1'100'000'000;
  for (const std::size_t header : {parts.second_record + 2, parts.second_local}) {
    put<std::uint16_t>(bytes, header + 8, 8);
    put(bytes, header + 22, kUnpacked);
  }
  EXPECT_EQ(fault_of(bytes), "its entries would unpack to more than 1073741824 bytes");
}

TEST(CheckArchive, NamesAFileThatCannotBeRead) {
  const TemporaryDirectory directory;
  EXPECT_EQ(error_of([&] { check_archive(directory / "model.pt"); }),
            (directory / "model.pt").string() +
                ": can't be read: No such file or directory\n  hint: check the path");
}

TEST(OpenProgram, LeavesTensorsWhereTheyAreAndWritesTheRestAnew) {
  const TemporaryDirectory directory;
  std::string bytes;
  const Sink sink = [&](std::string_view piece) { bytes += piece; };
  ZipWriter writer(sink);
  const std::string numbers(64, 'n');
  const char kTensor[] =
      "ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\nX\3\0\0\0old"
      "X\3\0\0\0cpuK\x10tQK\0K\x10\x85K\1\x85\x89NtR";
  const std::string tensor(kTensor, sizeof kTensor - 1);
  const std::string_view object("\x80\2c__torch__\nM\n)\x81}X\1\0\0\0w", 24);
  writer.add("m/data.pkl", {object, tensor, "sb."});
  writer.add("m/constants.pkl", {"\x80\2)."});
  writer.add("m/code/__torch__.py", {"class M(Module):\n   w  : Tensor\n"});
  writer.add("m/version", {"3\n"});
  writer.add("m/data/old", {numbers});
  writer.add("m/data/other", {"not asked for"});
  writer.add("m/extra/x", {"not asked for"});
  writer.finish();
  const fs::path path = directory / "model.pt";
  test::write(path, bytes);
  const Program program = open_program(path, /*trusted=*/false);
  std::string whole;
  for (const std::string_view piece : program.pieces) whole += piece;
  check_program_bytes(std::as_bytes(std::span(whole)), "again");
  EXPECT_NE(whole.find("class M ( Module ) :\n  w : Tensor\n"), std::string::npos);
  EXPECT_NE(whole.find("m/data/0"), std::string::npos);
  EXPECT_EQ(whole.find("asked"), std::string::npos);
  const auto* const file = reinterpret_cast<const char*>(program.file.bytes().data());
  const auto lies_there = [&](std::string_view piece) {
    return piece.data() == file + bytes.find(numbers);
  };
  EXPECT_EQ(std::count_if(program.pieces.begin(), program.pieces.end(), lies_there), 1);
  const Program trusted = open_program(path, /*trusted=*/true);
  ASSERT_EQ(trusted.pieces.size(), 1U);
  EXPECT_EQ(trusted.pieces[0], bytes);
}

}  // namespace
}  // namespace attnviz
