#include "model/torch/request.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>

#include "attnviz/error.h"

namespace attnviz {
namespace {

std::vector<int> in_range(const std::vector<int>& asked, const std::string& noun, int first, int count,
                          const std::string& owner) {
  if (asked.empty()) {
    std::vector<int> all(static_cast<std::size_t>(count));
    std::iota(all.begin(), all.end(), first);
    return all;
  }
  const int last = first + count - 1;
  for (const int number : asked) {
    if (number >= first && number <= last) continue;
    throw Error(noun + " " + std::to_string(number) + ": " + owner + " has " + noun + "s " +
                std::to_string(first) + " to " + std::to_string(last));
  }
  return asked;
}

/// What has the layers and heads, as errors name it.
std::string owner_of(const ModelCard& card, AttentionPart part) {
  if (!card.is_encoder_decoder()) return card.name;
  return card.name + (part == AttentionPart::encoder ? "'s encoder" : "'s decoder");
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
  const AttentionPart part = selection.part;
  if (part != AttentionPart::encoder && !card.is_encoder_decoder()) {
    throw Error(std::string("--attention ") + (part == AttentionPart::cross ? "cross" : "decoder") + ": " +
                    card.name + " has no decoder behind an encoder",
                "leave it out");
  }
  const std::string owner = owner_of(card, part);
  Request request;
  request.part = part;
  request.layers = in_range(selection.layers, "layer", 1, layers_of(card, part), owner);
  request.heads = in_range(selection.heads, "head", 0, heads_of(card, part), owner);
  request.deepest = *std::max_element(request.layers.begin(), request.layers.end());
  request.with_query_key = selection.with_query_key;
  request.kind = selection.kind;
  check(selection.ablated, card, part);
  request.ablated = selection.ablated;
  return request;
}

void check(std::span<const HeadPlace> ablated, const ModelCard& card, AttentionPart part) {
  const std::string owner = owner_of(card, part);
  for (const HeadPlace& place : ablated) {
    std::ignore = in_range({place.layer}, "layer", 1, layers_of(card, part), owner);
    std::ignore = in_range({place.head}, "head", 0, heads_of(card, part), owner);
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

std::vector<Attention> make_results(const Texts& texts, const Request& request, const ModelCard& card) {
  std::vector<Attention> results(texts.queries.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::size_t maps = request.layers.size() * request.heads.size();
    Attention& result = results[i];
    result.layers = request.layers;
    result.heads = request.heads;
    result.queries = texts.queries[i].size();
    result.keys = texts.keys[i].size();
    result.causal = is_causal(card, request.part);
    result.kind = request.kind;
    result.weights.resize(maps * result.queries * result.keys);
    if (!request.with_query_key) continue;
    result.head_size = request.head_size;
    result.dot_scales = request.dot_scales;
    for (const std::size_t window : request.windows)
      result.windows.push_back(window < result.keys ? window : 0);
    result.query.resize(maps * result.queries * result.head_size);
    result.key.resize(maps * result.keys * result.head_size);
  }
  return results;
}

}  // namespace attnviz
