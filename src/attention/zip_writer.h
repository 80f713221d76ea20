/// A zip archive of stored entries, written to a Sink without going back.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/file.h"

namespace attnviz {

/// PKWARE's APPNOTE 6.3.10. Sizes and offsets that do not fit 32 bits take the ZIP64 fields. The same
/// entries give the same bytes: every entry has the date that stands for none, 1980-01-01.
class ZipWriter {
 public:
  /// The first value that 32 bits can't hold beside their mark for "see ZIP64".
  static constexpr std::uint64_t kFirstZip64 = 0xFFFF'FFFF;

  /// `sink` must outlive the writer. `first_zip64` is lowered to see ZIP64 fields in small archives.
  explicit ZipWriter(const Sink& sink, std::uint64_t first_zip64 = kFirstZip64)
      : sink_(sink), first_zip64_(first_zip64) {}

  /// One entry: its content in pieces, one behind the other.
  void add(const std::string& name, std::initializer_list<std::string_view> pieces);

  /// The directory. Nothing may be added afterwards.
  void finish();

 private:
  struct Entry {
    std::string name;
    std::uint32_t checksum = 0;
    std::uint64_t size = 0, offset = 0;
  };

  void put(std::string_view bytes);
  [[nodiscard]] std::string directory_record(const Entry& entry) const;
  [[nodiscard]] std::string zip64_end(std::uint64_t directory_begin) const;

  const Sink& sink_;
  std::uint64_t first_zip64_;
  std::uint64_t written_ = 0;
  std::vector<Entry> entries_;
};

/// CRC-32 of ISO 3309, as zip takes it; `before` is that of the bytes in front.
[[nodiscard]] std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);

}  // namespace attnviz
