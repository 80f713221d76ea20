/// A safetensors file's header: read, and checked against the file before any tensor is touched.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "attnviz/attention.h"

namespace attnviz {

struct SafetensorsLayout {
  std::map<std::string, TensorView, std::less<>> tensors;  ///< views into the file's bytes
  Provenance metadata;
};

/// Throws Error that begins with `name`, the file's.
[[nodiscard]] SafetensorsLayout read_safetensors(std::span<const std::byte> file, const std::string& name);

}  // namespace attnviz
