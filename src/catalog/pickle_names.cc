#include "catalog/pickle_names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace attnviz {
namespace {

constexpr std::string_view kClasses = "__torch__", kForeignClasses = "__torch__.torch.classes";

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kListBuilders = {
    {{"int", "torch.jit._pickle\nbuild_intlist"},
     {"float", "torch.jit._pickle\nbuild_doublelist"},
     {"bool", "torch.jit._pickle\nbuild_boollist"},
     {"Tensor", "torch.jit._pickle\nbuild_tensorlist"}}};

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 12> kStorages = {
    {{"torch\nFloatStorage", 4},
     {"torch\nDoubleStorage", 8},
     {"torch\nHalfStorage", 2},
     {"torch\nBFloat16Storage", 2},
     {"torch\nLongStorage", 8},
     {"torch\nIntStorage", 4},
     {"torch\nShortStorage", 2},
     {"torch\nCharStorage", 1},
     {"torch\nByteStorage", 1},
     {"torch\nBoolStorage", 1},
     {"torch\nComplexFloatStorage", 8},
     {"torch\nComplexDoubleStorage", 16}}};

/// A point-separated name, a line's end, a name.
bool is_plain(std::string_view global) {
  return std::all_of(global.begin(), global.end(), [](char letter) {
    return letter == '.' || letter == '_' || letter == '\n' || (letter >= '0' && letter <= '9') ||
           (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
  });
}

}  // namespace

std::string_view list_builder_of(std::string_view type) {
  for (const auto& [of, builder] : kListBuilders) {
    if (of == type) return builder;
  }
  return {};
}

bool is_list_builder(std::string_view function) {
  return std::any_of(kListBuilders.begin(), kListBuilders.end(),
                     [&](const auto& known) { return known.second == function; });
}

bool is_storage_type(std::string_view global) {
  return global.starts_with("torch\n") && global.ends_with("Storage");
}

std::uint64_t element_bytes(std::string_view storage_type) {
  for (const auto& [type, bytes] : kStorages) {
    if (type == storage_type) return bytes;
  }
  return 0;
}

bool is_own_class(std::string_view global) {
  const std::size_t line = global.find('\n');
  const std::string_view space = global.substr(0, line);
  return (space == kClasses || space.starts_with("__torch__.")) && !global.starts_with(kForeignClasses) &&
         global.find('.', line) == std::string_view::npos;
}

bool is_known_global(std::string_view global) {
  if (!is_plain(global)) return false;
  return global == kRebuildTensor || global == kRestoreType || global == kOrderedDictionary ||
         is_list_builder(global) || is_storage_type(global) || is_own_class(global);
}

}  // namespace attnviz
