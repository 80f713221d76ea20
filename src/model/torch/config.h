/// A checkpoint's config.json: its entries, with errors that name file and entry; needs no libtorch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace attnviz {

class Config {
 public:
  /// What an entry is called; the first of the names that is there and not null counts.
  using Names = std::initializer_list<const char*>;
  static constexpr std::int64_t kLargestSize = 1 << 24;
  static constexpr std::int64_t kMostLayersOrHeads = 10'000;

  /// Throws Error: not JSON, or no object. `thing` names it in errors.
  Config(std::string_view json, std::string thing);
  explicit Config(const std::filesystem::path& path);

  /// Each throws Error where the entry is of another kind: a size is 1 to `most`, a number finite, an integer
  /// written as one.
  [[nodiscard]] std::int64_t size(Names names, std::int64_t fallback, std::int64_t most = kLargestSize) const;
  [[nodiscard]] std::int64_t integer(Names names, std::int64_t fallback) const;
  [[nodiscard]] double number(Names names, double fallback) const;
  [[nodiscard]] double positive(Names names, double fallback) const;
  /// null is false, as Python has it.
  [[nodiscard]] bool flag(const char* name, bool fallback) const;
  [[nodiscard]] std::string text(Names names, const std::string& fallback) const;
  [[nodiscard]] std::vector<std::string> texts(const char* name) const;
  /// The entry as it is; null where it is missing.
  [[nodiscard]] const nlohmann::json& entry(const char* name) const;
  /// An object's entries, in errors below its name; none where it is missing.
  [[nodiscard]] Config object(const char* name) const;

  /// There, and not null.
  [[nodiscard]] bool has(const char* name) const;
  /// There, and null: transformers then takes something else than the default of a missing entry.
  [[nodiscard]] bool is_null(const char* name) const;
  /// There, not null, and neither false nor empty.
  [[nodiscard]] bool asks_for(const char* name) const;

  /// As errors name it.
  [[nodiscard]] const std::string& thing() const { return thing_; }
  [[noreturn]] void fault(const std::string& what) const;
  [[noreturn]] void refuse(const std::string& what) const;  ///< with the way out: export it

 private:
  Config(std::string thing, std::shared_ptr<const nlohmann::json> entries);
  [[nodiscard]] const char* found(Names names) const;
  [[noreturn]] void unusable(const char* name) const;

  std::string thing_;
  std::shared_ptr<const nlohmann::json> entries_;
};

}  // namespace attnviz
