#include <algorithm>
#include <array>

#include "attnviz/error.h"
#include "tokens/bert_normalizer.h"
#include "tokens/character_map.h"
#include "tokens/normal_forms.h"
#include "tokens/read_components.h"
#include "tokens/replace.h"

namespace attnviz::tokens {
namespace {

BertNormalizer read_bert_normalizer(const Component& normalizer) {
  const bool lowercase = normalizer.flag("lowercase");
  return {normalizer.flag("clean_text"), normalizer.flag("handle_chinese_chars"),
          normalizer.flag("strip_accents", lowercase), lowercase};
}

CharacterMap read_character_map(const Component& normalizer) {
  const std::optional<std::string> bytes = decode_base64(normalizer.text("precompiled_charsmap"));
  if (!bytes) throw normalizer.wrong("precompiled_charsmap", "base64");
  return CharacterMap(*bytes);
}

AlignedText strip_spaces(AlignedView text) {
  const std::size_t begin = std::min(text.text.find_first_not_of(' '), text.text.size());
  const std::size_t end = std::max(text.text.find_last_not_of(' ') + 1, begin);
  return AlignedText::copy(text.slice(begin, end));
}

/// transformers writes this one for models of sentencepiece. A search would go through each run of spaces
/// once for every space in it.
bool strips_spaces(const Component& step) {
  const json& pattern = step.value("pattern");
  return pattern == json({{"Regex", R"(\A +| +\z)"}}) && step.text("content").empty();
}

struct Known {
  std::string_view type;
  NormalizerStep (*read)(const Component&);
};

const std::array kKnown = {
    Known{"BertNormalizer",
          [](const Component& step) -> NormalizerStep { return read_bert_normalizer(step); }},
    Known{"NFD",
          [](const Component&) -> NormalizerStep {
            return NormalForm{false, false};
          }},
    Known{"NFC",
          [](const Component&) -> NormalizerStep {
            return NormalForm{false, true};
          }},
    Known{"NFKD",
          [](const Component&) -> NormalizerStep {
            return NormalForm{true, false};
          }},
    Known{"NFKC",
          [](const Component&) -> NormalizerStep {
            return NormalForm{true, true};
          }},
    Known{"Precompiled", [](const Component& step) -> NormalizerStep { return read_character_map(step); }},
    Known{"Nmt", [](const Component&) -> NormalizerStep { return nmt; }},
    Known{"Lowercase", [](const Component&) -> NormalizerStep { return lowercase; }},
    Known{"StripAccents", [](const Component&) -> NormalizerStep { return strip_accents; }},
    Known{"ByteLevel", [](const Component&) -> NormalizerStep { return spell_bytes; }},
    Known{"Strip",
          [](const Component& step) -> NormalizerStep {
            return Strip{step.flag("strip_left"), step.flag("strip_right")};
          }},
    Known{"Prepend", [](const Component& step) -> NormalizerStep { return Prepend{step.text("prepend")}; }},
    Known{"Replace",
          [](const Component& step) -> NormalizerStep {
            if (strips_spaces(step)) return strip_spaces;
            return Replace{read_pattern(step), step.text("content")};
          }},
};

void read_steps(const Component& component, Normalizer& normalizer) {
  if (component.type() == "Sequence") {
    for (const json& object : component.list("normalizers")) {
      read_steps({object, component.name() + ": step"}, normalizer);
    }
    return;
  }
  std::string supported;
  for (const Known& known : kKnown) {
    if (component.type() == known.type) {
      normalizer.steps.push_back(known.read(component));
      component.expect_few(normalizer.steps.size());
      return;
    }
    supported.append(known.type).append(", ");
  }
  throw component.unsupported((supported + "Sequence").c_str());
}

}  // namespace

Regex read_pattern(const Component& component) {
  const Component pattern(component.value("pattern"), component.name() + ": pattern");
  try {
    if (pattern.has("String")) return Regex::literal(pattern.text("String"));
    if (pattern.has("Regex")) return Regex(pattern.text("Regex"));
  } catch (const Error& error) {
    throw Error(component.name() + ": " + error.what(), error.hint());
  }
  throw component.wrong("pattern", "a String or a Regex");
}

Normalizer read_normalizer(const Component& normalizer) {
  Normalizer result;
  read_steps(normalizer, result);
  return result;
}

}  // namespace attnviz::tokens
