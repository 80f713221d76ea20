// Asked by words_parity.py: how texts fall into words.
//
// usage: words_dump DIRECTORY [OTHER_DIRECTORY]
//
// Each line of stdin is a JSON list of a text, or of a text and its pair. The answer is an object a line:
// "words" [first, count] of each, their "labels", and the tokens' "special" and "typed". With another
// tokenizer: "first" and "second", the aligned groups of both, and "other", the words of the second.
#include <iostream>
#include <nlohmann/json.hpp>

#include "attnviz/error.h"
#include "attnviz/tokens.h"

namespace attnviz {
namespace {

using nlohmann::json;

json as_json(const std::vector<TokenGroup>& groups) {
  json list = json::array();
  for (const TokenGroup& group : groups) list.push_back({group.first, group.count});
  return list;
}

json answer(const json& texts, const Tokenizer& tokenizer, const Tokenizer* other) {
  const auto text = texts[0].get<std::string>();
  const auto pair = texts.size() > 1 ? std::optional(texts[1].get<std::string>()) : std::nullopt;
  const Encoding encoding = tokenizer.encode(text, pair);
  const std::vector<TokenGroup> groups = words(encoding, text, pair);
  json labels = json::array();
  for (const TokenLabel& label : group_labels(encoding, tokenizer.labels(encoding), groups, text, pair)) {
    labels.push_back(label.text);
  }
  json result = {{"words", as_json(groups)},
                 {"labels", labels},
                 {"special", encoding.special},
                 {"typed", encoding.typed}};
  if (other) {
    const Encoding theirs = other->encode(text, pair);
    const Alignment alignment = align(encoding, theirs, text, pair);
    result["first"] = as_json(alignment.first);
    result["second"] = as_json(alignment.second);
    result["other"] = as_json(words(theirs, text, pair));
  }
  return result;
}

}  // namespace
}  // namespace attnviz

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::cerr << "usage: words_dump DIRECTORY [OTHER_DIRECTORY]\n";
    return 2;
  }
  try {
    const attnviz::Tokenizer tokenizer(argv[1]);
    const auto other = argc == 3 ? std::optional<attnviz::Tokenizer>(argv[2]) : std::nullopt;
    for (std::string line; std::getline(std::cin, line);) {
      std::cout << attnviz::answer(nlohmann::json::parse(line), tokenizer, other ? &*other : nullptr) << '\n';
    }
  } catch (const attnviz::Error& error) {
    std::cerr << "words_dump: " << error.what() << '\n';
    return 2;
  }
}
