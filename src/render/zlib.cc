#include "render/zlib.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <new>

#include "attnviz/error.h"
#include "render/typesetter.h"

namespace attnviz {

using Compressor = Owned<libdeflate_compressor, libdeflate_free_compressor>;

Bytes deflated(std::string_view bytes, int level) {
  constexpr std::size_t kLevels = 13;
  // A compressor is hundreds of kilobytes: each thread keeps its own.
  thread_local std::array<Compressor, kLevels> compressors;
  Compressor& compressor = compressors.at(static_cast<std::size_t>(level));
  if (!compressor) compressor.reset(libdeflate_alloc_compressor(level));
  if (!compressor) throw std::bad_alloc();
  Bytes packed(libdeflate_zlib_compress_bound(compressor.get(), bytes.size()));
  packed.shrink(
      libdeflate_zlib_compress(compressor.get(), bytes.data(), bytes.size(), packed.begin(), packed.size()));
  return packed;
}

std::string inflated(std::string_view packed, std::size_t most) {
  constexpr std::size_t kMostTimes = 1032;  // DEFLATE's longest match, 258 bytes, takes at least 2 bits
  const Owned<libdeflate_decompressor, libdeflate_free_decompressor> decompressor(
      libdeflate_alloc_decompressor());
  if (!decompressor) throw std::bad_alloc();
  // How much comes out is said nowhere: room is doubled, to no more than such input could ever fill.
  for (std::size_t times = 8;; times *= 2) {
    const std::size_t room = std::min(most, packed.size() * std::min(times, kMostTimes));
    std::string bytes(room, '\0');
    std::size_t size = 0;
    const libdeflate_result result = libdeflate_zlib_decompress(
        decompressor.get(), packed.data(), packed.size(), bytes.data(), bytes.size(), &size);
    if (result == LIBDEFLATE_SUCCESS) {
      bytes.resize(size);
      return bytes;
    }
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE && room == most) {
      throw Error("more than " + std::to_string(most) + " bytes when decompressed");
    }
    if (result != LIBDEFLATE_INSUFFICIENT_SPACE || times >= kMostTimes) {
      throw Error("can't be decompressed: its bytes are broken");
    }
  }
}

}  // namespace attnviz
