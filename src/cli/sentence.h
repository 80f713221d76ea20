/// sentence: the text a command works on, from its flags to valid UTF-8.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "attnviz/text.h"
#include "cli/flags.h"
#include "cli/input.h"

namespace attnviz::cli {

/// One text, or a pair, as valid UTF-8, and what an encoder-decoder makes of it.
struct Sentence {
  std::size_t index = 0;  ///< among the sentences of one run
  std::string text{};
  std::optional<std::string> pair{}, target{};
  std::string name = "TEXT", pair_name = "--pair", target_name = "--target";  ///< as errors name them

  /// On one line, for titles.
  [[nodiscard]] std::string shown() const;
};

struct TextOptions {
  std::string name = "TEXT";                    ///< of the first text, as errors name it
  std::optional<std::string> text{};            ///< - is standard input
  std::optional<std::string> pair{}, target{};  ///< likewise
  InvalidUtf8 invalid_utf8 = InvalidUtf8::fail;
  InputOptions input{};  ///< many texts in place of one
};

void add_text_flags(Flags& flags, TextOptions& options);

/// Throws Error: no text, or both one and many; flags for many beside one.
void check_text(const TextOptions& options);

/// Reads standard input where the options say so (without its last line end). Throws Error: empty text,
/// text that is not UTF-8, standard input asked for twice or unreadable.
[[nodiscard]] Sentence read_sentence(const TextOptions& options, std::istream& in);

}  // namespace attnviz::cli
