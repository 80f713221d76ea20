/// A TorchScript file, looked through before libtorch opens it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attnviz {

/// check_archive and check_program over a file in memory. Throw Error that begins with `name`.
void check_archive_bytes(std::span<const std::byte> archive, const std::string& name);
void check_program_bytes(std::span<const std::byte> archive, const std::string& name);

/// A part of an archive that is written anew: bytes of its own, or some that stay where they are.
struct ArchivePart {
  std::string own = {};
  std::string_view kept = {};  ///< counts where there are no own ones
};

/// What open_program() gives of such an archive, without pieces.
[[nodiscard]] std::vector<ArchivePart> written_anew(std::span<const std::byte> archive);

}  // namespace attnviz
