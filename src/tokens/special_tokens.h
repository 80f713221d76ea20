/// The special tokens that a tokenizer's configuration names, as transformers 5.23 gathers them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tokens/added_tokens.h"
#include "tokens/component.h"

namespace attnviz::tokens {

class SpecialTokens {
 public:
  /// `settings` is tokenizer_config.json, `map` special_tokens_map.json and `added` added_tokens.json, each
  /// empty when there is none; `usual` are the tokenizer's own names and contents ("cls_token": "[CLS]"). The
  /// latter two files count only where the first has no "added_tokens_decoder".
  SpecialTokens(const json& settings, const json& map, const json& added,
                const std::map<std::string, std::string>& usual);

  /// Of "cls_token" and its like; nullopt when the tokenizer has none.
  [[nodiscard]] std::optional<std::string> content(const std::string& name) const;

  /// Throws Error where the file gives an id to another token than the vocabulary has there.
  void expect_agreement(const Vocabulary& vocabulary) const;

  /// In the order in which they take ids.
  [[nodiscard]] std::vector<AddedToken> added_tokens() const;

 private:
  void read_names(const json& object, const char* file);
  void read_extra(const json& list, const char* file);
  void read_decoder(const json& decoder);
  void read_added(const json& added);
  [[nodiscard]] bool is_special(const std::string& content) const;

  std::map<std::uint32_t, AddedToken> decoder_;  ///< by the id that the file gives
  std::map<std::string, AddedToken> named_;
  std::vector<AddedToken> extra_;
};

}  // namespace attnviz::tokens
