/// The seam between the program and the module that links libtorch.
#pragma once

#include "attnviz/model.h"

namespace attnviz {

struct ModuleFunctions {
  std::unique_ptr<Model> (*open)(const ModelCard& card, const ModelOptions& options);
  std::string (*version)();
};

inline constexpr char kModuleName[] = "libattnviz_torch.so";
inline constexpr char kModuleSymbol[] = "attnviz_module";  ///< a ModuleFunctions with C linkage

}  // namespace attnviz
