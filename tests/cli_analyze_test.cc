#include <algorithm>
#include <nlohmann/json.hpp>

#include "attnviz/file.h"
#include "attnviz/text.h"
#include "support/command_line.h"

namespace attnviz {
namespace {

using nlohmann::json;
using test::CommandLine;
using test::kText;
using test::Outcome;
using test::run;

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

json analyzed(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"analyze", "--json"});
  const Outcome outcome = run(arguments);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(lines_of(outcome.out).size(), 1U);
  return json::parse(outcome.out);
}

std::vector<std::string> members_of(const std::string& text) {
  std::vector<std::string> names;
  const nlohmann::ordered_json object = nlohmann::ordered_json::parse(text);
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

TEST_F(CommandLine, AnalyzesAsJsonInAStableOrder) {
  const Outcome outcome = run({"analyze", "--json", kText});
  EXPECT_EQ(members_of(outcome.out),
            (std::vector<std::string>{"index", "text", "model", "causal", "tokens", "uniform_entropy",
                                      "thresholds", "heads", "layers", "received", "connections"}));
  const json object = json::parse(outcome.out);
  EXPECT_EQ(object["model"], "minilm");
  EXPECT_EQ(object["causal"], false);
  EXPECT_EQ(object["tokens"],
            json({"[CLS]", "the", "bank", "can", "refuse", "to", "lend", "money", ".", "[SEP]"}));
  EXPECT_EQ(object["thresholds"], json::parse(R"({
    "global": 2.0, "local": 0.7, "special_token": 0.3, "positional": 0.15, "delimiter": 0.2,
    "explorer_local": 0.5, "explorer_global": 2.0, "connection": 0.1})"));
  ASSERT_EQ(object["heads"].size(), 72U);
  EXPECT_EQ(
      members_of(nlohmann::ordered_json::parse(outcome.out)["heads"][0].dump()),
      (std::vector<std::string>{"layer", "head", "depth", "entropy", "locality", "first_token", "diagonal",
                                "last_row_entropy", "distance_score", "punctuation", "distance_score_per_row",
                                "previous", "next", "special", "mean_distance", "labels"}));
  // minilm's previous-token head.
  const json& head = object["heads"][2];
  EXPECT_EQ(head["layer"], 1);
  EXPECT_EQ(head["head"], 2);
  EXPECT_GT(head["previous"], 0.99);
  EXPECT_EQ(head["labels"], json({"local"}));
  double received = 0;
  for (const json& weight : object["received"]) received += weight.get<double>();
  EXPECT_NEAR(received, 10, 1e-4);
  ASSERT_EQ(object["layers"].size(), 6U);
  EXPECT_NEAR(object["layers"][5]["mean_weight"].get<double>(), 0.1, 1e-6);
  const json& strongest = object["connections"][0];
  EXPECT_EQ(strongest["layer"], 6);
  EXPECT_EQ(strongest["head"], "mean");
  EXPECT_EQ(strongest["to"], 0);
  EXPECT_EQ(strongest["kind"], "special");
}

TEST_F(CommandLine, ListsEarlyAndLateHeadsByDepth) {
  for (const json& head : analyzed({"--heads", "0", "--model", "gpt2-demo", kText})["heads"]) {
    const int layer = head["layer"];
    EXPECT_EQ(head["depth"], layer <= 2 ? "early" : layer == 6 ? "late" : "middle");
  }
}

TEST_F(CommandLine, AnalyzesOnlyWhatIsListed) {
  const json all = analyzed({kText});
  const json some = analyzed({"--layers", "5,2", "--heads", "7,0", "--layer", "3", "--head", "4", kText});
  ASSERT_EQ(some["heads"].size(), 4U);
  for (const auto& [index, layer, head] :
       std::vector<std::tuple<std::size_t, int, int>>{{0, 5, 7}, {1, 5, 0}, {2, 2, 7}, {3, 2, 0}}) {
    EXPECT_EQ(some["heads"][index]["layer"], layer);
    EXPECT_EQ(some["heads"][index]["head"], head);
    EXPECT_NEAR(some["heads"][index]["entropy"].get<double>(),
                all["heads"][static_cast<std::size_t>((layer - 1) * 12 + head)]["entropy"].get<double>(),
                1e-4);
  }
  EXPECT_EQ(some["layers"].size(), 2U);
  ASSERT_FALSE(some["connections"].empty());
  for (const json& connection : some["connections"]) {
    EXPECT_EQ(connection["layer"], 3);
    EXPECT_EQ(connection["head"], 4);
  }
  // The mean is over all heads, whichever are listed; the layer is the last listed.
  const json mean = analyzed({"--layers", "1-2", "--heads", "0", kText});
  EXPECT_EQ(mean["connections"].size(), analyzed({"--layer", "2", kText})["connections"].size());
  EXPECT_EQ(mean["connections"][0]["layer"], 2);
}

TEST_F(CommandLine, AnalyzesAPair) {
  const json object = analyzed({"--pair", "It purred.", "--layers", "1", "The cat sat."});
  EXPECT_EQ(object["pair"], "It purred.");
  EXPECT_EQ(object["tokens"].size(), object["received"].size());
  EXPECT_EQ(std::count(object["tokens"].begin(), object["tokens"].end(), "[SEP]"), 2);
}

TEST_F(CommandLine, LabelsByTheThresholdsItIsGiven) {
  const json object =
      analyzed({"--global", "-1", "--local", "9", "--special-token", "-1", "--positional", "-1",
                "--delimiter", "9", "--connection", "0.5", "--layers", "1", "--heads", "0-2", kText});
  for (const json& head : object["heads"]) {
    EXPECT_EQ(head["labels"], json({"global", "special_token", "positional"}));
  }
  for (const json& connection : object["connections"]) EXPECT_GT(connection["weight"], 0.5);
  EXPECT_EQ(object["thresholds"]["local"], 9.0);
}

TEST_F(CommandLine, WritesTablesAsCommaSeparatedValues) {
  const std::vector<std::string> heads = lines_of(run({"analyze", "--csv", kText}).out);
  ASSERT_EQ(heads.size(), 73U);
  EXPECT_EQ(heads[0],
            "layer,head,depth,entropy,locality,first_token,diagonal,last_row_entropy,distance_score,"
            "punctuation,distance_score_per_row,previous,next,special,mean_distance,labels");
  EXPECT_TRUE(heads[3].starts_with("1,2,early,")) << heads[3];
  EXPECT_TRUE(heads[3].ends_with(",local")) << heads[3];
  EXPECT_EQ(lines_of(run({"analyze", "--csv", "--table", "layers", kText}).out)[0],
            "layer,mean_weight,entropy");
  const std::vector<std::string> received =
      lines_of(run({"analyze", "--csv", "--table", "received", "say \"hi\", please"}).out);
  EXPECT_EQ(received[0], "position,token,received");
  EXPECT_TRUE(received[3].starts_with("2,\"\"\"\",")) << received[3];
  EXPECT_TRUE(received[6].starts_with("5,\",\",")) << received[6];
  const std::vector<std::string> found =
      lines_of(run({"analyze", "--csv", "--table", "connections", "--layer", "2", kText}).out);
  EXPECT_EQ(found[0], "layer,head,from,to,from_token,to_token,weight,kind");
  EXPECT_TRUE(found[1].starts_with("2,mean,")) << found[1];
}

TEST_F(CommandLine, ShowsTablesForPeopleInAHundredColumns) {
  for (const std::string text : {"Hi.", kText, "The cat and the dog are friends, but the bird is scared."}) {
    for (const std::string model : {"minilm", "gpt2-demo"}) {
      const Outcome outcome = run({"analyze", "--model", model, text});
      EXPECT_EQ(outcome.err, "");
      for (const std::string& line : lines_of(outcome.out)) EXPECT_LE(count_code_points(line), 100U) << line;
      EXPECT_EQ(outcome.out.find("-0.00"), std::string::npos);
    }
  }
  const std::string out = run({"analyze", kText}).out;
  for (const std::string part :
       {"Model     minilm, 6 layers × 12 heads\n", "\nTokens    10\n",
        "\nBaseline  attention spread evenly has an entropy of 2.303 nats (log 10)\n",
        "\nprevious             -      -  1.00  layer 1 head 2\n",
        "\n    1     2     0.00   1.00  0.20  1.00  0.00  0.06  0.10  local\n",
        "\n    1     2      1.00  0.00     0.20      0.90          0.55\n",
        "\nBy depth, course material calls layers 1 and 2 early, and layer 6 late.\n",
        "\n  and 22 more (--top lists them)\n", "\n  0.56  special  “refuse” (4) → “[CLS]” (0)\n"}) {
    EXPECT_NE(out.find(part), std::string::npos) << part;
  }
}

TEST_F(CommandLine, ShowsOneTableAlone) {
  const std::string out = run({"analyze", "--table", "connections", "--top", "2", kText}).out;
  EXPECT_TRUE(out.starts_with("Model     minilm")) << out;
  EXPECT_NE(out.find("Connections of layer 6, mean of 12 heads"), std::string::npos);
  EXPECT_NE(out.find("\n  and 25 more"), std::string::npos) << out;
  for (const std::string absent : {"Heads, by", "Layers:", "receives"}) {
    EXPECT_EQ(out.find(absent), std::string::npos) << absent;
  }
  const std::string none =
      run({"analyze", "--table", "connections", "--connection", "1", "--model", "gpt2-demo", "cat"}).out;
  EXPECT_TRUE(none.ends_with("\n\n  none\n")) << none;
}

TEST_F(CommandLine, ExploresAndDrawsTheMostTellingHead) {
  const Outcome outcome = run({"analyze", "--explore", kText});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
  const std::vector<std::string> lines = lines_of(outcome.out);
  EXPECT_EQ(lines[0], "minilm: 12 of the 12 heads looked at are LOCAL or GLOBAL, as course material has it");
  // The greatest of the column "telling" is what is drawn.
  std::string most, name;
  for (const std::string& line : lines) {
    std::istringstream words(line);
    std::string layer, head, diagonal, last, telling;
    words >> layer >> head >> diagonal >> last >> telling;
    if (layer.size() != 1 || telling <= most) continue;
    most = telling;
    name = "minilm-layer" + layer + "-head" + head + ".png";
  }
  EXPECT_EQ(lines.back(), name);
  EXPECT_EQ(files(), std::set<std::string>{name});

  const Outcome one =
      run({"analyze", "--explore", "--layers", "6", "--heads", "11", "-o", "head.svg", kText});
  EXPECT_TRUE(one.out.ends_with("\nhead.svg\n")) << one.out;
  EXPECT_NE(read_file("head.svg").find("minilm · Layer 6 · Head 11"), std::string::npos);
  const Outcome streamed =
      run({"analyze", "--explore", "--layers", "6", "-o", "-", "--format", "pdf", kText});
  EXPECT_TRUE(streamed.out.starts_with("%PDF-"));
  EXPECT_TRUE(streamed.err.starts_with("minilm: ")) << streamed.err;
}

TEST_F(CommandLine, ChecksWhatItExploredAsItWasRun) {
  std::string text = kText;
  for (int i = 0; i < 80; ++i) text += std::string(" ") + kText;
  ASSERT_EQ(run({"analyze", "--explore", "--truncate", "--precision", "bf16", "-o", "a.svg", text}).status,
            0);
  const Outcome checked = run({"check", "a.svg"});
  EXPECT_EQ(checked.out, "check: 1 figure: 1 same\n") << checked.err;
}

TEST_F(CommandLine, ChecksWhatItExploredWithTheModelThatWasNamed) {
  copy_gpt2("own");
  test::write("own/attnviz.json", R"({"format": 1, "name": "minilm"})");
  ASSERT_EQ(run({"analyze", "--explore", "--model", "./own", "-o", "a.svg", kText}).status, 0);
  EXPECT_EQ(run({"check", "a.svg"}).out, "check: 1 figure: 1 same\n");
  ASSERT_EQ(run({"redraw", "a.svg", "-o", "b.png"}).status, 0);
  EXPECT_EQ(run({"check", "b.png"}).out, "check: 1 figure: 1 same\n");
}

TEST_F(CommandLine, ExploresWhereNothingIsWorthALook) {
  const Outcome outcome =
      run({"analyze", "--explore", "--explorer-local", "99", "--explorer-global", "99", kText});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out,
            "minilm: 0 of the 12 heads looked at are LOCAL or GLOBAL, as course material has it\n\n"
            "--explorer-local and --explorer-global set the thresholds.\n");
  EXPECT_EQ(files().size(), 0U);
}

TEST_F(CommandLine, RefusesWhatAnalyzeCannotDo) {
  struct Refusal {
    std::vector<std::string> arguments;
    std::string message;
  };
  for (const Refusal& c : std::vector<Refusal>{
           {{"--json", "--csv"}, "--csv: contradicts --json\n  hint: leave one out"},
           {{"--json", "--table", "heads"},
            "--table: --json always holds all parts\n  hint: leave --table out, or use --csv"},
           {{"--table", "head"},
            "--table head: expected heads, layers, received or connections\n  hint: did you mean heads?"},
           {{"--explore", "--json"},
            "--explore: lists heads and draws one, and takes no --json, --csv or --table\n  hint: leave "
            "--explore out"},
           {{"--explore", "--layer", "2"},
            "--explore: lists no connections, and takes no --layer or --head\n  hint: --layers and --heads "
            "say where it looks"},
           {{"--explore", "-o", "a.bmp"},
            "-o a.bmp: unknown extension, expected .png, .svg or .pdf\n  hint: --format says it whatever the "
            "name is"},
           {{"-o", "a.json"},
            "--output: only --explore draws a figure\n  hint: redirect standard output: attnviz analyze … > "
            "FILE"},
           {{"--format", "svg"},
            "--format: only --explore draws a figure\n  hint: redirect standard output: attnviz analyze … > "
            "FILE"},
           {{"--layers", "8"}, "--layers 8: minilm has layers 1 to 6"},
           {{"--layer", "7"},
            "--layer 7: minilm has layers 1 to 6\n  hint: layers count from 1, heads from 0"},
           {{"--head", "12"},
            "--head 12: minilm has heads 0 to 11\n  hint: layers count from 1, heads from 0"},
           {{"--head", "min"}, "--head min: expected a whole number, or mean"},
           {{"--top", "0"}, "--top 0: expected a whole number from 1 to 1000000"},
           {{"--global", "high"}, "--global high: expected a number such as 0.25"},
           {{"--connection", "0,1"}, "--connection 0,1: expected a number such as 0.25"},
       }) {
    std::vector<std::string> arguments = {"analyze"};
    arguments.insert(arguments.end(), c.arguments.begin(), c.arguments.end());
    arguments.emplace_back("x");
    expect_refused(arguments, c.message);
  }
}

}  // namespace
}  // namespace attnviz
