#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/shown_tokens.h"
#include "support/command_line.h"
#include "support/tokenizers.h"

namespace attnviz::test {
namespace {

using cli::Prepared;
using cli::ShownTokens;
using cli::TokenOptions;

/// The options that a command line gives.
TokenOptions options_of(const std::vector<std::string>& arguments) {
  TokenOptions options;
  cli::Flags flags({"test", "", {}});
  add_token_flags(flags, options);
  EXPECT_TRUE(flags.parse(arguments));
  return options;
}

Prepared prepared_with(const Tokenizer& tokenizer, const std::string& text,
                       const std::optional<std::string>& pair = std::nullopt) {
  Prepared prepared;
  prepared.sentence.text = text;
  prepared.sentence.pair = pair;
  prepared.encoding = tokenizer.encode(text, pair);
  prepared.labels = tokenizer.labels(prepared.encoding);
  return prepared;
}

Prepared gpt2_prepared(const std::string& text) { return prepared_with(Tokenizer(gpt2_demo()), text); }

Prepared bert_prepared(const std::string& text, const std::optional<std::string>& pair = std::nullopt) {
  return prepared_with(open(bert_tokenizer_json()), text, pair);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : "|") + part;
  return all;
}

std::string labels_of(const ShownTokens& shown) {
  std::vector<std::string> labels;
  for (const TokenLabel& label : shown.labels) labels.push_back(label.whole());
  return joined(labels);
}

/// Every token attends to all alike.
Attention even_attention(std::size_t tokens) {
  Attention attention;
  attention.layers = {1};
  attention.heads = {0, 1};
  attention.queries = attention.keys = tokens;
  attention.weights.assign(2 * tokens * tokens, 1 / static_cast<float>(tokens));
  attention.head_size = 1;
  attention.query = attention.key = std::vector<float>(2 * tokens, 1.0F);
  return attention;
}

struct ShownCase {
  std::vector<std::string> arguments;
  std::string labels, notes;
};

void expect_shown(const Prepared& prepared, const std::vector<ShownCase>& cases) {
  for (const ShownCase& c : cases) {
    SCOPED_TRACE(joined(c.arguments));
    const ShownTokens shown = shown_tokens(options_of(c.arguments), prepared.source_text());
    EXPECT_EQ(labels_of(shown), c.labels);
    EXPECT_EQ(joined(shown.notes), c.notes);
    EXPECT_EQ(shown.groups.size(), shown.labels.size());
    EXPECT_EQ(shown.altered, !c.notes.empty());
    const Attention attention = shown_attention(even_attention(prepared.encoding.size()), shown, shown);
    EXPECT_EQ(attention.keys, shown.groups.size());
    EXPECT_EQ(attention.query.empty(), shown.altered);
    const float sum = std::accumulate(attention.weights.begin(),
                                      attention.weights.begin() + static_cast<long>(attention.keys), 0.0F);
    EXPECT_EQ(sum < 0.999F, c.notes.find("less than 1") != std::string::npos) << sum;
  }
}

TEST(ShownTokens, AreAllTokensUnlessAFlagSaysOtherwise) {
  expect_shown(gpt2_prepared("to lend"), {{{}, "to|␣le|nd", ""}});
  expect_shown(bert_prepared("abb.", "c"), {{{}, "[CLS]|ab|##b|.|[SEP]|c|[SEP]", ""}});
}

TEST(ShownTokens, MergeSubWords) {
  const std::string merged = "sub-words merged: keys summed, queries averaged";
  expect_shown(gpt2_prepared("to lend it"), {{{"--words"}, "to|lend|it", merged}});
  expect_shown(bert_prepared("abb.", "c"), {{{"--words"}, "[CLS]|abb|.|[SEP]|c|[SEP]", merged}});
  expect_shown(bert_prepared("ab."), {{{"--words"}, "[CLS]|ab|.|[SEP]", ""}});
}

TEST(ShownTokens, HideSpecialTokensButNotAMaskedWord) {
  const std::string hidden = "special tokens hidden: rows may sum to less than 1";
  expect_shown(bert_prepared("ab", "c"),
               {{{"--hide-special"}, "ab|c", hidden},
                {{"--hide-special", "--renormalize"}, "ab|c", "special tokens hidden, rows renormalised"}});
  expect_shown(bert_prepared("ab [MASK] [SEP] q"), {{{"--hide-special"}, "ab|[MASK]|[UNK]", hidden}});
  expect_shown(gpt2_prepared("<|endoftext|>to it"), {{{"--hide-special"}, "to|␣it", hidden}});
  expect_shown(gpt2_prepared("to it"),
               {{{"--hide-special"}, "to|␣it", ""}, {{"--hide-special", "--renormalize"}, "to|␣it", ""}});
}

TEST(ShownTokens, AreCutAsPythonCutsLists) {
  const std::string less = ": rows may sum to less than 1";
  expect_shown(bert_prepared("a b c d"),
               {{{"--range", "1:3"}, "a|b", "tokens 1 to 2 of 6" + less},
                {{"--range", "4:"}, "d|[SEP]", "tokens 4 to 5 of 6" + less},
                {{"--range", ":1"}, "[CLS]", "token 0 of 6" + less},
                {{"--range", "-2:"}, "d|[SEP]", "tokens 4 to 5 of 6" + less},
                {{"--range=-6:-5"}, "[CLS]", "token 0 of 6" + less},
                {{"--range", "0:6"}, "[CLS]|a|b|c|d|[SEP]", ""},
                {{"--range", "1:-1", "--renormalize"}, "a|b|c|d", "tokens 1 to 4 of 6, rows renormalised"}});
}

TEST(ShownTokens, AreMergedThenHiddenThenCut) {
  expect_shown(
      bert_prepared("abb xx c"),
      {{{"--range", "1:", "--words", "--hide-special"},
        "xx|c",
        "sub-words merged: keys summed, queries averaged|special tokens hidden|words 1 to 2 of 3: rows "
        "may sum to less than 1"},
       {{"--range", "2:", "--words", "--hide-special", "--renormalize"},
        "c",
        "special tokens hidden|word 2 of 3, rows renormalised"}});
}

TEST(ShownTokens, AreRefusedWhenThereIsNothingToShowOrLeftOut) {
  const Prepared prepared = bert_prepared("a b c d");
  const std::string hint = "\n  hint: it counts what would be shown without it";
  struct Case {
    std::vector<std::string> arguments;
    std::string error;
  };
  for (const Case& c : std::vector<Case>{
           {{"--range", "3:3"}, "--range 3:3: empty, expected a range in 0 to 6"},
           {{"--range", "6:"}, "--range 6:: empty, expected a range in 0 to 6"},
           {{"--range", ":0"}, "--range :0: empty, expected a range in 0 to 6"},
           {{"--range", "-1:-3"}, "--range -1:-3: empty, expected a range in 0 to 6"},
           {{"--range", "0:7"}, "--range 0:7: beyond the tokens, expected a range in 0 to 6" + hint},
           {{"--range", "-7:"}, "--range -7:: beyond the tokens, expected a range in 0 to 6" + hint},
           {{"--range", "-2147483648:"},
            "--range -2147483648:: beyond the tokens, expected a range in 0 to 6" + hint},
           {{"--range", "0:5", "--words", "--hide-special"},
            "--range 0:5: beyond the words, expected a range in 0 to 4" + hint},
           {{"--range", "1"}, "--range 1: expected a range such as 3:9, 3: or :9"},
           {{"--range", ":"}, "--range :: expected a range such as 3:9, 3: or :9"},
           {{"--range", "1:2:3"}, "--range 1:2:3: expected a range such as 3:9, 3: or :9"},
           {{"--range", "a:b"}, "--range a:b: expected a range such as 3:9, 3: or :9"},
           {{"--range", "1: 2"}, "--range 1: 2: expected a range such as 3:9, 3: or :9"},
           {{"--range", "99999999999:"}, "--range 99999999999:: expected a range such as 3:9, 3: or :9"},
           {{"--range="}, "--range '': expected a range such as 3:9, 3: or :9"},
           {{"--renormalize"},
            "--renormalize: nothing is left out\n  hint: use it with --hide-special or --range"},
           {{"--renormalize", "--words"},
            "--renormalize: nothing is left out\n  hint: use it with --hide-special or --range"}}) {
    EXPECT_EQ(error_of([&] { (void)shown_tokens(options_of(c.arguments), prepared.source_text()); }),
              c.error);
  }
  EXPECT_EQ(error_of([] {
              (void)shown_tokens(options_of({"--hide-special"}),
                                 gpt2_prepared("<|endoftext|>").source_text());
            }),
            "--hide-special: nothing left to show, the text has special tokens only");
}

TEST_F(CommandLine, TokensSaysWhichOfThemMakeUpAWord) {
  const std::vector<std::string> arguments = {"tokens", "--model", "gpt2-demo", "--words", "to lend."};
  EXPECT_EQ(run(arguments).out,
            "Model         gpt2-demo\n"
            "Tokens        4\n"
            "Position ids  0 to 3\n"
            "Words         3\n\n"
            "word  position    id  type  offsets  token\n"
            "   0         0  1277     0      0:2  to\n"
            "   1         1   482     0      2:5  ␣le\n"
            "   1         2   266     0      5:7  nd\n"
            "   2         3    14     0      7:8  .\n");
  const auto object =
      nlohmann::json::parse(run({"tokens", "--json", "--model", "gpt2-demo", "--words", "to lend."}).out);
  EXPECT_EQ(object["words"], nlohmann::json::parse("[[0, 1], [1, 2], [3, 1]]"));
}

}  // namespace
}  // namespace attnviz::test
