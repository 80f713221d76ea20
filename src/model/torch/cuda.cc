#include "model/torch/cuda.h"

#include <ATen/Context.h>
#include <dlfcn.h>

#include <filesystem>

namespace attnviz {

bool driver_has_gpu() {
  // As in CUDA's driver API, whose header is not needed for two functions.
  using Initialize = int (*)(unsigned flags);
  using CountDevices = int (*)(int* count);
  void* const driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!driver) return false;
  const auto initialize = reinterpret_cast<Initialize>(dlsym(driver, "cuInit"));
  const auto count_devices = reinterpret_cast<CountDevices>(dlsym(driver, "cuDeviceGetCount"));
  int count = 0;
  return initialize && count_devices && initialize(0) == 0 && count_devices(&count) == 0 && count > 0;
}

std::string open_cuda() {
  Dl_info linked{};
  if (dladdr(reinterpret_cast<void*>(&at::globalContext), &linked) == 0)
    return "libtorch's folder is unknown";
  const std::filesystem::path whole = std::filesystem::path(linked.dli_fname).replace_filename("libtorch.so");
  if (dlopen(whole.c_str(), RTLD_NOW | RTLD_LOCAL)) return {};
  const char* const words = dlerror();
  return words ? words : whole.string() + " can't be opened";
}

}  // namespace attnviz
