#include <nlohmann/json.hpp>

#include "attnviz/file.h"
#include "support/command_line.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::CommandLine;
using test::kText;
using test::Outcome;
using test::Refusal;
using test::run;

TEST_F(CommandLine, RefusesWhatIsNoCommand) {
  for (const Refusal& c : std::vector<Refusal>{
           {{}, "no command given\n  hint: attnviz --help lists the commands"},
           {{""}, "'': not a command\n  hint: attnviz --help lists the commands"},
           {{"rendr", "x"}, "rendr: not a command\n  hint: did you mean attnviz render?"},
           {{"help", "rendr"}, "rendr: not a command\n  hint: did you mean attnviz render?"},
           {{"models info"},
            "models info: not a command\n  hint: as two arguments, without quotes: attnviz models info"},
           {{"models", "ifno"}, "models ifno: not a command\n  hint: did you mean attnviz models info?"},
           {{"models", "list"},
            "models list: not a command\n  hint: attnviz models lists the models, attnviz models --help "
            "tells "
            "more"},
           {{"The cat sat."},
            "The cat sat.: not a command\n  hint: attnviz render \"…\" draws a text's attention"},
           {{"--layer", "6"},
            "--layer: not an option of attnviz\n  hint: options go behind the command, as in attnviz render "
            "--layer 6 \"…\""},
           {{"--vresion"}, "--vresion: not an option of attnviz\n  hint: did you mean --version?"},
           {{"--verbose"}, "--verbose: no command given\n  hint: attnviz --help lists the commands"},
           {{"\x1b[31mred"}, "␛[31mred: not a command\n  hint: attnviz --help lists the commands"},
       }) {
    expect_refused(c.arguments, c.message);
  }
}

TEST_F(CommandLine, RefusesWrongFlags) {
  for (const Refusal& c : std::vector<Refusal>{
           {{"render", "--layr", "6", "x"},
            "--layr: not an option of attnviz render\n  hint: did you mean --layer?"},
           {{"render", "--layr=6", "x"},
            "--layr: not an option of attnviz render\n  hint: did you mean --layer?"},
           {{"tokens", "--layer", "6", "x"},
            "--layer: not an option of attnviz tokens\n  hint: attnviz tokens --help lists its options"},
           {{"render", "--\x1b[31m", "x"},
            "--␛[31m: not an option of attnviz render\n  hint: attnviz render --help lists its options"},
           {{"render", "-x y"},
            "-x y: not an option of attnviz render\n  hint: a TEXT that begins with a dash goes behind --: "
            "attnviz "
            "render -- \"…\""},
           {{"render", "--layer"}, "--layer: needs a value\n  hint: attnviz render --help says which"},
           {{"render", "x", "-o"}, "--output: needs a value\n  hint: attnviz render --help says which"},
           {{"render", "--layer", "--head", "0", "x"},
            "--layer: needs a value, got --head\n  hint: if that is the value, join them: --layer=--head"},
           {{"render", "--layer", "1", "--layer", "2", "x"}, "--layer: given 2 times, expected once"},
           {{"render", "--show=1", "x"}, "--show: takes no value, got --show=1"},
           {{"render"},
            "TEXT: missing\n  hint: give a sentence in quotes, or - to read it from standard input"},
           {{"render", "the", "cat"},
            "cat: one argument too many for attnviz render\n  hint: put the whole TEXT in quotes"},
           {{"tokens", "x", "--", "--json"},
            "--json: one argument too many for attnviz tokens\n  hint: put the whole TEXT in quotes"},
           {{"models", "--json", "x"},
            "x: one argument too many for attnviz models\n  hint: attnviz models --help tells what it takes"},
           {{"models", "info"}, "NAME: missing\n  hint: attnviz models lists the names"},
       }) {
    expect_refused(c.arguments, c.message);
  }
}

TEST_F(CommandLine, RefusesValuesThatAreNone) {
  for (const Refusal& c : std::vector<Refusal>{
           {{"render", "--layer", "x", "x"}, "--layer x: expected a whole number, or mean"},
           {{"render", "--layer", "1e3", "x"}, "--layer 1e3: expected a whole number, or mean"},
           {{"render", "--layer", "6 ", "x"}, "--layer 6 : expected a whole number, or mean"},
           {{"render", "--layer=", "x"}, "--layer '': expected a whole number, or mean"},
           {{"render", "--layer", "", "x"}, "--layer '': expected a whole number, or mean"},
           {{"render", "--head", "men", "x"}, "--head men: expected a whole number, or mean"},
           {{"extract", "--layers", "1,,2", "x"},
            "--layers 1,,2: expected whole numbers such as 1,4,8 or 1-4, or all"},
           {{"extract", "--layers", "", "x"},
            "--layers '': expected whole numbers such as 1,4,8 or 1-4, or all"},
           {{"extract", "--weights", "norms", "x"},
            "--weights norms: expected attention or norm\n  hint: did you mean norm?"},
           {{"extract", "--weights", "norm", "--backend", "torchscript", "x"},
            "--weights norm: a TorchScript model gives no norms, which need its value vectors\n"
            "  hint: --backend checkpoint does"},
           {{"extract", "--weights", "norm", "--with-qk", "x"},
            "--with-qk: query and key vectors do not make up norms, which need the value vectors\n  hint: "
            "leave "
            "--weights norm or --with-qk out"},
           {{"extract", "--heads", "4-1", "x"}, "--heads 4-1: expected ranges that go up, such as 1-4"},
           {{"render", "--dpi", "5", "x"}, "--dpi 5: expected a whole number from 20 to 1200"},
           {{"render", "--dpi", "99999999999", "x"},
            "--dpi 99999999999: expected a whole number from 20 to 1200"},
           {{"render", "--threads", "0", "x"}, "--threads 0: expected a whole number from 1 to 1024"},
           {{"render", "--vmin", "nan", "x"}, "--vmin nan: expected a number such as 0.25"},
           {{"render", "--vmin", "0,5", "x"}, "--vmin 0,5: expected a number such as 0.25"},
           {{"render", "--vmax", "inf", "x"}, "--vmax inf: expected a number such as 0.25"},
           {{"render", "--vmax", "0.5", "--vmin", "0.5", "x"},
            "--vmax 0.5: expected more than 0.5, the low end"},
           {{"render", "--annotate", "allways", "x"},
            "--annotate allways: expected auto, always or never\n  hint: did you mean always?"},
           {{"render", "--device", "gpu", "x"}, "--device gpu: expected auto, cpu, cuda or cuda:N"},
           {{"render", "--device", "cuda:", "x"}, "--device cuda:: expected auto, cpu, cuda or cuda:N"},
           {{"render", "--max-memory", "2Q", "x"}, "--max-memory 2Q: expected a size such as 800M or 2G"},
           {{"render", "--max-memory", "-1", "x"}, "--max-memory -1: expected a size such as 800M or 2G"},
           {{"render", "--max-memory", "0", "x"}, "--max-memory 0: expected a size such as 800M or 2G"},
           {{"render", "--max-memory", "9999999T", "x"},
            "--max-memory 9999999T: expected a size such as 800M or 2G"},
           {{"render", "--model", "", "x"}, "--model '': expected a model's name or directory"},
           {{"render", "--title", "\xff", "x"}, "--title �: expected UTF-8"},
           {{"render", "-o", "", "x"}, "--output '': expected a file name, or - for standard output"},
       }) {
    expect_refused(c.arguments, c.message);
  }
}

TEST_F(CommandLine, RefusesOutputsOfUnknownFormat) {
  for (const Refusal& c : std::vector<Refusal>{
           {{"render", "-o", "a.bmp", "x"},
            "-o a.bmp: unknown extension, expected .png, .svg or .pdf\n  hint: --format says it whatever the "
            "name is"},
           {{"render", "-o", "a", "x"},
            "-o a: no extension, expected .png, .svg or .pdf\n  hint: --format says it whatever the name is"},
           {{"extract", "-o", "a.png", "x"},
            "-o a.png: unknown extension, expected .safetensors, .npz or .json\n  hint: --format says it "
            "whatever "
            "the name is"},
           {{"render", "-o", "-", "x"},
            "-o -: the format is not known\n  hint: add --format png, svg or pdf"},
           {{"render", "-o", "a.png", "--format", "svg", "x"},
            "-o a.png: the extension says png, --format says svg\n  hint: leave one out"},
       }) {
    expect_refused(c.arguments, c.message);
  }
}

TEST_F(CommandLine, RefusesTextsThatAreNone) {
  for (const Refusal& c : std::vector<Refusal>{
           {{"render", ""}, "TEXT: empty, expected a text"},
           {{"tokens", ""}, "TEXT: empty, expected a text"},
           {{"extract", "-"}, "standard input: empty, expected a text"},
           {{"extract", "-"}, "standard input: empty, expected a text", "\n"},
           {{"tokens", "  \t "}, "TEXT: no token in it, expected words"},
           {{"tokens", "--pair", "", "x"}, "--pair: empty, expected a text"},
           {{"tokens", "--pair", " ", "x"}, "--pair: no token in it, expected words"},
           {{"tokens", "--pair", "-", "-"},
            "--pair -: standard input is the first text already\n  hint: give one of the two as an argument",
            "x"},
           {{"tokens", "--model", "gpt2-demo", "--pair", "y", "x"}, "--pair: gpt2-demo takes one text"},
           {{"tokens", "a\xE4z"},
            "TEXT: not UTF-8 at byte 1 (0xE4)\n  hint: convert it to UTF-8, or use --invalid-utf8 replace"},
           {{"tokens", "-"},
            "standard input: not UTF-8 at byte 2 (0xFF)\n  hint: convert it to UTF-8, or use --invalid-utf8 "
            "replace",
            "ab\xFF"},
       }) {
    expect_refused(c.arguments, c.message, c.input);
  }
}

TEST_F(CommandLine, RefusesLayersAndHeadsThatTheModelLacks) {
  const std::string hint = "\n  hint: layers count from 1, heads from 0";
  for (const Refusal& c : std::vector<Refusal>{
           {{"render", "--layer", "13", "x"}, "--layer 13: minilm has layers 1 to 6"},
           {{"render", "--layer", "7", "x"}, "--layer 7: minilm has layers 1 to 6" + hint},
           {{"render", "--layer", "0", "x"}, "--layer 0: minilm has layers 1 to 6" + hint},
           {{"render", "--layer=-2", "x"}, "--layer -2: minilm has layers 1 to 6"},
           {{"render", "--head", "12", "x"}, "--head 12: minilm has heads 0 to 11" + hint},
           {{"render", "--head", "-1", "x"}, "--head -1: minilm has heads 0 to 11" + hint},
           {{"render", "--model", "gpt2-demo", "--layer", "70", "x"},
            "--layer 70: gpt2-demo has layers 1 to 6"},
           {{"extract", "--layers", "1,4,8", "x"}, "--layers 8: minilm has layers 1 to 6"},
           {{"extract", "--layers", "1-2000000000", "x"}, "--layers 2000000000: minilm has layers 1 to 6"},
           {{"extract", "--heads", "0,99", "x"}, "--heads 99: minilm has heads 0 to 11"},
       }) {
    expect_refused(c.arguments, c.message);
  }
}

TEST_F(CommandLine, RefusesWhatIsTooLargeBeforeItRuns) {
  std::string text;
  for (int i = 0; i < 700; ++i) text += "cat ";
  expect_refused({"render", text},
                 "TEXT: 702 tokens, minilm takes at most 512\n  hint: --truncate cuts the text to what fits; "
                 "render, grid, layers and extract read all of it with --window max");
  const Outcome outcome = run({"extract", "--max-memory", "100K", kText});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_TRUE(outcome.err.starts_with("attnviz: --max-memory 100.0 KiB: 10 tokens need ")) << outcome.err;
  EXPECT_TRUE(outcome.err.ends_with("\n  hint: fewer --layers or --heads need less\n")) << outcome.err;
  EXPECT_EQ(files().size(), 0U);
}

TEST_F(CommandLine, RefusesOutputsThatCantBeWritten) {
  expect_refused(
      {"render", "-o", "missing/a.png", "x"},
      "missing/a.png: can't be written: No such file or directory\n  hint: make its directory first: "
      "mkdir -p missing");
  expect_refused({"render", "--format", "png", "-o", "/dev/full", "x"},
                 "/dev/full: can't be written: No space left on device\n  hint: free some space, or write to "
                 "another disk");
  fs::create_directory("a.png");
  expect_refused({"render", "-o", "a.png", "x"},
                 "a.png: can't be written: Is a directory\n  hint: name a file inside it");
}

TEST_F(CommandLine, RefusesModelsThatAreBroken) {
  copy_gpt2("truncated");
  fs::resize_file("truncated/model.safetensors", 4'000'000);
  copy_gpt2("headless");
  test::write("headless/model.safetensors", "not a tensor file");
  copy_gpt2("weightless");
  fs::remove("weightless/model.safetensors");
  copy_gpt2("wrong-shape");
  json config = json::parse(read_file("wrong-shape/config.json"));
  config["n_embd"] = 240;
  test::write("wrong-shape/config.json", config.dump());
  copy_gpt2("wordless");
  for (const char* file : {"tokenizer.json", "vocab.json", "merges.txt"})
    fs::remove(fs::path("wordless") / file);
  copy_gpt2("garbled");
  test::write("garbled/tokenizer.json", "{\"model\": ");
  copy_gpt2("no-zip");
  fs::remove("no-zip/model.safetensors");
  test::write("no-zip/model.pt", "no zip");
  for (const Refusal& c : std::vector<Refusal>{
           {{"render", "--model", "./nope", "x"},
            "./nope: no such directory\n  hint: check the path, or give the name of a model"},
           {{"render", "--model", "./truncated", "x"},
            "./truncated/model.safetensors: not a usable safetensors file: cut short: its tensors need "
            "8583168 "
            "bytes, it has 3992624\n  hint: download or save it again"},
           {{"render", "--model", "./headless", "x"},
            "./headless/model.safetensors: not a usable safetensors file: expected a header of at most "
            "100000000 "
            "bytes, got 7310503696657575790\n  hint: download or save it again"},
           {{"render", "--model", "./weightless", "x"},
            "./weightless: holds no model, expected config.json with model.safetensors, or model.pt\n  hint: "
            "`hf "
            "download ID --local-dir models/ID` puts a checkpoint in place, scripts/export_model.py a "
            "model.pt"},
           {{"render", "--model", "./wrong-shape", "x"},
            "./wrong-shape/model.safetensors: tensor \"transformer.wte.weight\": wrong shape, expected "
            "[8192, "
            "240], got [8192, 192]\n  hint: config.json and the weights do not belong together"},
           {{"render", "--model", "./wordless", "x"},
            "./wordless: has no tokenizer\n  hint: expected tokenizer.json, or vocab.txt, or vocab.json and "
            "merges.txt, or a .model of sentencepiece"},
           {{"render", "--model", "./garbled", "x"},
            "./garbled/tokenizer.json: malformed JSON: not a JSON value at byte 10\n  hint: expected a "
            "tokenizer.json as Hugging Face's tokenizers 0.23 writes it"},
           {{"render", "--model", "./no-zip", "x"},
            "./no-zip/model.pt: not a usable TorchScript file: no zip archive\n  hint: make one with "
            "scripts/export_model.py"},
       }) {
    expect_refused(c.arguments, c.message);
  }
}

TEST_F(CommandLine, RefusesNamesThatNoModelHas) {
  const Outcome outcome = run({"tokens", "--model", "minilmm", "x"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_TRUE(outcome.err.starts_with("attnviz: minilmm: no such model in " + models().string()))
      << outcome.err;
  EXPECT_NE(outcome.err.find("\n  hint: did you mean minilm? "), std::string::npos) << outcome.err;
}
}  // namespace
}  // namespace attnviz
