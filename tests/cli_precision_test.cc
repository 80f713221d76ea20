#include "attnviz/file.h"
#include "support/command_line.h"

namespace attnviz::test {
namespace {

TEST_F(CommandLine, SaysThePrecisionOnTheFigureAndChecksInTheSame) {
  for (const std::string precision : {"fp32", "bf16", "fp16"}) {
    const std::string file = precision + ".svg";
    const std::vector<std::string> render = {"render",      "--layer", "6",   "--head", "0",
                                             "--precision", precision, kText, "-o",     file};
    ASSERT_EQ(run(render).status, 0);
    const bool said = read_file(file).find("computed in " + precision) != std::string::npos;
    EXPECT_EQ(said, precision != "fp32");
    EXPECT_EQ(run({"check", file}).out, "check: 1 figure: 1 same\n");
  }
}

TEST_F(CommandLine, VerifiesHowFarHalfPrecisionIsFromSingle) {
  const Outcome outcome = run({"models", "verify", "minilm"});
  for (const char* const line : {"\nbf16          weights differ from fp32's by at most 0.0",
                                 "\nfp16          weights differ from fp32's by at most 0.00"}) {
    EXPECT_NE(outcome.out.find(line), std::string::npos) << outcome.out;
  }
}

TEST_F(CommandLine, RefusesAPrecisionOrDeviceThatIsNotThere) {
  for (const Refusal& c : {
           Refusal{
               {"--precision", "bf16", "--backend", "torchscript"},
               "minilm: a TorchScript model runs in the precision that it was exported in\n  hint: --backend "
               "checkpoint runs in others, where there is a checkpoint"},
           Refusal{{"--precision", "half"}, "--precision half: expected fp32, bf16 or fp16"},
           Refusal{{"--device", "cuda:97"}, "device cuda:97: "},
       }) {
    std::vector<std::string> arguments = {"render", kText};
    arguments.insert(arguments.end(), c.arguments.begin(), c.arguments.end());
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_NE(outcome.err.find(c.message), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace attnviz::test
