#include <array>

#include "attnviz/error.h"
#include "tokens/normal_forms.h"
#include "tokens/read_components.h"
#include "tokens/split.h"
#include "tokens/unicode.h"

namespace attnviz::tokens {
namespace {

SplitBehavior read_behavior(const Component& step) {
  constexpr std::array<std::string_view, 5> kNames = {"Removed", "Isolated", "MergedWithPrevious",
                                                      "MergedWithNext", "Contiguous"};
  const std::string name = step.text("behavior");
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<SplitBehavior>(i);
  }
  throw step.wrong("behavior", "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

char32_t read_character(const Component& step, const char* key) {
  const std::string text = step.text(key);
  if (count_code_points(text) != 1) throw step.wrong(key, "one character");
  std::size_t offset = 0;
  return next_code_point(text, offset);
}

/// Files of before "prepend_scheme" have "add_prefix_space"; some have both.
Metaspace read_metaspace(const Component& step) {
  Metaspace metaspace{.replacement = read_character(step, "replacement"), .split = step.flag("split", true)};
  const std::string scheme = step.has("prepend_scheme") ? step.text("prepend_scheme") : "always";
  if (scheme == "first") {
    metaspace.prepend = Metaspace::Prepend::first;
  } else if (scheme == "never") {
    metaspace.prepend = Metaspace::Prepend::never;
  } else if (scheme != "always") {
    throw step.wrong("prepend_scheme", "first, always or never");
  }
  if (step.flag("add_prefix_space", true) || scheme == "never") return metaspace;
  throw step.wrong("add_prefix_space", "what \"prepend_scheme\" says");
}

/// Not to be altered any more: the model is the one to spell bytes.
void read_byte_level(const Component& step, PreTokenizer& result) {
  if (step.flag("add_prefix_space")) result.steps.push_back(prefix_space());
  if (step.flag("use_regex", true)) result.steps.push_back(gpt2_words());
  result.byte_level = true;
}

/// Any other step needs the characters that a "ByteLevel" before it has made.
void spell_bytes_now(PreTokenizer& result) {
  if (!result.byte_level) return;
  result.byte_level = false;
  result.steps.emplace_back(
      [](AlignedView text, const TakeWord& take) { return take(spell_bytes(text).view()); });
}

PreTokenizerStep read_step(const Component& step) {
  const std::string& type = step.type();
  if (type == "BertPreTokenizer") return bert_words();
  if (type == "Whitespace") return split_whitespace;
  if (type == "Metaspace") return read_metaspace(step);
  if (type == "Split") return Split{read_pattern(step), read_behavior(step), step.flag("invert")};
  if (type == "WhitespaceSplit") return SplitAtCharacters{unicode::is_whitespace, SplitBehavior::removed};
  if (type == "Punctuation") {
    const bool stated = step.has("behavior");
    return SplitAtCharacters{unicode::is_punctuation, stated ? read_behavior(step) : SplitBehavior::isolated};
  }
  if (type == "Digits") {
    const bool single = step.flag("individual_digits");
    return SplitAtCharacters{unicode::is_numeric,
                             single ? SplitBehavior::isolated : SplitBehavior::contiguous};
  }
  if (type == "CharDelimiterSplit") {
    const char32_t delimiter = read_character(step, "delimiter");
    return SplitAtCharacters{[delimiter](char32_t c) { return c == delimiter; }, SplitBehavior::removed};
  }
  throw step.unsupported(
      "BertPreTokenizer, ByteLevel, Metaspace, Split, Whitespace, WhitespaceSplit, Punctuation, Digits, "
      "CharDelimiterSplit, Sequence");
}

void read_steps(const Component& component, PreTokenizer& result) {
  if (component.type() == "Sequence") {
    for (const json& object : component.list("pretokenizers")) {
      read_steps({object, component.name() + ": step"}, result);
    }
    return;
  }
  spell_bytes_now(result);
  if (component.type() == "ByteLevel") {
    read_byte_level(component, result);
  } else {
    result.steps.push_back(read_step(component));
  }
  component.expect_few(result.steps.size());
}

}  // namespace

PreTokenizer read_pre_tokenizer(const Component& pre_tokenizer) {
  PreTokenizer result;
  read_steps(pre_tokenizer, result);
  return result;
}

}  // namespace attnviz::tokens
