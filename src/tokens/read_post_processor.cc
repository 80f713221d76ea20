#include <array>

#include "attnviz/error.h"
#include "tokens/read_components.h"

namespace attnviz::tokens {
namespace {

/// {"id": "[CLS]", "ids": [101], "tokens": ["[CLS]"]}
std::vector<SpecialToken> read_special_tokens(const json& object, const Component& processor) {
  const Component special(object, processor.name() + ": special token");
  const json& ids = special.list("ids");
  const json& contents = special.list("tokens");
  if (ids.size() != contents.size()) throw Error(special.name() + ": ids and tokens differ in number");
  std::vector<SpecialToken> tokens;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!contents[i].is_string()) throw special.wrong("tokens", "a list of strings");
    tokens.push_back({contents[i].get<std::string>(), special.number(ids[i], "ids")});
    if (tokens.back().content.size() > kLongestName) {
      throw special.wrong("tokens", "a list of strings of at most 256 bytes");
    }
  }
  return tokens;
}

TemplatePiece read_template_piece(const json& object, const Component& processor) {
  if (!object.is_object() || object.size() != 1) throw processor.wrong("template", "a list of pieces");
  const Component piece(object.begin().value(), processor.name() + ": piece");
  const std::string id = piece.text("id");
  if (object.begin().key() == "Sequence") {
    if (id != "A" && id != "B") throw Error(piece.name() + ": \"id\" is neither A nor B");
    return {id == "A" ? 0 : 1, {}, piece.number("type_id")};
  }
  if (object.begin().key() != "SpecialToken")
    throw Error(piece.name() + ": neither Sequence nor SpecialToken");
  const json& known = processor.value("special_tokens");
  if (!known.is_object() || !known.contains(id)) {
    throw Error(processor.name() + ": \"special_tokens\" lacks \"" + visible(id) + "\"");
  }
  return {std::nullopt, read_special_tokens(known[id], processor), piece.number("type_id")};
}

std::vector<TemplatePiece> read_template(const char* key, int sequences, const Component& processor) {
  // Known templates add up to some five. Each piece has its tokens for itself, be they named a thousand
  // times.
  constexpr std::size_t kMostAdded = 1000;
  std::vector<TemplatePiece> pieces;
  std::array<int, 2> uses = {0, 0};
  std::size_t added = 0;
  for (const json& object : processor.list(key)) {
    pieces.push_back(read_template_piece(object, processor));
    added += pieces.back().tokens.size();
    if (added > kMostAdded || pieces.size() > kMostAdded) {
      throw Error(processor.name() + ": \"" + key + "\" adds more than " + std::to_string(kMostAdded) +
                  " tokens");
    }
    const std::optional<int> sequence = pieces.back().sequence;
    if (!sequence) continue;
    if (*sequence >= sequences || ++uses[static_cast<std::size_t>(*sequence)] > 1) {
      throw Error(processor.name() + ": \"" + key + "\" uses a sequence " +
                  (*sequence >= sequences ? "that it does not have" : "twice, which is not supported"));
    }
  }
  return pieces;
}

/// ["[SEP]", 102]
SpecialToken read_pair(const char* key, const Component& processor) {
  const json& pair = processor.list(key);
  if (pair.size() != 2 || !pair[0].is_string()) throw processor.wrong(key, "a token and its id");
  return {pair[0].get<std::string>(), processor.number(pair[1], key)};
}

/// The template of one step; `trims` are those of the steps before it and its own.
PostProcessor read_step(const Component& processor, std::vector<bool> trims) {
  const std::string& type = processor.type();
  if (type == "ByteLevel" || type == "RobertaProcessing") {
    const bool added_prefix_space = processor.flag("add_prefix_space");
    if (processor.flag("trim_offsets")) trims.push_back(added_prefix_space);
  }
  PostProcessor result;
  if (type == "TemplateProcessing") {
    result.single = read_template("single", 1, processor);
    result.pair = read_template("pair", 2, processor);
  } else if (type == "BertProcessing") {
    result = bert_post_processor(read_pair("cls", processor), read_pair("sep", processor));
  } else if (type == "RobertaProcessing") {
    result = roberta_post_processor(read_pair("cls", processor), read_pair("sep", processor));
  } else if (type != "ByteLevel") {
    throw processor.unsupported("TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, Sequence");
  }
  result.trims = std::move(trims);
  return result;
}

}  // namespace

PostProcessor read_post_processor(const Component& processor) {
  if (processor.type() != "Sequence") return read_step(processor, {});
  PostProcessor result;
  const json& steps = processor.list("processors");
  processor.expect_few(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Component step(steps[i], processor.name() + ": step");
    if (step.type() != "ByteLevel" && i + 1 < steps.size()) {
      throw step.unsupported("any number of ByteLevel, then one other");
    }
    result = read_step(step, std::move(result.trims));
  }
  return result;
}

}  // namespace attnviz::tokens
