/// A record that was read as JSON, and what is taken out of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/record.h"

namespace attnviz {

/// Reads members with checks of what they are. A record comes from a file that anyone may have written.
class RecordReader {
 public:
  RecordReader(StoredRecord& stored, const std::string& what) : stored_(stored), what_(what) {}

  void read(std::string_view text);

 private:
  using Json = nlohmann::json;

  [[nodiscard]] Json parsed(std::string_view json_text) const;

  [[noreturn]] void refuse(const std::string& fault) const {
    throw Error(what_ + ": its record can't be used: " + fault, "draw the figure again");
  }

  const Json& member(const Json& json, const char* name) const {
    if (!json.is_object() || !json.contains(name)) refuse(std::string(name) + " is missing");
    return json[name];
  }

  template <class Value>
  Value get(const Json& json, const char* name) const {
    try {
      return member(json, name).get<Value>();
    } catch (const Json::exception&) {
      refuse(std::string(name) + " is of another kind than expected");
    }
  }

  /// Of what JSON has no number for, null is written.
  double or_nan(const Json& json) const {
    if (json.is_null()) return std::numeric_limits<double>::quiet_NaN();
    if (!json.is_number()) refuse(visible(json.dump()) + " stands where a number should");
    return json.get<double>();
  }

  std::size_t size(const Json& json, const char* name) const {
    const auto number = get<std::int64_t>(json, name);
    if (number < 1 || number > kMost) refuse(std::string(name) + " is " + std::to_string(number));
    return static_cast<std::size_t>(number);
  }

  template <class Value>
  Value word(const Json& json, const char* name, const auto& words) const {
    const auto given = get<std::string>(json, name);
    for (const auto& [known, value] : words) {
      if (known == given) return value;
    }
    refuse(std::string(name) + " is " + visible(given));
  }

  /// Text of the figure, as it was written: whoever wrote the file may have put in what acts on a terminal.
  [[nodiscard]] std::string shown(const Json& json, const char* name) const {
    return visible(get<std::string>(json, name));
  }
  [[nodiscard]] std::vector<std::string> all_shown(const Json& json, const char* name) const {
    auto texts = get<std::vector<std::string>>(json, name);
    for (std::string& text : texts) text = visible(text);
    return texts;
  }

  const Json& list(const Json& json, const char* name) const {
    const Json& found = member(json, name);
    if (!found.is_array()) refuse(std::string(name) + " is no list");
    return found;
  }

  std::span<const TokenLabel> labels(const Json& json, const char* name, std::size_t count);
  struct Decoded {
    std::unique_ptr<unsigned char, void (*)(void*)> begin;
    std::size_t size;
  };
  Decoded decoded(const Json& json, const char* name) const;
  template <class Number>
  std::vector<Number> numbers(const Json& json, const char* name, std::size_t count) const;
  MatrixView weights(const Json& json);
  Heatmap map(const Json& json, const Heatmap* labeled);
  Pooling pooling(const Json& json) const;
  Zoom zoom(const Json& json, const Heatmap& map);
  std::vector<Heatmap> maps(const Json& figure, std::size_t count);
  Heatmap only_map(const Json& figure) { return maps(figure, 1).front(); }
  Drawn grid(const Json& figure);
  Drawn comparison(const Json& figure);
  Drawn summary(const Json& figure);
  std::vector<int> numbers_of(const Json& json, const char* name, int first) const;
  void read_view_numbers(const Json& figure, View& view);
  std::span<const float> packed_vectors(const Json& packed, std::size_t matrices, std::size_t size);
  void read_sight(const Json& figure, View& view) const;
  View view(const Json& figure);
  View views(const Json& figure);
  Drawn drawn(const Json& figure);
  Look look(const Json& json) const;
  RecordedText text(const Json& json) const;

  static constexpr std::int64_t kMost = 1 << 20;
  static constexpr double kMostScale = 1000;

  StoredRecord& stored_;
  const std::string& what_;
};

template <class Number>
std::vector<Number> RecordReader::numbers(const Json& json, const char* name, std::size_t count) const {
  const Decoded bytes = decoded(json, name);
  if (bytes.size % sizeof(Number) != 0 || bytes.size / sizeof(Number) != count) {
    refuse(std::string(name) + " are not as many as the record says");
  }
  std::vector<Number> values(count);
  if (count > 0) std::memcpy(values.data(), bytes.begin.get(), bytes.size);
  return values;
}

}  // namespace attnviz
