/// A TorchScript archive's pickles, read into plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attnviz {

/// What a value consists of; others are named by their place in Pickle::values.
struct PickleValue {
  enum class Kind {
    none,
    boolean,
    integer,
    real,
    string,
    list,
    tuple,
    dictionary,
    object,
    storage,
    tensor,
    global
  };
  Kind kind = Kind::none;
  bool flag = false;        ///< a boolean; whether a tensor is trained; whether an object has its state
  std::int64_t number = 0;  ///< an integer; a storage's elements; a tensor's first place in its storage
  double real = 0;
  std::string_view text{};  ///< a string; a storage's name; the class of an object; a global: "module\nname"
  /// Of a list and a tuple; a dictionary's and an object's keys, each with its value behind it; a tensor's
  /// storage, sizes and strides; of a storage its type.
  std::vector<std::uint32_t> parts{};
};

struct Pickle {
  std::vector<PickleValue> values;
  std::uint32_t root = 0;
};

/// Reads protocol 2 as Python's pickle module does, as far as torch.jit.save writes it: numbers, strings of
/// ASCII, lists, dictionaries, objects of the archive's own classes, and tensors, which may name any storage
/// here and reach anywhere. What a value is part of twice is there once. Throws Error for any other global or
/// instruction, for a value inside itself, for what is nested too deep or too much, and for bytes that are
/// missing. The values' texts are views into `pickle`.
[[nodiscard]] Pickle read_pickle(std::string_view pickle);

}  // namespace attnviz
