/// A TorchScript file, looked through before libtorch opens it.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace attnviz {

/// check_archive and check_program over a file in memory. Throw Error that begins with `name`.
void check_archive_bytes(std::span<const std::byte> archive, const std::string& name);
void check_program_bytes(std::span<const std::byte> archive, const std::string& name);

}  // namespace attnviz
