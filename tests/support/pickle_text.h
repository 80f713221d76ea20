/// A pickle's values as one line of text: equal for equal values with the same parts in common.
#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "catalog/pickle.h"

namespace attnviz::test {

class PickleText {
 public:
  /// Storages are called by their names, or by their numbers in the order of reading.
  explicit PickleText(const Pickle& pickle, bool storages_by_number = false)
      : pickle_(pickle), by_number_(storages_by_number) {}

  /// Empty for values that come to too much text, tuples being written as often as they are met.
  std::string text() {
    add(pickle_.root);
    return is_large() ? "" : text_;
  }

 private:
  using Kind = PickleValue::Kind;

  [[nodiscard]] bool is_large() const { return text_.size() > 100'000; }

  static std::string hexadecimal(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
      const auto value = static_cast<unsigned char>(byte);
      text += {"0123456789abcdef"[value >> 4], "0123456789abcdef"[value & 15]};
    }
    return text;
  }
  static std::string hexadecimal(double number) {
    const auto bits = std::bit_cast<std::uint64_t>(number);
    std::string bytes;
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(bits >> shift & 0xFF);
    return hexadecimal(bytes);
  }

  void add_parts(const PickleValue& value, const char* ends) {
    text_ += ends[0];
    for (const std::uint32_t part : value.parts) {
      add(part);
      text_ += ',';
    }
    text_ += ends[1];
  }

  void add_storage(const PickleValue& storage) {
    std::string name = hexadecimal(storage.text);
    if (by_number_) name = std::to_string(storages_.emplace(storage.text, storages_.size()).first->second);
    text_ += "w" + hexadecimal(pickle_.values[storage.parts[0]].text) + "|" + name + "|" +
             std::to_string(storage.number);
  }

  void add_shared(std::uint32_t place, const PickleValue& value) {
    const auto [known, is_new] = seen_.emplace(place, seen_.size());
    if (!is_new) {
      text_ += "#" + std::to_string(known->second);
    } else if (value.kind == Kind::list) {
      add_parts(value, "[]");
    } else if (value.kind == Kind::tensor) {
      text_ += (value.flag ? "T" : "t") + std::to_string(value.number);
      add_parts(value, "<>");
    } else {
      if (value.kind == Kind::object) text_ += "o" + hexadecimal(value.text) + (value.flag ? "+" : "-");
      add_parts(value, "{}");
    }
  }

  void add(std::uint32_t place) {
    if (is_large()) return;
    const PickleValue& value = pickle_.values[place];
    switch (value.kind) {
      case Kind::none:
        text_ += "N";
        break;
      case Kind::boolean:
        text_ += value.flag ? "yes" : "no";
        break;
      case Kind::integer:
        text_ += "i" + std::to_string(value.number);
        break;
      case Kind::real:
        text_ += "d" + hexadecimal(value.real);
        break;
      case Kind::string:
        text_ += "s" + hexadecimal(value.text);
        break;
      case Kind::global:
        text_ += "g" + hexadecimal(value.text);
        break;
      case Kind::storage:
        add_storage(value);
        break;
      case Kind::tuple:
        add_parts(value, "()");
        break;
      default:
        add_shared(place, value);
    }
  }

  const Pickle& pickle_;
  bool by_number_;
  std::string text_;
  std::map<std::uint32_t, std::size_t> seen_;
  std::map<std::string_view, std::size_t> storages_;
};

}  // namespace attnviz::test
