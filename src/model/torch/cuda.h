/// What computes on a GPU: a library of its own, opened when a GPU is to be used. It takes a second and
/// hundreds of megabytes, and a machine without a GPU may lack what it needs.
#pragma once

#include <string>

namespace attnviz {

/// Whether the machine's CUDA driver knows a GPU. False without a driver.
[[nodiscard]] bool driver_has_gpu();

/// Opens the rest of libtorch, which lies beside the part that the module is linked with: in a build with
/// CUDA, CUDA's operators. To be called before libtorch is first asked for a GPU, since it keeps the answer.
/// Gives the loader's words if that failed, else nothing.
[[nodiscard]] std::string open_cuda();

}  // namespace attnviz
