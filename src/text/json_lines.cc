#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "text/not_utf8.h"
#include "text/row_input.h"

namespace attnviz {
namespace {

using nlohmann::json;

constexpr std::string_view kString = "a string", kInteger = "an integer", kObject = "an object";

/// One field of a line's object.
struct Field {
  std::string name;
  bool may_be_integer = false;
  std::string_view kind = {};  ///< of the value; empty where the object has no such field
  std::string value = {};      ///< of a string or an integer

  /// Why it can't be used, or empty.
  [[nodiscard]] std::string fault() const {
    const std::string quoted = '"' + visible(name) + '"';
    if (kind.empty()) return "no field " + quoted;
    if (kind == kString || (may_be_integer && kind == kInteger)) return {};
    return quoted + " is " + std::string(kind) + ", expected a string" +
           (may_be_integer ? " or an integer" : "");
  }
};

/// Follows the parser's events and keeps the fields asked for. Nothing is built of the rest, however deep it
/// nests.
class ObjectReader : public nlohmann::json_sax<json> {
 public:
  /// Why the line is no object, or empty.
  [[nodiscard]] std::string read(std::string_view line, std::vector<Field>& fields) {
    fields_ = &fields;
    for (Field& field : fields) field.kind = {};
    depth_ = 0;
    fault_.clear();
    // The parser takes this byte for the end.
    if (const std::size_t zero = line.find('\0'); zero != std::string_view::npos)
      refuse("not JSON", zero + 1);
    if (fault_.empty()) json::sax_parse(line, this);
    return std::move(fault_);
  }

  bool start_object(std::size_t) override { return enter(kObject); }
  bool start_array(std::size_t) override { return enter("a list"); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }

  bool key(std::string& name) override {
    if (depth_ == 1) key_ = std::move(name);
    return true;
  }

  bool string(std::string& value) override { return take(kString, value); }
  bool number_integer(std::int64_t value) override { return take(kInteger, std::to_string(value)); }
  bool number_unsigned(std::uint64_t value) override { return take(kInteger, std::to_string(value)); }
  bool number_float(double, const std::string& written) override {
    // The parser gives integers of more than 64 bits as floats.
    const bool integer = written.find_first_of(".eE") == std::string::npos;
    return take(integer ? kInteger : "a fraction", written);
  }
  bool boolean(bool value) override { return take(value ? "true" : "false"); }
  bool null() override { return take("null"); }
  bool binary(json::binary_t&) override { return take("bytes"); }

  bool parse_error(std::size_t position, const std::string&, const json::exception& error) override {
    constexpr int kOutOfRange = 406;
    if (error.id == kOutOfRange) return refuse("a number too large", position);
    const bool half = std::string_view(error.what()).find("surrogate") != std::string_view::npos;
    return refuse(half ? "half of a surrogate pair" : "not JSON", position);
  }

 private:
  bool refuse(const std::string& what, std::size_t position) {
    fault_ = what + " at byte " + std::to_string(position);
    return false;
  }

  bool enter(std::string_view kind) {
    const bool taken = take(kind);
    ++depth_;
    return taken;
  }

  bool leave() {
    --depth_;
    return true;
  }

  bool take(std::string_view kind, const std::string& value = {}) {
    if (depth_ == 0 && kind != kObject) {
      fault_ = "expected an object, got " + std::string(kind);
      return false;
    }
    if (depth_ != 1) return true;
    for (Field& field : *fields_) {
      if (field.name != key_) continue;
      // The last of several of one name counts, as it does for Python's json.
      field.kind = kind;
      field.value = value;
    }
    return true;
  }

  std::vector<Field>* fields_ = nullptr;
  std::string key_;
  std::size_t depth_ = 0;
  std::string fault_;
};

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

/// Each line is an object of which some fields are texts.
class JsonLines : public RowReader::Format {
 public:
  JsonLines(std::istream& in, const RowOptions& options, const std::string& what)
      : lines_(in, options, what) {
    fields_.push_back({.name = options.text_column.value_or("text")});
    if (options.pair_column) pair_ = add({.name = *options.pair_column});
    if (options.target_column) target_ = add({.name = *options.target_column});
    if (options.id_column) id_ = add({.name = *options.id_column, .may_be_integer = true});
  }

  std::optional<Row> next() override {
    do {
      if (!lines_.next()) return std::nullopt;
      if (lines_.too_long()) return too_long_row(lines_.number(), lines_.options().most_bytes);
    } while (is_blank(lines_.line()));
    const std::size_t bad = find_invalid_utf8(lines_.line());
    if (bad == std::string_view::npos) return row(lines_.line());
    const InvalidUtf8 policy = lines_.options().invalid_utf8;
    if (policy == InvalidUtf8::replace) return row(valid_utf8(lines_.line(), policy, {}));
    return faulty_row(lines_.number(), not_utf8(lines_.line(), bad) + " of the line");
  }

 private:
  std::size_t add(Field field) {
    fields_.push_back(std::move(field));
    return fields_.size() - 1;
  }

  [[nodiscard]] std::optional<std::string_view> value(std::optional<std::size_t> place) const {
    if (!place || !fields_[*place].fault().empty()) return std::nullopt;
    return fields_[*place].value;
  }

  [[nodiscard]] Row row(std::string_view line) {
    std::string fault = object_.read(line, fields_);
    if (!fault.empty()) return faulty_row(lines_.number(), std::move(fault));
    for (const Field& field : fields_) {
      if (fault = field.fault(); !fault.empty()) break;
    }
    const RowFields fields{
        .text = fields_[0].value, .pair = value(pair_), .target = value(target_), .id = value(id_)};
    if (fault.empty()) return checked_row(lines_.number(), fields, InvalidUtf8::fail);
    Row row = faulty_row(lines_.number(), std::move(fault));
    row.id = fields.id;
    return row;
  }

  RowLines lines_;
  ObjectReader object_;
  std::vector<Field> fields_;
  std::optional<std::size_t> pair_, target_, id_;
};

}  // namespace

std::unique_ptr<RowReader::Format> read_json_lines(std::istream& in, const RowOptions& options,
                                                   const std::string& what) {
  return std::make_unique<JsonLines>(in, options, what);
}

}  // namespace attnviz
