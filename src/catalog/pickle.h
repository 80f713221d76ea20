/// A TorchScript archive's pickles, walked without making anything of them.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

namespace attnviz {

/// By the name that storages are called in a pickle: how many bytes the archive has of each.
using StorageSizes = std::map<std::string_view, std::uint64_t>;

/// Passes what torch.jit.save writes of modules: numbers, strings, lists, dictionaries, the archive's own
/// classes, and tensors that lie inside their storages, as libtorch does not check. Throws Error for any
/// other global or instruction, for what is nested too deep, and for bytes that are missing.
void check_pickle(std::string_view pickle, const StorageSizes& storages);

}  // namespace attnviz
