#include "attnviz/cli.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <locale>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "attnviz/file.h"
#include "attnviz/text.h"
#include "support/support.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr char kText[] = "The bank can refuse to lend money.";

struct Outcome {
  int status = 0;
  std::string out, err;
};

Outcome run(const std::vector<std::string>& arguments, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out, err;
  const int status = cli::run(arguments, {in, out, err});
  return {status, out.str(), err.str()};
}

/// Runs in a directory of its own, with the checkout's models.
class CommandLine : public testing::Test {
 protected:
  CommandLine() : before_(fs::current_path()) {
    fs::current_path(directory_.path());
    setenv("ATTNVIZ_MODELS", models().c_str(), 1);
  }
  ~CommandLine() override { fs::current_path(before_); }

  static fs::path models() { return fs::weakly_canonical(test::data("../../models")); }

  static std::set<std::string> files() {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(".")) names.insert(entry.path().filename().string());
    return names;
  }

  /// Status 2, nothing on standard output, this on standard error, and no file.
  static void expect_refused(const std::vector<std::string>& arguments, const std::string& message,
                             const std::string& input = "") {
    const std::set<std::string> before = files();
    const Outcome outcome = run(arguments, input);
    std::string line = "attnviz";
    for (const std::string& argument : arguments) line += " '" + argument + "'";
    EXPECT_EQ(outcome.status, 2) << line;
    EXPECT_EQ(outcome.out, "") << line;
    EXPECT_EQ(outcome.err, "attnviz: " + message + "\n") << line;
    EXPECT_EQ(files(), before) << line;
  }

  /// A copy of gpt2-demo without its TorchScript form, to be broken.
  static fs::path copy_of_gpt2(const std::string& name) {
    fs::create_directory(name);
    for (const char* file :
         {"config.json", "merges.txt", "model.safetensors", "tokenizer.json", "vocab.json"}) {
      fs::copy_file(models() / "gpt2-demo" / file, fs::path(name) / file);
    }
    return fs::absolute(name);
  }

 private:
  test::TemporaryDirectory directory_;
  fs::path before_;
};

struct Refusal {
  std::vector<std::string> arguments;
  std::string message;
  std::string input = {};
};

TEST_F(CommandLine, SaysItsVersion) {
  EXPECT_EQ(run({"--version"}).out, "attnviz " ATTNVIZ_VERSION "\n");
  const Outcome verbose = run({"--verbose", "--version"});
  EXPECT_EQ(verbose.status, 0);
  EXPECT_TRUE(verbose.out.starts_with("attnviz " ATTNVIZ_VERSION "\nlibtorch 2.")) << verbose.out;
}

TEST_F(CommandLine, HelpsWithEveryCommandInEightyColumns) {
  const Outcome top = run({"--help"});
  EXPECT_EQ(run({"help"}).out, top.out);
  EXPECT_EQ(run({"-h"}).out, top.out);
  std::vector<std::string> helps = {top.out};
  const std::vector<std::vector<std::string>> commands = {
      {"render"}, {"tokens"}, {"extract"}, {"models"}, {"models", "info"}, {"models", "verify"}};
  for (std::vector<std::string> command : commands) {
    std::string name = command.front() + (command.size() > 1 ? " " + command.back() : "");
    EXPECT_NE(top.out.find("\n  " + name + " "), std::string::npos) << name;
    command.emplace_back("--help");
    const Outcome outcome = run(command);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.err, "");
    EXPECT_NE(outcome.out.find("\nUsage: attnviz " + name + " "), std::string::npos) << outcome.out;
    helps.push_back(outcome.out);
    command.pop_back();
    command.insert(command.begin(), "help");
    EXPECT_EQ(run(command).out, outcome.out);
  }
  for (const std::string& help : helps) {
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(count_code_points(line), 80U) << line;
  }
}

TEST_F(CommandLine, HelpIsGivenWhateverElseIsWrong) {
  EXPECT_EQ(run({"render", "--layer", "x", "--hepl", "--help"}).out, run({"render", "--help"}).out);
}

TEST_F(CommandLine, RefusesWhatIsNoCommand) {
  for (const Refusal& c : std::vector<Refusal>{
           {{}, "no command given\n  hint: attnviz --help lists the commands"},
           {{""}, "'': not a command\n  hint: attnviz --help lists the commands"},
           {{"rendr", "x"}, "rendr: not a command\n  hint: did you mean attnviz render?"},
           {{"help", "rendr"}, "rendr: not a command\n  hint: did you mean attnviz render?"},
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
           {{"render", "--layer", "x", "x"}, "--layer x: expected a whole number"},
           {{"render", "--layer", "1e3", "x"}, "--layer 1e3: expected a whole number"},
           {{"render", "--layer", "6 ", "x"}, "--layer 6 : expected a whole number"},
           {{"render", "--layer=", "x"}, "--layer '': expected a whole number"},
           {{"render", "--layer", "", "x"}, "--layer '': expected a whole number"},
           {{"render", "--head", "men", "x"}, "--head men: expected a whole number, or mean"},
           {{"extract", "--layers", "1,,2", "x"},
            "--layers 1,,2: expected whole numbers such as 1,4,8 or 1-4, or all"},
           {{"extract", "--layers", "", "x"},
            "--layers '': expected whole numbers such as 1,4,8 or 1-4, or all"},
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
                 "TEXT: 702 tokens, minilm takes at most 512\n  hint: --truncate cuts the text to what fits");
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
  copy_of_gpt2("truncated");
  fs::resize_file("truncated/model.safetensors", 4'000'000);
  copy_of_gpt2("headless");
  test::write("headless/model.safetensors", "not a tensor file");
  copy_of_gpt2("weightless");
  fs::remove("weightless/model.safetensors");
  copy_of_gpt2("wrong-shape");
  json config = json::parse(read_file("wrong-shape/config.json"));
  config["n_embd"] = 240;
  test::write("wrong-shape/config.json", config.dump());
  copy_of_gpt2("wordless");
  for (const char* file : {"tokenizer.json", "vocab.json", "merges.txt"})
    fs::remove(fs::path("wordless") / file);
  copy_of_gpt2("garbled");
  test::write("garbled/tokenizer.json", "{\"model\": ");
  copy_of_gpt2("no-zip");
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
            "merges.txt"},
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

TEST_F(CommandLine, ShowsTokensAsATable) {
  EXPECT_EQ(run({"tokens", "The tokenizer"}).out,
            "Model         minilm\n"
            "Tokens        5\n"
            "Position ids  0 to 4\n"
            "\n"
            "position     id  type  offsets  token\n"
            "       0    101     0        -  [CLS]\n"
            "       1   1996     0      0:3  the\n"
            "       2  19204     0      4:9  token\n"
            "       3  17629     0     9:13  ##izer\n"
            "       4    102     0        -  [SEP]\n");
  EXPECT_EQ(run({"tokens", "--model", "gpt2-demo", "Once upon"}).out,
            "Model         gpt2-demo\n"
            "Tokens        3\n"
            "Position ids  0 to 2\n"
            "\n"
            "position    id  type  offsets  token\n"
            "       0    47     0      0:1  O\n"
            "       1  1300     0      1:4  nce\n"
            "       2   714     0      4:9  ␣upon\n");
}

TEST_F(CommandLine, GivesTokensAsJson) {
  const Outcome outcome = run({"tokens", "--json", "--pair", "It purred.", "The bank"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1);
  EXPECT_EQ(json::parse(outcome.out), json::parse(R"({
    "index": 0, "text": "The bank", "pair": "It purred.", "model": "minilm",
    "tokens": ["[CLS]", "the", "bank", "[SEP]", "it", "pu", "##rred", ".", "[SEP]"],
    "ids": [101, 1996, 2924, 102, 2009, 16405, 20529, 1012, 102],
    "positions": [0, 1, 2, 3, 4, 5, 6, 7, 8],
    "types": [0, 0, 0, 0, 1, 1, 1, 1, 1],
    "offsets": [[0, 0], [0, 3], [4, 8], [0, 0], [0, 2], [3, 5], [5, 9], [9, 10], [0, 0]],
    "special": [true, false, false, true, false, false, false, false, true]})"));
}

TEST_F(CommandLine, TakesTextsFromWhereverTheyAre) {
  const auto text_of = [](const std::vector<std::string>& arguments, const std::string& input = "") {
    std::vector<std::string> all = {"tokens", "--json"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Outcome outcome = run(all, input);
    EXPECT_EQ(outcome.err, "");
    return json::parse(outcome.out)["text"].get<std::string>();
  };
  EXPECT_EQ(text_of({"-"}, "a cat\n"), "a cat");
  EXPECT_EQ(text_of({"-"}, "a cat\r\n"), "a cat");
  EXPECT_EQ(text_of({"-"}, "a cat\non a mat\n\n"), "a cat\non a mat\n");
  EXPECT_EQ(text_of({"--", "-x y"}), "-x y");
  EXPECT_EQ(text_of({"--", "--"}), "--");
  EXPECT_EQ(text_of({"--", "--help"}), "--help");
  EXPECT_EQ(text_of({"-5 degrees"}), "-5 degrees");
  EXPECT_EQ(text_of({"[MASK]"}), "[MASK]");
  EXPECT_EQ(text_of({"[a,b]"}), "[a,b]");
  EXPECT_EQ(text_of({"tokens"}), "tokens");
  EXPECT_EQ(text_of({"x", "--model=minilm"}), "x");
  EXPECT_EQ(text_of({"--invalid-utf8", "replace", "a\xE4z"}), "a\uFFFDz");
  EXPECT_EQ(text_of({"--pair", "-", "first"}, "second"), "first");
}

TEST_F(CommandLine, CutsTextsOnlyWhenToldTo) {
  std::string text;
  for (int i = 0; i < 700; ++i) text += "cat ";
  const Outcome whole = run({"tokens", "--json", text});
  EXPECT_EQ(json::parse(whole.out)["ids"].size(), 702U);
  EXPECT_EQ(whole.err, "attnviz: note: 702 tokens, minilm takes at most 512\n");
  const Outcome cut = run({"tokens", "--json", "--truncate", text});
  EXPECT_EQ(json::parse(cut.out)["ids"].size(), 512U);
  EXPECT_EQ(cut.err, "attnviz: note: cut to 512 of 702 tokens, the most that minilm takes\n");
  const Outcome figure = run({"render", "--layer", "1", "--truncate", "-o", "a.svg", text});
  EXPECT_EQ(figure.err, cut.err);
  EXPECT_NE(read_file("a.svg").find("cut to 512 of 702 tokens"), std::string::npos);
}

TEST_F(CommandLine, ExtractsWhatIsAskedFor) {
  const Outcome outcome = run(
      {"extract", "--layers", "6,1-2,2", "--heads", "3", "--with-qk", "-o", "-", "--format", "json", kText});
  EXPECT_EQ(outcome.err, "");
  const json file = json::parse(outcome.out);
  EXPECT_EQ(file["layers"], json({6, 1, 2}));
  EXPECT_EQ(file["heads"], json({3}));
  const json all = json::parse(run({"extract", "-o", "-", "--format", "json", kText}).out);
  EXPECT_EQ(all["layers"], json({1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(all["heads"].size(), 12U);
  for (std::size_t i = 0; i < 10 * 10; ++i) {
    EXPECT_NEAR(file["attention"][0][0][i / 10][i % 10].get<double>(),
                all["attention"][5][3][i / 10][i % 10].get<double>(), 1e-5);
  }
  EXPECT_EQ(file["query"][2][0].size(), 10U);
  EXPECT_EQ(file["key"][2][0][9].size(), 32U);
  EXPECT_FALSE(all.contains("query"));
}

TEST_F(CommandLine, ExtractsEverythingIntoFiles) {
  EXPECT_EQ(run({"extract", kText}).out, "minilm-attention.safetensors\n");
  EXPECT_EQ(run({"extract", kText}).out, "minilm-attention-2.safetensors\n");
  EXPECT_EQ(run({"extract", "-o", "a.npz", kText}).out, "a.npz\n");
  const Safetensors file("minilm-attention.safetensors");
  EXPECT_EQ(file.tensors().at("attention").shape, (std::vector<std::int64_t>{6, 12, 10, 10}));
  const Provenance& metadata = file.metadata();
  EXPECT_EQ(metadata.at("text"), kText);
  EXPECT_EQ(metadata.at("model"), "minilm");
  EXPECT_EQ(metadata.at("backend"), "checkpoint");
  EXPECT_EQ(metadata.at("program"), "attnviz " ATTNVIZ_VERSION);
  EXPECT_EQ(json::parse(metadata.at("tokens")).size(), 10U);
  EXPECT_EQ(metadata.at("model_sha256"), sha256_of_file(models() / "minilm" / "model.safetensors"));
}

TEST_F(CommandLine, NamesFiguresAfterWhatTheyShowAndReplacesNone) {
  EXPECT_EQ(run({"render", "--layer", "2", "--head", "0", kText}).out, "minilm-layer2-head0.png\n");
  EXPECT_EQ(run({"render", "--layer", "2", "--head", "0", kText}).out, "minilm-layer2-head0-2.png\n");
  EXPECT_EQ(run({"render", "--layer", "2", "--head", "mean", "--format", "svg", kText}).out,
            "minilm-layer2-mean.svg\n");
  EXPECT_EQ(run({"render", kText}).out, "minilm-layer6-mean.png\n");
  EXPECT_EQ(files().size(), 4U);
  EXPECT_EQ(read_file("minilm-layer2-head0.png"), read_file("minilm-layer2-head0-2.png"));
}

TEST_F(CommandLine, WritesEachFormatByItsExtension) {
  for (const auto& [path, magic] : std::vector<std::pair<std::string, std::string>>{
           {"a.png", "\x89PNG\r\n"}, {"a.SVG", "<?xml"}, {"a.pdf", "%PDF-"}}) {
    test::write(path, "what was there before");
    const Outcome outcome = run({"render", "--layer", "1", "-o", path, kText});
    EXPECT_EQ(outcome.out, path + "\n");
    EXPECT_EQ(outcome.err, "");
    EXPECT_TRUE(read_file(path).starts_with(magic)) << path;
  }
  const Outcome streamed = run({"render", "--layer", "1", "-o", "-", "--format", "pdf", kText});
  EXPECT_EQ(streamed.out, read_file("a.pdf"));
}

TEST_F(CommandLine, ShowsTheMapInTheTerminalBeforeThePath) {
  const Outcome outcome = run({"render", "--layer", "1", "--show", "-o", "a.png", kText});
  EXPECT_TRUE(outcome.out.ends_with("\na.png\n"));
  EXPECT_NE(outcome.out.find("minilm · Layer 1 · Mean of 12 heads"), std::string::npos);
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);
  const Outcome colored =
      run({"render", "--layer", "1", "--show", "--color", "always", "-o", "a.png", kText});
  EXPECT_NE(colored.out.find('\x1b'), std::string::npos);
}

TEST_F(CommandLine, TimesItsStagesOnStandardError) {
  const Outcome outcome = run({"render", "--layer", "1", "--timings", "-o", "a.png", kText});
  EXPECT_EQ(outcome.out, "a.png\n");
  std::istringstream lines(outcome.err);
  std::vector<std::string> stages;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.ends_with(" ms")) << line;
    stages.push_back(line.substr(0, line.find("  ")));
  }
  EXPECT_EQ(stages,
            (std::vector<std::string>{"choose model", "read text", "open tokenizer", "tokenize", "open model",
                                      "forward", "layout", "draw and encode", "write", "total"}));
}

TEST_F(CommandLine, ListsAndDescribesModels) {
  const Outcome list = run({"models"});
  EXPECT_EQ(list.status, 0);
  EXPECT_NE(list.out.find("gpt2-demo  gpt2 "), std::string::npos) << list.out;
  EXPECT_NE(run({"models", "info", "minilm"}).out.find("\nlayers         6\n"), std::string::npos);
  const json card = json::parse(run({"models", "info", "--json", "minilm"}).out);
  EXPECT_EQ(card["layers"], 6);
  EXPECT_EQ(card["directory"], (models() / "minilm").string());
}

TEST_F(CommandLine, VerifiesThatBothFormsOfAModelAgree) {
  const Outcome good = run({"models", "verify", "minilm"});
  EXPECT_EQ(good.status, 0);
  EXPECT_EQ(good.err, "");
  EXPECT_NE(good.out.find("\nagreement     largest difference "), std::string::npos) << good.out;
}

TEST_F(CommandLine, NamesTheFileThatIsNotWhatTheManifestPromises) {
  copy_of_gpt2("model");
  const fs::path weights = "model/model.safetensors";
  const std::string digest = sha256_of_file(weights);
  test::write("model/attnviz.json", json{{"format", 1}, {"sha256", {{"model.safetensors", digest}}}}.dump());
  EXPECT_EQ(run({"models", "verify", "./model"}).status, 0);
  std::string bytes = read_file(weights);
  bytes.back() ^= 1;
  test::write(weights, bytes);
  const Outcome changed = run({"models", "verify", "./model"});
  EXPECT_EQ(changed.status, 2);
  EXPECT_EQ(changed.err, "attnviz: model.safetensors: changed: sha256 " + sha256_of_file(weights) +
                             " of 8590544 bytes, expected " + digest +
                             "\nattnviz: ./model: 1 fault\n  hint: download or export it again\n");
  EXPECT_EQ(changed.out.find("ran "), std::string::npos) << changed.out;
}

/// Takes `room` bytes, then fails as a full disk does.
class FullBuffer : public std::streambuf {
 public:
  explicit FullBuffer(std::streamsize room) : room_(room) {}

 protected:
  std::streamsize xsputn(const char*, std::streamsize count) override {
    const std::streamsize taken = std::min(count, room_);
    room_ -= taken;
    return taken;
  }
  int overflow(int) override { return traits_type::eof(); }

 private:
  std::streamsize room_;
};

TEST_F(CommandLine, SaysThatStandardOutputIsFull) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--help"}, {"tokens", "x"}, {"extract", "-o", "-", "--format", "json", "x"}, {"models"}}) {
    FullBuffer buffer(10);
    std::istringstream in;
    std::ostream out(&buffer);
    std::ostringstream err;
    EXPECT_EQ(cli::run(arguments, {in, out, err}), 2);
    EXPECT_EQ(err.str(), "attnviz: standard output: can't be written\n");
  }
}

/// Numbers as some languages write them, every digit apart so that none escapes.
class CommaPunctuation : public std::numpunct<char> {
 protected:
  [[nodiscard]] char do_decimal_point() const override { return ','; }
  [[nodiscard]] char do_thousands_sep() const override { return '.'; }
  [[nodiscard]] std::string do_grouping() const override { return "\1"; }
};

TEST_F(CommandLine, WritesTheSameInEveryLocale) {
  const std::vector<std::vector<std::string>> commands = {
      {"tokens", "The bank can refuse to lend money to the person by the river bank."},
      {"extract", "--layers", "1", "--heads", "0", "-o", "-", "--format", "json", kText},
      {"render", "--vmax", "0.5", "-o", "-", "--format", "svg", kText},
      {"models", "info", "minilm"}};
  std::vector<std::string> expected;
  for (const auto& command : commands) expected.push_back(run(command).out);
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new CommaPunctuation));
  for (std::size_t i = 0; i < commands.size(); ++i) EXPECT_EQ(run(commands[i]).out, expected[i]);
  std::locale::global(before);
}

/// What the program itself does in a process of its own, with standard output connected to `output`
/// (-1: closed). The program lies beside this one.
Outcome run_program(const std::vector<std::string>& arguments, int output, const char* variable = nullptr) {
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "attnviz";
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), program.string());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<char*> variables;
  for (char** entry = environ; *entry; ++entry) variables.push_back(*entry);
  std::string more = variable ? variable : "";
  if (variable) variables.push_back(more.data());
  variables.push_back(nullptr);

  std::array<int, 2> errors{};
  EXPECT_EQ(pipe(errors.data()), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, errors[1], 2);
  if (output >= 0) posix_spawn_file_actions_adddup2(&actions, output, 1);
  if (output < 0) posix_spawn_file_actions_addclose(&actions, 1);
  posix_spawn_file_actions_addclose(&actions, errors[0]);
  pid_t process = 0;
  EXPECT_EQ(posix_spawn(&process, program.c_str(), &actions, nullptr, argv.data(), variables.data()), 0)
      << program;
  posix_spawn_file_actions_destroy(&actions);
  close(errors[1]);
  Outcome outcome;
  std::array<char, 4096> piece;
  for (ssize_t count = 0; (count = read(errors[0], piece.data(), piece.size())) > 0;) {
    outcome.err.append(piece.data(), static_cast<std::size_t>(count));
  }
  close(errors[0]);
  int status = 0;
  EXPECT_EQ(waitpid(process, &status, 0), process);
  EXPECT_TRUE(WIFEXITED(status));
  outcome.status = WEXITSTATUS(status);
  return outcome;
}

/// A file to connect to, closed at the end of its scope.
struct Descriptor {
  explicit Descriptor(const char* path) : number(open(path, O_WRONLY | O_CREAT, 0644)) {}
  ~Descriptor() { close(number); }
  int number;
};

TEST_F(CommandLine, RunsAsAProgram) {
  const Descriptor out("out");
  const Outcome drawn = run_program({"render", "--layer", "1", "-o", "a.png", kText}, out.number);
  EXPECT_EQ(drawn.status, 0);
  EXPECT_EQ(drawn.err, "");
  EXPECT_EQ(read_file("out"), "a.png\n");
  EXPECT_TRUE(read_file("a.png").starts_with("\x89PNG"));
  EXPECT_EQ(run_program({"rendr"}, out.number).status, 2);
}

TEST_F(CommandLine, SaysWhyStandardOutputCantBeWritten) {
  std::array<int, 2> pipes{};
  ASSERT_EQ(pipe(pipes.data()), 0);
  close(pipes[0]);
  const Outcome closed_pipe = run_program({"tokens", "x"}, pipes[1]);
  close(pipes[1]);
  EXPECT_EQ(closed_pipe.status, 2);
  EXPECT_EQ(closed_pipe.err, "attnviz: standard output: can't be written: Broken pipe\n");
  const Descriptor full("/dev/full");
  const Outcome full_disk = run_program({"render", "-o", "-", "--format", "svg", "x"}, full.number);
  EXPECT_EQ(full_disk.status, 2);
  EXPECT_EQ(full_disk.err, "attnviz: standard output: can't be written: No space left on device\n");
}

TEST_F(CommandLine, WritesNothingIntoAFileThatTookAClosedStreamsPlace) {
  const Outcome outcome = run_program({"render", "--layer", "1", "-o", "a.svg", "x"}, -1);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err, "attnviz: standard output: can't be written: Bad file descriptor\n");
  EXPECT_TRUE(read_file("a.svg").ends_with("</svg>\n"));
}

TEST_F(CommandLine, OpensLibtorchOnlyToRunAModel) {
  const Descriptor out("out");
  const auto opened = [&](const std::vector<std::string>& arguments) {
    return run_program(arguments, out.number, "LD_DEBUG=files").err.find("libtorch") != std::string::npos;
  };
  EXPECT_FALSE(opened({"--version"}));
  EXPECT_FALSE(opened({"render", "--help"}));
  EXPECT_FALSE(opened({"tokens", "x"}));
  EXPECT_FALSE(opened({"models"}));
  EXPECT_FALSE(opened({"render", "--layer", "13", "x"}));
  EXPECT_TRUE(opened({"render", "--layer", "1", "x"}));
}

}  // namespace
}  // namespace attnviz
