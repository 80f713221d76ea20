#include "model/torch/request.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>

#include "attnviz/error.h"

namespace attnviz {
namespace {

std::vector<int> in_range(const std::vector<int>& asked, const std::string& noun, int first, int count,
                          const ModelCard& card) {
  if (asked.empty()) {
    std::vector<int> all(static_cast<std::size_t>(count));
    std::iota(all.begin(), all.end(), first);
    return all;
  }
  const int last = first + count - 1;
  for (const int number : asked) {
    if (number >= first && number <= last) continue;
    throw Error(noun + " " + std::to_string(number) + ": " + card.name + " has " + noun + "s " +
                std::to_string(first) + " to " + std::to_string(last));
  }
  return asked;
}

void check_ids(const std::vector<std::int64_t>& ids, std::int64_t count, const std::string& noun,
               const ModelCard& card) {
  if (count == 0) return;
  for (const std::int64_t id : ids) {
    if (id >= 0 && id < count) continue;
    throw Error(noun + " " + std::to_string(id) + ": " + card.name + " has " + noun + "s 0 to " +
                    std::to_string(count - 1),
                "the tokenizer's files and the weights do not belong together");
  }
}

}  // namespace

Request checked(const Selection& selection, const ModelCard& card) {
  if (selection.part != AttentionPart::encoder) {
    const bool cross = selection.part == AttentionPart::cross;
    throw Error(
        std::string("--attention ") + (cross ? "cross" : "decoder") + ": " + card.name +
            (card.is_encoder_decoder() ? ": not yet implemented" : " has no decoder behind an encoder"),
        "leave it out");
  }
  Request request;
  request.layers = in_range(selection.layers, "layer", 1, card.layers, card);
  request.heads = in_range(selection.heads, "head", 0, card.heads, card);
  request.deepest = *std::max_element(request.layers.begin(), request.layers.end());
  request.with_query_key = selection.with_query_key;
  request.kind = selection.kind;
  check(selection.ablated, card);
  request.ablated = selection.ablated;
  return request;
}

void check(std::span<const HeadPlace> ablated, const ModelCard& card) {
  for (const HeadPlace& place : ablated) {
    std::ignore = in_range({place.layer}, "layer", 1, card.layers, card);
    std::ignore = in_range({place.head}, "head", 0, card.heads, card);
  }
}

void check(std::span<const Encoding> encodings, const ModelCard& card, const Vocabulary& vocabulary) {
  for (const Encoding& encoding : encodings) {
    if (encoding.size() == 0) throw Error("text: no tokens, expected at least 1");
    if (card.max_tokens != 0 && encoding.size() > card.max_tokens) {
      throw Error("text: " + std::to_string(encoding.size()) + " tokens, " + card.name + " takes at most " +
                      std::to_string(card.max_tokens),
                  "--truncate cuts it");
    }
    check_ids(encoding.ids, vocabulary.ids, "token id", card);
    check_ids(encoding.types, vocabulary.types, "token type", card);
  }
}

std::vector<Attention> make_results(std::span<const Encoding> encodings, const Request& request,
                                    const ModelCard& card) {
  std::vector<Attention> results(encodings.size());
  for (std::size_t i = 0; i < encodings.size(); ++i) {
    const std::size_t tokens = encodings[i].size();
    const std::size_t maps = request.layers.size() * request.heads.size();
    Attention& result = results[i];
    result.layers = request.layers;
    result.heads = request.heads;
    result.queries = result.keys = tokens;
    result.causal = card.causal;
    result.kind = request.kind;
    result.weights.resize(maps * tokens * tokens);
    if (!request.with_query_key) continue;
    result.head_size = request.head_size;
    result.query.resize(maps * tokens * result.head_size);
    result.key.resize(maps * tokens * result.head_size);
  }
  return results;
}

}  // namespace attnviz
