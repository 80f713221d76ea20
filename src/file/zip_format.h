/// What the records of a zip archive begin with and refer to (PKWARE's APPNOTE 6.3.10).
#pragma once

#include <cstdint>

namespace attnviz {

inline constexpr std::uint32_t kLocalSignature = 0x04034b50;
inline constexpr std::uint32_t kDirectorySignature = 0x02014b50;
inline constexpr std::uint32_t kEndSignature = 0x06054b50;
inline constexpr std::uint32_t kZip64EndSignature = 0x06064b50;
inline constexpr std::uint32_t kZip64LocatorSignature = 0x07064b50;
inline constexpr std::uint64_t kZip64EndBytes = 44;  ///< behind its signature and this number
inline constexpr std::uint16_t kZip64Field = 1;
inline constexpr std::uint32_t kSeeZip64 = 0xFFFF'FFFF;
inline constexpr std::uint16_t kSeeZip64Count = 0xFFFF;

}  // namespace attnviz
