// Whatever the bytes: an Error, or tensors whose bytes lie inside them and fit their shapes.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "attention/safetensors_layout.h"
#include "attnviz/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span file(reinterpret_cast<const std::byte*>(data), size);
  try {
    for (const auto& [name, tensor] : attnviz::read_safetensors(file, "fuzz").tensors) {
      const bool inside = tensor.bytes.data() >= file.data() && tensor.bytes.size() <= file.size() &&
                          tensor.bytes.data() + tensor.bytes.size() <= file.data() + file.size();
      std::size_t elements = 1;
      for (const std::int64_t length : tensor.shape) elements *= static_cast<std::size_t>(length);
      if (!inside || (elements == 0) != tensor.bytes.empty() ||
          (elements != 0 && tensor.bytes.size() % elements != 0)) {
        std::abort();
      }
    }
  } catch (const attnviz::Error&) {
  }
  return 0;
}
