/// A zip archive's directory, checked before a program that trusts it reads it.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace attnviz {

/// check_archive over an archive in memory. Throws Error that begins with `name`.
void check_archive_bytes(std::span<const std::byte> archive, const std::string& name);

}  // namespace attnviz
