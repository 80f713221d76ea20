#include "catalog/pickle_writer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "attnviz/error.h"
#include "catalog/pickle_bytes.h"
#include "catalog/pickle_names.h"

// What torch/csrc/jit/serialization/unpickler.cpp takes for the same values: lists and dictionaries with the
// types that are declared, whatever the pickle that was read called them.

namespace attnviz {
namespace {

using Kind = PickleValue::Kind;
using Place = std::uint32_t;

/// What is written, and what libtorch comes by when it goes through all modules of all modules.
constexpr std::uint64_t kMostValues = 1'000'000;
constexpr std::size_t kMostDimensions = 64;

[[noreturn]] void refuse(const std::string& fault) { throw Error(fault); }

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return "a bool";
    case Kind::integer:
      return "an integer";
    case Kind::real:
      return "a float";
    case Kind::string:
      return "a string";
    case Kind::list:
      return "a list";
    case Kind::tuple:
      return "a tuple";
    case Kind::dictionary:
      return "a dictionary";
    case Kind::object:
      return "an object";
    case Kind::storage:
      return "a storage";
    case Kind::tensor:
      return "a tensor";
    case Kind::global:
      return "a function or class";
  }
  return "";
}

/// "__torch__.a.B" of "__torch__.a\nB"
std::string class_of(const PickleValue& object) {
  std::string name(object.text);
  std::replace(name.begin(), name.end(), '\n', '.');
  return name;
}

class Writer {
 public:
  Writer(const Pickle& pickle, const ScriptUnits& units, const StorageSizes& storages)
      : pickle_(pickle), units_(units), sizes_(storages) {}

  WrittenPickle module();
  WrittenPickle constants();

 private:
  struct Known {
    std::uint32_t number = 0;  ///< in libtorch's memo
    std::string type;
    std::uint64_t values = 1;  ///< as often as it is met on the way from the root
  };
  struct KnownStorage {
    std::uint32_t number = 0;
    std::string_view type;
    std::int64_t count = 0;
  };

  [[nodiscard]] const PickleValue& at(Place place) const { return pickle_.values[place]; }
  void expect(Place place, Kind kind, const ScriptType& type) const;

  /// Returns how many values it consists of, those that are met twice counted twice.
  std::uint64_t write(Place place, const ScriptType& type);
  std::uint64_t write_once(Place place, const ScriptType& type);
  std::uint64_t write_object(const PickleValue& object, const std::string& name);
  std::uint64_t write_list(const PickleValue& list, const ScriptType& type);
  std::uint64_t write_dictionary(const PickleValue& dictionary, const ScriptType& type);
  std::uint64_t write_tuple(const PickleValue& tuple, const ScriptType& type);
  bool write_scalar(Place place, const std::string& type);
  void write_tensor(const PickleValue& tensor);
  void write_storage(const PickleValue& storage);
  void write_shape(const PickleValue& shape);
  void check_tensor(const PickleValue& tensor) const;
  static std::uint64_t sum(std::uint64_t a, std::uint64_t b);

  std::uint32_t add_memo();
  void add_known(std::uint32_t number);
  void add_name(std::string_view global);

  const Pickle& pickle_;
  const ScriptUnits& units_;
  const StorageSizes& sizes_;
  PickleOutput out_;
  std::vector<std::string> storages_;
  std::map<Place, Known> known_;
  std::map<std::string_view, KnownStorage> known_storages_;
  std::uint32_t memos_ = 0;
  std::uint64_t count_ = 0;
  std::string where_;  ///< the attribute that is being written
};

std::uint32_t Writer::add_memo() {
  out_.add("r");
  out_.number(memos_);
  return memos_++;
}

void Writer::add_known(std::uint32_t number) {
  out_.add("j");
  out_.number(number);
}

void Writer::add_name(std::string_view global) {
  out_.add("c");
  out_.add(global);
  out_.add("\n");
}

std::uint64_t Writer::sum(std::uint64_t a, std::uint64_t b) {
  if (a + b > kMostValues) refuse("comes to more than " + std::to_string(kMostValues) + " values");
  return a + b;
}

void Writer::expect(Place place, Kind kind, const ScriptType& type) const {
  if (at(place).kind == kind) return;
  refuse("gives " + where_ + " " + std::string(name_of(at(place).kind)) + ", declared as " + to_string(type));
}

bool Writer::write_scalar(Place place, const std::string& type) {
  const PickleValue& value = at(place);
  const auto expected = [&](Kind kind) {
    expect(place, kind, {type});
    return true;
  };
  if (type == "NoneType" && expected(Kind::none)) {
    out_.add("N");
  } else if (type == "bool" && expected(Kind::boolean)) {
    out_.add(value.flag ? "\x88" : "\x89");
  } else if (type == "int" && expected(Kind::integer)) {
    out_.integer(value.number);
  } else if (type == "float" && expected(Kind::real)) {
    out_.real(value.real);
  } else if (type == "str" && expected(Kind::string)) {
    out_.string(value.text);
  } else {
    return false;
  }
  return true;
}

std::uint64_t Writer::write(Place place, const ScriptType& type) {
  count_ = sum(count_, 1);
  if (type.of.empty() && write_scalar(place, type.name)) return 1;
  if (type.name == "Optional" && type.of.size() == 1) {
    if (at(place).kind != Kind::none) return write(place, type.of[0]);
    out_.add("N");
    return 1;
  }
  if (type.name == "Tuple" && !type.of.empty()) {
    expect(place, Kind::tuple, type);
    return write_tuple(at(place), type);
  }
  const std::string name = to_string(type);
  const auto found = known_.find(place);
  if (found == known_.end()) return write_once(place, type);
  // A list of nothing could be two lists.
  if (found->second.type != name) refuse("gives " + where_ + " what is of type " + found->second.type);
  add_known(found->second.number);
  return found->second.values;
}

std::uint64_t Writer::write_once(Place place, const ScriptType& type) {
  const PickleValue& value = at(place);
  std::uint64_t values = 1;
  if (type.name == "Tensor" && type.of.empty()) {
    expect(place, Kind::tensor, type);
    write_tensor(value);
  } else if (type.name == "List" && type.of.size() == 1) {
    expect(place, Kind::list, type);
    values = write_list(value, type);
  } else if (type.name == "Dict" && type.of.size() == 2) {
    expect(place, Kind::dictionary, type);
    values = write_dictionary(value, type);
  } else if (type.name.starts_with("__torch__.") && type.of.empty()) {
    expect(place, Kind::object, type);
    values = write_object(value, type.name);
  } else {
    refuse("gives " + where_ + " a value of type " + to_string(type) + ", which no trace has");
  }
  known_[place] = {add_memo(), to_string(type), values};
  return values;
}

std::uint64_t Writer::write_object(const PickleValue& object, const std::string& name) {
  const auto unit = units_.find(name);
  const bool is_class = unit != units_.end() && (unit->second.kind == ScriptUnit::Kind::module ||
                                                 unit->second.kind == ScriptUnit::Kind::other_class);
  if (!is_class) refuse("makes an object of " + name + ", which the sources do not declare");
  if (class_of(object) != name) {
    refuse("gives " + where_ + " a " + class_of(object) + ", declared as " + name);
  }
  std::map<std::string_view, Place> given;
  for (std::size_t i = 0; i < object.parts.size(); i += 2) {
    given.emplace(at(object.parts[i]).text, object.parts[i + 1]);
  }
  const std::vector<ScriptAttribute>& attributes = unit->second.attributes;
  if (!object.flag || given.size() != attributes.size()) {
    refuse("makes a " + name + " with " + std::to_string(given.size()) + " attributes, declared with " +
           std::to_string(attributes.size()));
  }
  add_name(object.text);
  out_.add(")\x81}(");
  std::uint64_t values = 1;
  for (const ScriptAttribute& attribute : attributes) {
    where_ = name + "." + attribute.name;
    const auto found = given.find(attribute.name);
    if (found == given.end()) refuse("leaves out " + where_);
    out_.string(attribute.name);
    values = sum(values, write(found->second, attribute.type));
  }
  out_.add("ub");
  return values;
}

std::uint64_t Writer::write_list(const PickleValue& list, const ScriptType& type) {
  const std::string_view builder = type.of[0].of.empty() ? list_builder_of(type.of[0].name) : "";
  const bool plain = !builder.empty();
  add_name(plain ? builder : kRestoreType);
  out_.add("(](");
  std::uint64_t values = 1;
  for (const Place part : list.parts) values = sum(values, write(part, type.of[0]));
  out_.add("e");
  if (!plain) out_.string(to_string(type));
  out_.add("tR");
  return values;
}

std::uint64_t Writer::write_dictionary(const PickleValue& dictionary, const ScriptType& type) {
  if (to_string(type.of[0]) != "str" && to_string(type.of[0]) != "int") {
    refuse("gives " + where_ + " a value of type " + to_string(type) + ", which no trace has");
  }
  add_name(kRestoreType);
  out_.add("(}(");
  std::uint64_t values = 1;
  for (std::size_t i = 0; i < dictionary.parts.size(); ++i) {
    values = sum(values, write(dictionary.parts[i], type.of[i % 2]));
  }
  out_.add("u");
  out_.string(to_string(type));
  out_.add("tR");
  return values;
}

std::uint64_t Writer::write_tuple(const PickleValue& tuple, const ScriptType& type) {
  if (tuple.parts.size() != type.of.size()) {
    refuse("gives " + where_ + " a tuple of " + std::to_string(tuple.parts.size()) + ", declared as " +
           to_string(type));
  }
  out_.add("(");
  std::uint64_t values = 1;
  for (std::size_t i = 0; i < tuple.parts.size(); ++i) {
    values = sum(values, write(tuple.parts[i], type.of[i]));
  }
  out_.add("t");
  return values;
}

void Writer::check_tensor(const PickleValue& tensor) const {
  const std::vector<Place>& sizes = at(tensor.parts[1]).parts;
  const std::vector<Place>& strides = at(tensor.parts[2]).parts;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::int64_t last = tensor.number, count = 1;
  bool inside = last >= 0 && sizes.size() == strides.size() && sizes.size() <= kMostDimensions;
  bool empty = false;
  for (std::size_t i = 0; inside && i < sizes.size(); ++i) {
    const std::int64_t size = at(sizes[i]).number, stride = at(strides[i]).number;
    const std::int64_t steps = std::max<std::int64_t>(size - 1, 0);
    empty = empty || size == 0;
    inside = size >= 0 && stride >= 0 && (steps == 0 || stride <= (kMost - last) / steps) &&
             (size == 0 || count <= kMost / size);
    if (!inside) break;
    last += steps * stride;
    count *= std::max<std::int64_t>(size, 1);
  }
  if (!inside || (!empty && last >= at(tensor.parts[0]).number)) {
    refuse("makes a tensor that reaches out of its storage");
  }
}

void Writer::write_tensor(const PickleValue& tensor) {
  check_tensor(tensor);
  add_name(kRebuildTensor);
  out_.add("(");
  write_storage(at(tensor.parts[0]));
  out_.integer(tensor.number);
  write_shape(at(tensor.parts[1]));
  write_shape(at(tensor.parts[2]));
  out_.add(tensor.flag ? "\x88" : "\x89");
  out_.add("NtR");  // no hooks
}

void Writer::write_shape(const PickleValue& shape) {
  out_.add("(");
  for (const Place number : shape.parts) out_.integer(at(number).number);
  out_.add("t");
}

/// Once, however many tensors lie in it: each would become memory of its own.
void Writer::write_storage(const PickleValue& storage) {
  const std::string_view type = at(storage.parts[0]).text;
  const auto found = known_storages_.find(storage.text);
  if (found != known_storages_.end()) {
    if (found->second.type != type || found->second.count != storage.number) {
      refuse("describes storage " + std::string(storage.text) + " in two ways");
    }
    add_known(found->second.number);
    return;
  }
  const std::uint64_t bytes = element_bytes(type);
  if (bytes == 0) refuse("makes a tensor of " + std::string(type.substr(type.find('\n') + 1)));
  const auto size = sizes_.find(storage.text);
  const std::uint64_t there = size == sizes_.end() ? 0 : size->second;
  if (storage.number < 0 || static_cast<std::uint64_t>(storage.number) > there / bytes) {
    refuse("tells of " + std::to_string(storage.number) + " numbers in storage " + std::string(storage.text) +
           ", which has " + std::to_string(there) + " bytes");
  }
  out_.add("(");
  out_.string("storage");
  add_name(type);
  out_.string(std::to_string(storages_.size()));
  out_.string("cpu");
  out_.integer(storage.number);
  out_.add("tQ");
  known_storages_[storage.text] = {add_memo(), type, storage.number};
  storages_.emplace_back(storage.text);
}

WrittenPickle Writer::module() {
  if (at(pickle_.root).kind != Kind::object) refuse("holds no module");
  out_.add("\x80\x02");
  where_ = "the module";
  const std::string name = class_of(at(pickle_.root));
  write(pickle_.root, {name});
  if (units_.find(name)->second.kind != ScriptUnit::Kind::module) refuse("holds no module");
  out_.add(".");
  return {out_.take(), std::move(storages_)};
}

WrittenPickle Writer::constants() {
  if (at(pickle_.root).kind != Kind::tuple) refuse("holds no tuple of constants");
  out_.add("\x80\x02(");
  std::size_t number = 0;
  for (const Place place : at(pickle_.root).parts) {
    where_ = "constant " + std::to_string(number++);
    static constexpr std::array<std::pair<Kind, const char*>, 6> kPlain = {{{Kind::tensor, "Tensor"},
                                                                            {Kind::none, "NoneType"},
                                                                            {Kind::boolean, "bool"},
                                                                            {Kind::integer, "int"},
                                                                            {Kind::real, "float"},
                                                                            {Kind::string, "str"}}};
    const auto* const plain = std::find_if(kPlain.begin(), kPlain.end(),
                                           [&](const auto& known) { return known.first == at(place).kind; });
    if (plain == kPlain.end()) refuse("holds " + std::string(name_of(at(place).kind)) + " as a constant");
    write(place, {plain->second});
  }
  out_.add("t.");
  return {out_.take(), std::move(storages_)};
}

}  // namespace

WrittenPickle write_module(const Pickle& pickle, const ScriptUnits& units, const StorageSizes& storages) {
  return Writer(pickle, units, storages).module();
}

WrittenPickle write_constants(const Pickle& pickle, const StorageSizes& storages) {
  return Writer(pickle, {}, storages).constants();
}

}  // namespace attnviz
