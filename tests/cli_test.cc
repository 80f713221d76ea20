#include <algorithm>
#include <locale>
#include <nlohmann/json.hpp>

#include "attnviz/file.h"
#include "attnviz/text.h"
#include "support/command_line.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::CommandLine;
using test::kText;
using test::Outcome;
using test::run;

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
      {"render"},  {"grid"},    {"layers"},         {"compare"},         {"diff"},
      {"flow"},    {"rollout"}, {"summary"},        {"analyze"},         {"tokens"},
      {"extract"}, {"models"},  {"models", "info"}, {"models", "verify"}};
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

TEST_F(CommandLine, ExtractsNormsUnderTheirOwnName) {
  EXPECT_EQ(run({"extract", "--weights", "norm", "--layers", "2", kText}).out, "minilm-norm.safetensors\n");
  const Safetensors file("minilm-norm.safetensors");
  EXPECT_EQ(file.tensors().at("norm").shape, (std::vector<std::int64_t>{1, 12, 10, 10}));
  EXPECT_FALSE(file.tensors().contains("attention"));
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
  copy_gpt2("model");
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
      {"compare", "--layer", "1", "--layer", "2", "-o", "-", "--format", "svg", kText},
      {"diff", "--head", "1", "--head", "2", "-o", "-", "--format", "svg", kText},
      {"summary", "-o", "-", "--format", "svg", kText},
      {"summary", "--describe", "-o", "a.png", kText},
      {"analyze", kText},
      {"analyze", "--json", kText},
      {"analyze", "--csv", kText},
      {"models", "info", "minilm"}};
  std::vector<std::string> expected;
  for (const auto& command : commands) expected.push_back(run(command).out);
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new CommaPunctuation));
  for (std::size_t i = 0; i < commands.size(); ++i) EXPECT_EQ(run(commands[i]).out, expected[i]);
  std::locale::global(before);
}
}  // namespace
}  // namespace attnviz
