/// The parts of a tokenizer.json.
#pragma once

#include <map>
#include <string>

#include "tokens/pipeline.h"
#include "tokens/read_model.h"

namespace attnviz::tokens {

/// The file's large parts, read without a tree; the rest as a tree.
struct Sections {
  std::map<std::string, json, std::less<>> top;
  ModelSection model;

  /// nullptr for one that is null or not there.
  [[nodiscard]] const json* find(const char* name) const {
    const auto found = top.find(name);
    return found == top.end() || found->second.is_null() ? nullptr : &found->second;
  }
};

/// `text` is altered, and borrowed by the vocabulary.
[[nodiscard]] Sections read_sections(std::string& text);

[[nodiscard]] std::vector<AddedToken> read_added_tokens(const json& list);

/// Normalizer, pre-tokenizer and model, which is taken out of the sections.
[[nodiscard]] Pipeline build_pipeline(Sections& sections);
/// Those tokens, and the id of the one for padding.
void put_added_tokens(Pipeline& pipeline, const Sections& sections, std::vector<AddedToken> added);

/// Runs `read`; errors then start with the file's name. What is not supported may well be in a file that
/// tokenizers wrote: only what is damaged or has another shape is said to be none.
template <class Read>
auto reading_tokenizer_json(const std::string& name, Read&& read) {
  const std::string damaged = "expected a tokenizer.json as Hugging Face's tokenizers 0.23 writes it";
  const std::string unsupported = "attnviz does not implement this part of tokenizers, and approximates none";
  try {
    return read();
  } catch (const JsonError& error) {
    throw Error(name + ": malformed JSON: " + error.what(), damaged);
  } catch (const Error& error) {
    const std::string message = error.what();
    const bool is_supported = message.find("not supported") == std::string::npos;
    throw Error(name + ": " + message,
                !error.hint().empty() ? error.hint() : is_supported ? damaged : unsupported);
  }
}

}  // namespace attnviz::tokens
