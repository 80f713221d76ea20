/// A part of a configuration file: typed access to its members, and errors that name it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "attnviz/error.h"
#include "attnviz/text.h"

namespace attnviz::tokens {

using nlohmann::json;

/// Steps of a normalizer, a pre-tokenizer or a post-processor. Known ones have up to some ten; each calls the
/// next.
inline constexpr std::size_t kMostSteps = 100;

/// The longest name of a token that is not spelled by a text, and of what is written before or behind one:
/// bytes. Known ones have some twenty.
inline constexpr std::size_t kLongestName = 256;

/// An object that may say what it is in "type", and how an error calls it. Every accessor throws Error when
/// the member is missing or not of its kind; has() is false for null too.
class Component {
 public:
  Component(const json& object, std::string name) : object_(object), name_(std::move(name)) {
    if (!object.is_object()) throw Error(name_ + ": expected an object, got " + object.type_name());
    const auto type = object.find("type");
    if (type != object.end()) {
      type_ = text("type");
      name_ += " \"" + visible(type_) + "\"";
    }
  }

  [[nodiscard]] const std::string& type() const { return type_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  [[nodiscard]] const json& object() const { return object_; }
  [[nodiscard]] bool has(const char* key) const { return object_.contains(key) && !object_[key].is_null(); }
  [[nodiscard]] const json& value(const char* key) const {
    if (!object_.contains(key)) throw Error(name_ + ": lacks \"" + key + "\"");
    return object_[key];
  }
  [[nodiscard]] bool flag(const char* key) const {
    if (!value(key).is_boolean()) throw wrong(key, "true or false");
    return value(key).get<bool>();
  }
  [[nodiscard]] bool flag(const char* key, bool otherwise) const { return has(key) ? flag(key) : otherwise; }
  [[nodiscard]] std::string text(const char* key) const {
    if (!value(key).is_string()) throw wrong(key, "a string");
    return value(key).get<std::string>();
  }
  /// Of at most kLongestName bytes.
  [[nodiscard]] std::string short_text(const char* key) const {
    std::string found = text(key);
    if (found.size() > kLongestName) throw wrong(key, "a string of at most 256 bytes");
    return found;
  }
  [[nodiscard]] std::string text_or_empty(const char* key) const {
    return has(key) ? text(key) : std::string();
  }
  [[nodiscard]] const json& list(const char* key) const {
    if (!value(key).is_array()) throw wrong(key, "a list");
    return value(key);
  }
  [[nodiscard]] std::uint32_t number(const char* key) const { return number(value(key), key); }
  [[nodiscard]] std::uint32_t number(const json& value, const char* key) const {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > UINT32_MAX)
      throw wrong(key, "a whole number");
    return value.get<std::uint32_t>();
  }

  /// Throws Error when there are more steps than any tokenizer has.
  void expect_few(std::size_t steps) const {
    if (steps > kMostSteps) throw Error(name_ + ": more than " + std::to_string(kMostSteps) + " steps");
  }

  [[nodiscard]] Error wrong(const char* key, const char* expected) const {
    return Error(name_ + ": \"" + key + "\" is not " + expected);
  }
  [[nodiscard]] Error unsupported(const char* supported) const {
    return Error(name_ + " is not supported",
                 std::string("supported: ") + supported + "; no other is approximated");
  }

 private:
  const json& object_;
  std::string name_;
  std::string type_;
};

}  // namespace attnviz::tokens
