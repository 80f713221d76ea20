#include "cli/target.h"

#include <optional>

namespace attnviz::cli {
namespace {

using AnyPart = std::optional<AttentionPart>;

const Choices<AnyPart> kParts = {{"encoder", AttentionPart::encoder},
                                 {"decoder", AttentionPart::decoder},
                                 {"cross", AttentionPart::cross},
                                 {"all", std::nullopt}};

/// What made the part other than the encoder.
std::string asked_for(const ModelChoice& choice, const TargetWish& target) {
  if (choice.all_parts && !target.given) return "--attention all";
  return choice.part && *choice.part != AttentionPart::encoder ? "--attention " + name_of(*choice.part)
                                                               : target.flag;
}

/// Flags that are of one text.
void check_decoder_flags(const ModelChoice& choice, const std::string& asked) {
  const std::string flag = choice.window             ? "--window"
                           : choice.predict          ? "--predict"
                           : !choice.ablated.empty() ? "--ablate"
                                                     : "";
  if (flag.empty()) return;
  throw Error(flag + ": a model of one text takes it, " + asked + " looks at a decoder, which reads two",
              "leave it out, or look at the encoder with --attention encoder");
}

}  // namespace

void add_attention_flag(Flags& flags, ModelChoice& choice) {
  flags.value(
      "--attention", "encoder|decoder|cross|all",
      "of a model with a decoder behind its encoder (T5, BART, Marian), whose attention: the source's to "
      "itself, the target's to itself, the target's to the source, or in a page of view head or view model "
      "all of these (default: cross where there is a --target, all in such a page without --with-qk, else "
      "encoder)",
      [&](const Given& given) {
        choice.part = read_choice(given, kParts);
        choice.all_parts = !choice.part;
      });
}

AttentionPart part_of(const ModelChoice& choice, const ModelCard& card, const TargetWish& target) {
  const bool crosses = target.given || choice.all_parts;
  const AttentionPart part = choice.part.value_or(crosses ? AttentionPart::cross : AttentionPart::encoder);
  const std::string asked = asked_for(choice, target);
  if (!card.is_encoder_decoder() && (target.given || part != AttentionPart::encoder)) {
    throw Error(asked + ": " + visible(card.name) + " has no decoder behind an encoder",
                "leave it out, or choose a model such as T5, BART or Marian");
  }
  if (part == AttentionPart::encoder) return part;
  if (!target.given) {
    throw Error(asked + ": there is no target, whose tokens attend",
                "give the text that the decoder reads with " + target.flag);
  }
  if (!target.taken) {
    throw Error(asked + ": only render, grid, layers, compare, diff, view and extract look at a decoder",
                "--attention encoder, without a target, looks at the encoder");
  }
  check_decoder_flags(choice, asked);
  return part;
}

void look_at(Reader& reader, AttentionPart part) {
  reader.part = part;
  if (part == AttentionPart::encoder) return;
  reader.whole = reader.card;
  reader.card.layers = layers_of(*reader.whole, part);
  reader.card.heads = heads_of(*reader.whole, part);
  reader.card.causal = is_causal(*reader.whole, part);
}

std::string title_of(AttentionPart part) {
  if (part == AttentionPart::encoder) return "Encoder";
  return part == AttentionPart::decoder ? "Decoder" : "Cross attention";
}

std::string name_of(AttentionPart part) { return word_of<AnyPart>(part, kParts); }

Encoding decoder_input(const Tokenizer& tokenizer, const std::string& target, std::int64_t start_id,
                       const EncodeOptions& options) {
  if (start_id < 0) {
    throw Error("decoder_start_token_id: missing, and this kind of model has no usual one",
                "say in the model's config.json which token a decoder's input begins with");
  }
  const std::optional<TokenLabel> start = tokenizer.label(start_id);
  if (!start) {
    throw Error("decoder_start_token_id " + std::to_string(start_id) + ": not in the vocabulary",
                "mend the model's config.json");
  }
  Encoding input = tokenizer.encode_target(target, options);
  const auto shift = [](auto& values, auto first) {
    values.insert(values.begin(), first);
    values.pop_back();
  };
  shift(input.tokens, start->whole());
  shift(input.ids, start_id);
  shift(input.offsets, std::array<std::uint32_t, 2>{});
  shift(input.types, std::int64_t{0});
  shift(input.special, std::uint8_t{1});
  shift(input.typed, std::uint8_t{0});
  shift(input.sequence, std::int8_t{-1});
  return input;
}

}  // namespace attnviz::cli
