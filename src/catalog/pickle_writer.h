/// A TorchScript archive's values, written anew for libtorch.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/pickle.h"
#include "catalog/script_structure.h"

namespace attnviz {

/// By the name that storages are called in a pickle: how many bytes the archive has of each.
using StorageSizes = std::map<std::string, std::uint64_t, std::less<>>;

struct WrittenPickle {
  std::string bytes;
  /// By their new names, which are their numbers here: the records that it takes numbers from.
  std::vector<std::string> storages = {};
};

/// Writes a module that was read, value by value as its classes declare them. libtorch looks for what is
/// declared without asking what is there, and takes a storage's size from the pickle: throws Error for an
/// object without one of its class's attributes or with another one's value, for types that are not known
/// here, for storages larger than their records, and tensors that reach out of their storages.
[[nodiscard]] WrittenPickle write_module(const Pickle& pickle, const ScriptUnits& units,
                                         const StorageSizes& storages);

/// The same of constants.pkl: a tuple of tensors, numbers and strings.
[[nodiscard]] WrittenPickle write_constants(const Pickle& pickle, const StorageSizes& storages);

}  // namespace attnviz
