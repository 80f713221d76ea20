/// A JSON object in a file of a model's directory, read key by key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attnviz/error.h"

namespace attnviz {

/// Files come from anywhere: every value is checked where it is taken, and every Error names file and key.
/// A key that is null counts as absent, as it does for Hugging Face's configurations.
class Document {
 public:
  /// Throws Error: not readable, too large, not JSON, not an object.
  explicit Document(const std::filesystem::path& path);
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  [[nodiscard]] bool has(const std::string& key) const;
  /// There, and null.
  [[nodiscard]] bool has_null(const std::string& key) const;

  /// A whole number in [low, high].
  [[nodiscard]] std::optional<std::int64_t> number(const std::string& key, std::int64_t low,
                                                   std::int64_t high) const;
  /// The same of what only an estimate needs: nothing where it is something else.
  [[nodiscard]] std::optional<std::int64_t> number_if(const std::string& key, std::int64_t low,
                                                      std::int64_t high) const;
  [[nodiscard]] std::optional<bool> flag(const std::string& key) const;
  [[nodiscard]] std::optional<std::string> text(const std::string& key) const;
  /// A list of strings, empty where there is none.
  [[nodiscard]] std::vector<std::string> list(const std::string& key) const;
  /// An object of strings, empty where there is none.
  [[nodiscard]] std::map<std::string, std::string> texts(const std::string& key) const;

  /// "<file>: <key>: <what>".
  [[nodiscard]] Error fault(const std::string& key, const std::string& what) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace attnviz
