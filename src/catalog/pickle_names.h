/// What a TorchScript archive's pickles call by name: functions, types of storages, classes. A name is
/// "module\nname".
#pragma once

#include <cstdint>
#include <string_view>

namespace attnviz {

/// Functions that a pickle may call, beside those that make lists: all make values of their arguments.
inline constexpr std::string_view kRebuildTensor = "torch._utils\n_rebuild_tensor_v2";
inline constexpr std::string_view kRestoreType = "torch.jit._pickle\nrestore_type_tag";
inline constexpr std::string_view kOrderedDictionary = "collections\nOrderedDict";

/// What makes a list of "int", "float", "bool" or "Tensor"; empty for other types.
[[nodiscard]] std::string_view list_builder_of(std::string_view type);
[[nodiscard]] bool is_list_builder(std::string_view function);

[[nodiscard]] bool is_storage_type(std::string_view global);
/// Of one of a storage's numbers; 0 for a type that is not known here.
[[nodiscard]] std::uint64_t element_bytes(std::string_view storage_type);

/// Of the archive's own sources.
[[nodiscard]] bool is_own_class(std::string_view global);

/// Whether it is any of these.
[[nodiscard]] bool is_known_global(std::string_view global);

}  // namespace attnviz
