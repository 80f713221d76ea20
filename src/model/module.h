/// The seam between the program and the module that links libtorch.
#pragma once

#include "attnviz/file.h"
#include "attnviz/model.h"

namespace attnviz {

struct ModuleFunctions {
  /// Called first: the module has a file room of its own.
  void (*share_watched_files)(WatchedFiles& of_program);
  std::unique_ptr<Model> (*open)(const ModelCard& card, const ModelOptions& options);
  std::string (*version)();
};

inline constexpr char kModuleName[] = "libattnviz_torch.so";
inline constexpr char kModuleSymbol[] = "attnviz_module";  ///< a ModuleFunctions with C linkage

}  // namespace attnviz
