#include "catalog/document.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "attnviz/file.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The largest configurations (thousands of labels) have about one.
constexpr std::size_t kLargestFile = 16 << 20;
/// The deepest that is read: an object's entries. What lies deeper is dropped while parsing.
constexpr int kDeepest = 2;
constexpr std::size_t kLongestShown = 60;

constexpr const char* kHint = "download or export it again";

Error not_json(const fs::path& path, std::size_t byte) {
  return Error(path.string() + ": not JSON at byte " + std::to_string(byte), kHint);
}

json parse(const fs::path& path) {
  const std::string text = read_file(path, kLargestFile);
  // The parser takes this byte for the end.
  if (const std::size_t zero = text.find('\0'); zero != std::string::npos) throw not_json(path, zero + 1);
  try {
    json document = json::parse(text, [](int depth, auto, const json&) { return depth <= kDeepest; });
    if (!document.is_object()) {
      throw Error(path.string() + ": expected a JSON object, got " + document.type_name(), kHint);
    }
    return document;
  } catch (const json::parse_error& error) {
    throw not_json(path, error.byte);
  } catch (const json::exception& error) {
    throw Error(path.string() + ": not usable JSON: " + error.what(), kHint);
  }
}

std::string shown(const json& value) {
  if (value.is_structured()) return value.is_array() ? "a list" : "an object";
  const std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() <= kLongestShown ? text : text.substr(0, kLongestShown) + "…";
}

}  // namespace

struct Document::State {
  fs::path path;
  json document;

  /// Nothing where the key is absent or null.
  [[nodiscard]] const json* find(const std::string& key) const {
    const auto found = document.find(key);
    return found == document.end() || found->is_null() || found->is_discarded() ? nullptr : &*found;
  }
};

Document::Document(const fs::path& path) : state_(std::make_unique<State>(State{path, parse(path)})) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

bool Document::has(const std::string& key) const { return state_->find(key) != nullptr; }

bool Document::has_null(const std::string& key) const {
  const auto found = state_->document.find(key);
  return found != state_->document.end() && found->is_null();
}

std::optional<std::int64_t> Document::number_if(const std::string& key, std::int64_t low,
                                                std::int64_t high) const {
  const json* const value = state_->find(key);
  if (value && value->is_number_unsigned() &&
      value->get<std::uint64_t>() >= static_cast<std::uint64_t>(low) &&
      value->get<std::uint64_t>() <= static_cast<std::uint64_t>(high)) {
    return value->get<std::int64_t>();
  }
  return std::nullopt;
}

std::optional<std::int64_t> Document::number(const std::string& key, std::int64_t low,
                                             std::int64_t high) const {
  const std::optional<std::int64_t> number = number_if(key, low, high);
  const json* const value = state_->find(key);
  if (number || !value) return number;
  throw fault(key, "expected a whole number in " + std::to_string(low) + " to " + std::to_string(high) +
                       ", got " + shown(*value));
}

std::optional<bool> Document::flag(const std::string& key) const {
  const json* const value = state_->find(key);
  if (!value) return std::nullopt;
  if (!value->is_boolean()) throw fault(key, "expected true or false, got " + shown(*value));
  return value->get<bool>();
}

std::optional<std::string> Document::text(const std::string& key) const {
  const json* const value = state_->find(key);
  if (!value) return std::nullopt;
  if (!value->is_string()) throw fault(key, "expected a string, got " + shown(*value));
  return value->get<std::string>();
}

std::vector<std::string> Document::list(const std::string& key) const {
  const json* const value = state_->find(key);
  if (!value) return {};
  if (!value->is_array()) throw fault(key, "expected a list, got " + shown(*value));
  std::vector<std::string> list;
  for (const json& entry : *value) {
    if (!entry.is_string()) throw fault(key, "expected strings, got " + shown(entry));
    list.push_back(entry.get<std::string>());
  }
  return list;
}

std::map<std::string, std::string> Document::texts(const std::string& key) const {
  const json* const value = state_->find(key);
  if (!value) return {};
  if (!value->is_object()) throw fault(key, "expected an object, got " + shown(*value));
  std::map<std::string, std::string> texts;
  for (const auto& [name, entry] : value->items()) {
    if (!entry.is_string()) throw fault(key, "\"" + name + "\": expected a string, got " + shown(entry));
    texts.emplace(name, entry.get<std::string>());
  }
  return texts;
}

Error Document::fault(const std::string& key, const std::string& what) const {
  return Error(state_->path.string() + ": " + key + ": " + what, kHint);
}

}  // namespace attnviz
