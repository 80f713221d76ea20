#include <glib.h>

#include <memory>

#include "attnviz/file.h"
#include "file/blocks.h"

namespace attnviz {

std::string sha256_of(std::string_view bytes) {
  const std::unique_ptr<gchar, decltype(&g_free)> digest(
      g_compute_checksum_for_data(G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(bytes.data()),
                                  bytes.size()),
      &g_free);
  return digest.get();
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const std::unique_ptr<GChecksum, decltype(&g_checksum_free)> checksum(g_checksum_new(G_CHECKSUM_SHA256),
                                                                        &g_checksum_free);
  for_each_block(open_to_read(path), path, [&](std::string_view block) {
    g_checksum_update(checksum.get(), reinterpret_cast<const guchar*>(block.data()),
                      static_cast<gssize>(block.size()));
  });
  return g_checksum_get_string(checksum.get());
}

}  // namespace attnviz
