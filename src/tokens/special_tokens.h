/// The special tokens that a tokenizer's configuration names, as transformers 5.24 gathers them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tokens/added_tokens.h"
#include "tokens/family.h"
#include "tokens/members.h"

namespace attnviz::tokens {

/// What the files of a directory say of them.
struct TokenFiles {
  Members settings;     ///< tokenizer_config.json
  Members named_extra;  ///< its "extra_special_tokens", where that is an object
  Members specific;     ///< its "model_specific_special_tokens", what transformers saves those as
  Members map;          ///< special_tokens_map.json
  Members map_extra;    ///< its "extra_special_tokens", where that is an object
  json added = json::object();      ///< added_tokens.json
  const json* listed = nullptr;     ///< tokenizer.json's "added_tokens"; null: there is no such file
  std::optional<std::string> padding;  ///< the token of tokenizer.json's "padding"
};

/// A token as Python has it: a str, or an AddedToken, some of whose options may be left open.
struct NamedToken {
  std::string content;
  bool is_text = true;
  bool single_word = false, lstrip = false, rstrip = false, special = false;
  std::optional<bool> normalized = {};

  [[nodiscard]] AddedToken finished() const;
  [[nodiscard]] bool operator==(const NamedToken& other) const;
};

class SpecialTokens {
 public:
  /// `defaults` are the names and contents that stand in for missing ones ("cls_token": "[CLS]"; null: none);
  /// `extracted` are the special tokens of a .model file, a list.
  SpecialTokens(const TokenFiles& files, Family family,
                const std::vector<std::pair<std::string, json>>& defaults,
                std::optional<json> extracted = std::nullopt);

  /// Of "cls_token" and its like; nullopt when the tokenizer has none.
  [[nodiscard]] std::optional<std::string> content(const std::string& name) const;

  /// The tokens that files give an id, by it.
  [[nodiscard]] const std::map<std::uint32_t, NamedToken>& decoder() const { return decoder_; }
  /// Those are found in the raw text, whatever the files say.
  void match_decoder_in_raw_text();

  /// Throws Error where the file gives an id to another token than the vocabulary has there.
  void expect_agreement(const Vocabulary& vocabulary) const;

  /// In the order in which transformers adds them to a tokenizer that has the added tokens `known`.
  [[nodiscard]] std::vector<AddedToken> added_tokens(const std::set<std::string>& known = {}) const;
  /// Contents of all that have a name or are extra, each once.
  [[nodiscard]] std::vector<std::string> all() const;

 private:
  void read_decoder(const json& decoder);
  void read_older_files(const TokenFiles& files, Members& arguments, Members& named_extra);
  void read_listed(const json& list);
  void name_tokens(const Members& arguments, const Members& named_extra);

  std::map<std::uint32_t, NamedToken> decoder_;
  std::vector<std::pair<std::string, NamedToken>> named_;  ///< bos_token and so on, then the file's own names
  std::vector<NamedToken> extra_;
};

}  // namespace attnviz::tokens
