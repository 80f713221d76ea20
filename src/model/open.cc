#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "attnviz/error.h"
#include "attnviz/model.h"
#include "model/module.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

/// The module lies beside the program in a build tree, in lib/attnviz of its prefix once installed.
fs::path module_path() {
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path();
  for (const fs::path& place : {program, program.parent_path() / ATTNVIZ_MODULE_DIRECTORY}) {
    if (fs::exists(place / kModuleName)) return place / kModuleName;
  }
  throw Error(std::string(kModuleName) + ": not found beside " + program.string(),
              "build with libtorch (cmake --preset release), or reinstall");
}

/// libgomp's threads spin for up to a millisecond at the end of each parallel loop: on a busy machine a
/// forward pass of 10 ms took 400 ms. It reads its settings when it is loaded; the user's own come first.
void let_threads_sleep_early() {
  if (!std::getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "1000", /*overwrite=*/0);
}

/// libtorch's start registers its operators in several hundred thousand small allocations, while the kernel
/// hands out the heap a page at a time. Huge pages save three quarters of these faults, an eighth of a
/// picture's time.
void prepare_heap() {
  constexpr std::uintptr_t kHugePage = 2 << 20;
  constexpr int kHeap = 96 << 20;
  constexpr int kMostOnHeap = 32 << 20;  // where glibc's own adjustment ends, which mallopt turns off
  mallopt(M_MMAP_THRESHOLD, kMostOnHeap);
  mallopt(M_TRIM_THRESHOLD, 2 * kHeap);
  mallopt(M_TOP_PAD, kHeap);
  const void* const before = sbrk(0);
  void* volatile const block = std::malloc(kMostOnHeap / 2);  // the heap grows by that and the padding
  std::free(block);
  const auto begin = (reinterpret_cast<std::uintptr_t>(before) + kHugePage - 1) / kHugePage * kHugePage;
  const auto end = reinterpret_cast<std::uintptr_t>(sbrk(0)) / kHugePage * kHugePage;
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
  mallopt(M_TOP_PAD, 1 << 20);
}

/// Opened once and never closed: libtorch registers destructors that need it until the end.
const ModuleFunctions& module_functions() {
  static const ModuleFunctions* const functions = [] {
    const fs::path path = module_path();
    let_threads_sleep_early();
    prepare_heap();
    void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* const symbol = handle ? dlsym(handle, kModuleSymbol) : nullptr;
    if (!symbol) {
      throw Error(path.string() + ": can't be opened: " + dlerror(),
                  "libtorch may have moved: configure and build again");
    }
    return static_cast<const ModuleFunctions*>(symbol);
  }();
  return *functions;
}

}  // namespace

std::unique_ptr<Model> open_model(const ModelCard& card, const ModelOptions& options) {
  return module_functions().open(card, options);
}

std::string torch_version() { return module_functions().version(); }

}  // namespace attnviz
