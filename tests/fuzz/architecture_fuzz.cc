// Whatever a config.json says: an Error, or sizes that a forward pass can be made of.
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "attnviz/error.h"
#include "model/torch/architecture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::int64_t kMost = attnviz::Config::kLargestSize;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const attnviz::Architecture read = attnviz::read_architecture(attnviz::Config(text, "fuzz"));
    for (const std::int64_t width : {read.heads, read.key_heads, read.head_size, read.hidden, read.embedding,
                                     read.inner / 4, read.vocabulary, read.positions}) {
      if (width < 0 || width > kMost + 2) std::abort();
    }
    if (read.heads % read.key_heads != 0 || read.max_tokens() < 1 || read.max_tokens() > kMost) std::abort();
    if (read.layers.empty() || read.layers.size() > attnviz::Config::kMostLayersOrHeads) std::abort();
    for (const attnviz::LayerPlan& layer : read.layers) {
      if (!std::isfinite(layer.scale) || layer.window < 0 || layer.window > kMost) std::abort();
    }
    for (const float frequency : read.rotary.frequencies) {
      if (!std::isfinite(frequency)) std::abort();
    }
  } catch (const attnviz::Error&) {
  }
  return 0;
}
