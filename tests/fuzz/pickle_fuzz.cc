// Whatever the bytes, as a pickle: an Error, or values. What is written of them as a module, whose classes
// declare what is there, is an Error or reads back as the same values.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "../support/pickle_text.h"
#include "attnviz/error.h"
#include "catalog/pickle.h"
#include "catalog/pickle_writer.h"

namespace {

using namespace attnviz;
using Kind = PickleValue::Kind;

/// The types that values have, and the classes that declare them so.
class Declared {
 public:
  explicit Declared(const Pickle& pickle) : pickle_(pickle) { type_of(pickle.root); }
  ScriptUnits units;

 private:
  ScriptType type_of(std::uint32_t place) {
    const PickleValue& value = pickle_.values[place];
    const auto first = [&](std::size_t part) {
      return part < value.parts.size() ? type_of(value.parts[part]) : ScriptType{"Tensor"};
    };
    switch (value.kind) {
      case Kind::none:
        return {"NoneType"};
      case Kind::boolean:
        return {"bool"};
      case Kind::integer:
        return {"int"};
      case Kind::real:
        return {"float"};
      case Kind::string:
        return {"str"};
      case Kind::list:
        return {"List", {first(0)}};
      case Kind::dictionary:
        return {"Dict", {value.parts.empty() ? ScriptType{"str"} : first(0), first(1)}};
      case Kind::object:
        return type_of_object(value);
      case Kind::tuple: {
        ScriptType type{"Tuple"};
        if (left_ < value.parts.size()) return {"Tensor"};
        left_ -= value.parts.size();
        for (const std::uint32_t part : value.parts) type.of.push_back(type_of(part));
        return type;
      }
      default:
        return {"Tensor"};
    }
  }

  ScriptType type_of_object(const PickleValue& object) {
    std::string name(object.text);
    name[name.find('\n')] = '.';
    if (const auto [unit, is_new] = units.emplace(name, ScriptUnit{ScriptUnit::Kind::module}); is_new) {
      std::vector<ScriptAttribute> attributes;
      for (std::size_t i = 0; i < object.parts.size(); i += 2) {
        attributes.push_back(
            {std::string(pickle_.values[object.parts[i]].text), type_of(object.parts[i + 1])});
      }
      units[name].attributes = std::move(attributes);
    }
    return {name};
  }

  const Pickle& pickle_;
  std::size_t left_ = 10'000;
};

std::string text_of(const Pickle& pickle) {
  return test::PickleText(pickle, /*storages_by_number=*/true).text();
}

std::string written(const Pickle& pickle, const ScriptUnits& units, const StorageSizes& sizes) {
  try {
    return write_module(pickle, units, sizes).bytes;
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Pickle pickle;
  try {
    pickle = read_pickle(bytes);
  } catch (const Error&) {
    return 0;
  }
  StorageSizes sizes;
  for (const PickleValue& value : pickle.values) {
    if (value.kind == Kind::storage) sizes.emplace(value.text, 64);
  }
  const std::string again = written(pickle, Declared(pickle).units, sizes);
  if (!again.empty() && text_of(read_pickle(again)) != text_of(pickle)) std::abort();
  return 0;
}
