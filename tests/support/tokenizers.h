/// Small tokenizers that the tests of the tokens room write themselves.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attnviz/tokens.h"
#include "support/support.h"

namespace attnviz::test {

/// A tokenizer.json as bert-base-uncased has it, with a vocabulary that shows what normalization does.
nlohmann::json bert_tokenizer_json();

/// A byte-level tokenizer.json without post-processor.
nlohmann::json byte_level_tokenizer_json(const std::vector<std::string>& vocabulary,
                                         const nlohmann::json& merges);

/// models/gpt2-demo's tokenizer.json.
nlohmann::json gpt2_demo_json();

nlohmann::json added_token(const std::string& content,
                           const nlohmann::json& options = nlohmann::json::object());

Tokenizer open(const nlohmann::json& tokenizer_json);

/// One word a token: "ab[0,2]", offsets of the second text as "ab[0,2)", added tokens as "*[CLS]".
std::string described(const Encoding& encoding);

/// Of `text` alone, without special tokens.
std::string encoded(const Tokenizer& tokenizer, std::string_view text);

/// A text, and what described() says of its tokens.
struct EncodeCase {
  std::string text, expected;
};
void expect_encodes(const Tokenizer& tokenizer, const std::vector<EncodeCase>& cases);

}  // namespace attnviz::test
