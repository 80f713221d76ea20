/// The members of a configuration file, in the order in which they stand there.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tokens/component.h"

namespace attnviz::tokens {

/// transformers gives new tokens ids in this order. A member that comes twice has its first place and its
/// last value, as in Python.
class Members {
 public:
  /// nullptr when there is none.
  [[nodiscard]] const json* find(const std::string& key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &items_[found->second].second;
  }
  /// Neither null, false, zero nor empty.
  [[nodiscard]] bool is_true(const std::string& key) const {
    const json* value = find(key);
    return value && is_true_value(*value);
  }
  void set(const std::string& key, json value) {
    const auto [place, is_new] = places_.try_emplace(key, items_.size());
    if (is_new) {
      items_.emplace_back(key, std::move(value));
    } else {
      items_[place->second].second = std::move(value);
    }
  }
  /// Unless it is there, be it null.
  void set_default(const std::string& key, json value) {
    if (!find(key)) set(key, std::move(value));
  }
  void erase(const std::string& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    items_[found->second].first.clear();
    places_.erase(found);
  }

  [[nodiscard]] std::vector<std::string> keys() const {
    std::vector<std::string> keys;
    for (const auto& [key, value] : items_) {
      if (!key.empty()) keys.push_back(key);
    }
    return keys;
  }
  [[nodiscard]] json object() const {
    json result = json::object();
    for (const auto& [key, place] : places_) result[key] = items_[place].second;
    return result;
  }

  [[nodiscard]] static bool is_true_value(const json& value) {
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number()) return value.get<double>() != 0;
    return value.is_string() ? !value.get_ref<const std::string&>().empty() : !value.empty();
  }

 private:
  std::vector<std::pair<std::string, json>> items_;
  std::map<std::string, std::size_t> places_;
};

}  // namespace attnviz::tokens
