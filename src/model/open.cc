#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "attnviz/error.h"
#include "attnviz/file.h"
#include "attnviz/model.h"
#include "model/module.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

/// The module lies beside the program in a build tree, in lib/attnviz of its prefix once installed.
fs::path module_path() {
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path();
  for (const fs::path& place : {program, program.parent_path() / ATTNVIZ_MODULE_DIRECTORY}) {
    if (is_there(place / kModuleName)) return place / kModuleName;
  }
  throw Error(std::string(kModuleName) + ": not found beside " + program.string(),
              "build with libtorch (cmake --preset release), or reinstall");
}

/// For libtorch, which reads it when it is opened; the user's own settings come first. Before main: once
/// there are threads, another may be reading the environment.
[[gnu::constructor]] void set_up_libraries() {
  // libgomp's threads spin for up to a millisecond at the end of each parallel loop: on a busy machine a
  // forward pass of 10 ms took 400 ms.
  if (!std::getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "1000", /*overwrite=*/0);
  // libtorch then asks for huge pages under its large tensors: a batch's states are allocated anew in every
  // layer, and touching their pages took a tenth of the forward pass.
  setenv("THP_MEM_ALLOC_ENABLE", "1", /*overwrite=*/0);
}

/// Opened once and never closed: libtorch registers destructors that need it until the end.
const ModuleFunctions& module_functions() {
  static const ModuleFunctions* const functions = [] {
    const fs::path path = module_path();
    void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* const symbol = handle ? dlsym(handle, kModuleSymbol) : nullptr;
    if (!symbol) {
      throw Error(path.string() + ": can't be opened: " + dlerror(),
                  "libtorch may have moved: configure and build again");
    }
    const auto* const found = static_cast<const ModuleFunctions*>(symbol);
    found->share_watched_files(watched_files());
    return found;
  }();
  return *functions;
}

}  // namespace

std::unique_ptr<Model> open_model(const ModelCard& card, const ModelOptions& options) {
  return module_functions().open(card, options);
}

std::string torch_version() { return module_functions().version(); }

}  // namespace attnviz
