#include "attention/safetensors_header.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "attention/number.h"
#include "attnviz/error.h"

namespace attnviz {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestQuote = 120;
constexpr std::string_view kMetadata = "__metadata__";

/// Follows the parser's events, so that a header is refused at its first byte out of form, however deep
/// it would nest, and a name that comes twice is seen.
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  [[nodiscard]] Header header() && { return std::move(header_); }

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::outside:
        return enter(Place::tensors);
      case Place::tensors:
        fields_.clear();
        if (key_ == kMetadata) return enter(Place::metadata);
        header_.entries.push_back({.name = key_, .type = {}, .shape = {}});
        offsets_.clear();
        return enter(Place::tensor);
      default:
        refuse("an object");
    }
  }

  bool end_object() override {
    if (place_ == Place::tensor) finish_tensor();
    return enter(place_ == Place::tensors ? Place::outside : Place::tensors);
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::tensor && key_ == "shape") return enter(Place::shape);
    if (place_ == Place::tensor && key_ == "data_offsets") return enter(Place::offsets);
    refuse("a list");
  }

  bool end_array() override { return enter(Place::tensor); }

  bool key(std::string& name) override {
    key_ = name;
    std::set<std::string>& seen = place_ == Place::tensors ? names_ : fields_;
    if (!seen.insert(name).second) throw Error(where() + "there twice");
    if (place_ == Place::tensor && name != "dtype" && name != "shape" && name != "data_offsets") {
      throw Error(where() + "unknown, expected dtype, shape and data_offsets");
    }
    return true;
  }

  bool string(std::string& value) override {
    if (place_ == Place::metadata) {
      header_.metadata[key_] = std::move(value);
    } else if (place_ == Place::tensor && key_ == "dtype") {
      header_.entries.back().type = std::move(value);
    } else {
      refuse("a string");
    }
    return true;
  }

  bool number_unsigned(std::uint64_t value) override {
    if (place_ == Place::offsets) {
      offsets_.push_back(value);
    } else if (place_ == Place::shape && value <= std::numeric_limits<std::int64_t>::max()) {
      header_.entries.back().shape.push_back(static_cast<std::int64_t>(value));
    } else {
      refuse(number_text(value));
    }
    return true;
  }

  bool number_integer(std::int64_t value) override { refuse(number_text(value)); }
  bool number_float(double, const std::string& text) override { refuse(text); }
  bool boolean(bool value) override { refuse(value ? "true" : "false"); }
  bool null() override { refuse("null"); }
  bool binary(json::binary_t&) override { refuse("bytes"); }

  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    throw Error("its header is not JSON at byte " + number_text(position));
  }

 private:
  enum class Place { outside, tensors, metadata, tensor, shape, offsets };

  bool enter(Place place) {
    place_ = place;
    return true;
  }

  [[nodiscard]] std::string where() const {
    switch (place_) {
      case Place::outside:
        return "its header: ";
      case Place::tensors:
        return in_quotes(key_) + ": ";
      case Place::metadata:
        return in_quotes(kMetadata) + ": " + in_quotes(key_) + ": ";
      default:
        return "tensor " + in_quotes(header_.entries.back().name) + ": " + in_quotes(key_) + ": ";
    }
  }

  [[noreturn]] void refuse(const std::string& what) const { throw Error(where() + "unexpected " + what); }

  void finish_tensor() {
    for (const char* field : {"dtype", "shape", "data_offsets"}) {
      if (!fields_.contains(field)) {
        throw Error("tensor " + in_quotes(header_.entries.back().name) + ": has no " + field);
      }
    }
    if (offsets_.size() != 2) {
      throw Error("tensor " + in_quotes(header_.entries.back().name) + ": expected two data_offsets, got " +
                  number_text(offsets_.size()));
    }
    header_.entries.back().begin = offsets_[0];
    header_.entries.back().end = offsets_[1];
  }

  Header header_;
  Place place_ = Place::outside;
  std::string key_;
  std::set<std::string> names_;   ///< of the tensors so far
  std::set<std::string> fields_;  ///< of the innermost object so far
  std::vector<std::uint64_t> offsets_;
};

}  // namespace

Header parse_header(std::string_view text) {
  if (!text.starts_with('{')) throw Error("its header does not begin with '{'");
  // The parser takes this byte for the end.
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos) {
    throw Error("its header is not JSON at byte " + number_text(zero + 1));
  }
  HeaderReader reader;
  json::sax_parse(text, &reader);
  return std::move(reader).header();
}

std::string in_quotes(std::string_view name) {
  // Escaped as JSON does: names may hold anything.
  std::string text = json(name).dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() <= kLongestQuote) return text;
  std::size_t end = kLongestQuote;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…\"";
}

}  // namespace attnviz
