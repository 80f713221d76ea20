/// A model's directory: its files, and what every tokenizer made of them has.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "attnviz/error.h"
#include "tokens/component.h"
#include "tokens/json_reader.h"
#include "tokens/pipeline.h"
#include "tokens/family.h"
#include "tokens/members.h"
#include "tokens/special_tokens.h"

namespace attnviz::tokens {

/// A directory, and what was read of it.
class Directory {
 public:
  explicit Directory(std::filesystem::path path) : path_(std::move(path)) {}

  [[nodiscard]] bool has(const char* name) const;
  [[nodiscard]] std::string read(const char* name);
  /// An object; empty when there is no such file.
  [[nodiscard]] json read_json(const char* name);
  /// The same in order; members whose names `inner` has are objects that are put there instead.
  [[nodiscard]] Members read_members(const char* name, std::map<std::string, Members>& inner);
  [[nodiscard]] std::string full(const char* name) const { return (path_ / name).string(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }

 private:
  std::filesystem::path path_;
  std::vector<std::string> files_;
};

/// Runs `read` on a file's contents; errors then name the file.
template <class Read>
auto reading(const Directory& directory, const char* name, Read&& read) {
  try {
    return read();
  } catch (const JsonError& error) {
    throw Error(directory.full(name) + ": malformed JSON: " + error.what());
  } catch (const Error& error) {
    throw Error(directory.full(name) + ": " + error.what(), error.hint());
  }
}

/// Runs `read`, whose errors begin with a file's name; they then begin with its path.
template <class Read>
auto locating(const Directory& directory, Read&& read) {
  try {
    return read();
  } catch (const Error& error) {
    const std::string message = error.what(), path = directory.full("");
    throw Error(message.starts_with(path) ? message : path + message, error.hint());
  }
}

/// tokenizer_config.json, special_tokens_map.json and added_tokens.json.
[[nodiscard]] TokenFiles read_token_files(Directory& directory);

/// Puts the special tokens into the pipeline, as added tokens.
void add_special_tokens(const Directory& directory, Pipeline& pipeline, const SpecialTokens& special);

/// Of "cls_token" and its like. Throws Error when it is null.
[[nodiscard]] std::string content_of(const SpecialTokens& special, const char* name);
/// Every named token has an id: it was added where the vocabulary lacked it.
[[nodiscard]] SpecialToken special_token(const Pipeline& pipeline, const SpecialTokens& special,
                                         const char* name);

/// $A and $B, with the tokens that add_bos_token and add_eos_token ask for.
[[nodiscard]] PostProcessor bos_eos_post_processor(const Pipeline& pipeline, const SpecialTokens& special,
                                                   const Component& options);

}  // namespace attnviz::tokens
