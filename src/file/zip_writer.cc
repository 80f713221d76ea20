#include <array>
#include <cstring>
#include <utility>

#include "attnviz/file.h"
#include "file/zip_format.h"

namespace attnviz {
namespace {

constexpr std::uint16_t kVersion = 20;
constexpr std::uint16_t kZip64Version = 45;
constexpr std::uint16_t kFirstOfJanuary1980 = 1 << 5 | 1;

/// Appends numbers as zip has them: little-endian, without gaps.
class Record {
 public:
  template <class Number>
  Record& add(Number number) {
    for (std::size_t i = 0; i < sizeof number; ++i) bytes_ += static_cast<char>(number >> (8 * i) & 0xFF);
    return *this;
  }
  Record& add(const std::string& bytes) {
    bytes_ += bytes;
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// What a local header and a directory record have in common, from the version to the extra field's length.
Record common_fields(std::uint32_t checksum, std::uint32_t size, std::size_t name_bytes,
                     std::size_t extra_bytes) {
  Record record;
  record.add(extra_bytes != 0 ? kZip64Version : kVersion);
  record.add(std::uint16_t{0}).add(std::uint16_t{0});  // no flags, stored
  record.add(std::uint16_t{0}).add(kFirstOfJanuary1980);
  record.add(checksum).add(size).add(size);
  record.add(static_cast<std::uint16_t>(name_bytes)).add(static_cast<std::uint16_t>(extra_bytes));
  return record;
}

/// The ZIP64 extra field; empty for no numbers.
std::string zip64_field(const std::vector<std::uint64_t>& numbers) {
  if (numbers.empty()) return {};
  Record field;
  field.add(kZip64Field).add(static_cast<std::uint16_t>(numbers.size() * sizeof(std::uint64_t)));
  for (const std::uint64_t number : numbers) field.add(number);
  return field.bytes();
}

constexpr std::size_t kSlices = 8;

/// table[k][byte]: the checksum of `byte` with k zero bytes behind it, so that eight bytes are taken at once
/// (Kounavis and Berry 2005, "slicing-by-8").
constexpr auto kChecksums = [] {
  std::array<std::array<std::uint32_t, 256>, kSlices> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit) remainder = (remainder >> 1) ^ (remainder & 1 ? 0xEDB88320U : 0U);
    table[0][byte] = remainder;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t shorter = table[slice - 1][byte];
      table[slice][byte] = (shorter >> 8) ^ table[0][shorter & 0xFF];
    }
  }
  return table;
}();

}  // namespace

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) {
  std::uint32_t remainder = ~before;
  while (bytes.size() >= kSlices) {
    std::array<unsigned char, kSlices> next{};
    std::memcpy(next.data(), bytes.data(), kSlices);
    for (std::size_t i = 0; i < sizeof remainder; ++i) next[i] ^= remainder >> (8 * i) & 0xFF;
    remainder = 0;
    for (std::size_t i = 0; i < kSlices; ++i) remainder ^= kChecksums[kSlices - 1 - i][next[i]];
    bytes.remove_prefix(kSlices);
  }
  for (const char byte : bytes) {
    remainder = (remainder >> 8) ^ kChecksums[0][(remainder ^ static_cast<unsigned char>(byte)) & 0xFF];
  }
  return ~remainder;
}

void ZipWriter::put(std::string_view bytes) {
  sink_(bytes);
  written_ += bytes.size();
}

/// What stands in front of the content.
void ZipWriter::begin(Entry entry) {
  const bool zip64 = entry.size >= first_zip64_;
  // A local header must hold both sizes, before and after a compression that there is none of.
  const std::string extra =
      zip64_field(zip64 ? std::vector{entry.size, entry.size} : std::vector<std::uint64_t>{});
  const std::uint32_t size = zip64 ? kSeeZip64 : static_cast<std::uint32_t>(entry.size);
  put(Record()
          .add(kLocalSignature)
          .add(common_fields(entry.checksum, size, entry.name.size(), extra.size()).bytes())
          .add(entry.name)
          .add(extra)
          .bytes());
  entries_.push_back(std::move(entry));
}

void ZipWriter::add(const std::string& name, std::initializer_list<std::string_view> pieces) {
  Entry entry{.name = name, .checksum = 0, .size = 0, .offset = written_};
  for (const std::string_view piece : pieces) {
    entry.checksum = crc32(piece, entry.checksum);
    entry.size += piece.size();
  }
  begin(std::move(entry));
  for (const std::string_view piece : pieces) put(piece);
}

void ZipWriter::add_known(const std::string& name, std::string_view content, std::uint32_t checksum) {
  begin({.name = name, .checksum = checksum, .size = content.size(), .offset = written_});
  put(content);
}

std::string ZipWriter::directory_record(const Entry& entry) const {
  std::vector<std::uint64_t> large;
  if (entry.size >= first_zip64_) large = {entry.size, entry.size};
  if (entry.offset >= first_zip64_) large.push_back(entry.offset);
  const std::string extra = zip64_field(large);
  const auto fitting = [this](std::uint64_t number) {
    return number >= first_zip64_ ? kSeeZip64 : static_cast<std::uint32_t>(number);
  };
  return Record()
      .add(kDirectorySignature)
      .add(kZip64Version)
      .add(common_fields(entry.checksum, fitting(entry.size), entry.name.size(), extra.size()).bytes())
      .add(std::uint16_t{0})  // no comment, first disk, no attributes
      .add(std::uint16_t{0})
      .add(std::uint16_t{0})
      .add(std::uint32_t{0})
      .add(fitting(entry.offset))
      .add(entry.name)
      .add(extra)
      .bytes();
}

std::string ZipWriter::zip64_end(std::uint64_t directory_begin) const {
  return Record()
      .add(kZip64EndSignature)
      .add(kZip64EndBytes)
      .add(kZip64Version)
      .add(kZip64Version)
      .add(std::uint32_t{0})  // this disk, the directory's disk
      .add(std::uint32_t{0})
      .add(std::uint64_t{entries_.size()})
      .add(std::uint64_t{entries_.size()})
      .add(written_ - directory_begin)
      .add(directory_begin)
      .add(kZip64LocatorSignature)
      .add(std::uint32_t{0})
      .add(written_)
      .add(std::uint32_t{1})  // one disk in all
      .bytes();
}

void ZipWriter::finish() {
  const std::uint64_t begin = written_;
  for (const Entry& entry : entries_) put(directory_record(entry));
  const std::uint64_t size = written_ - begin;
  const bool zip64 = begin >= first_zip64_ || size >= first_zip64_ || entries_.size() >= kSeeZip64Count;
  if (zip64) put(zip64_end(begin));
  const auto count = zip64 ? kSeeZip64Count : static_cast<std::uint16_t>(entries_.size());
  put(Record()
          .add(kEndSignature)
          .add(std::uint32_t{0})  // this disk, the directory's disk
          .add(count)
          .add(count)
          .add(zip64 ? kSeeZip64 : static_cast<std::uint32_t>(size))
          .add(zip64 ? kSeeZip64 : static_cast<std::uint32_t>(begin))
          .add(std::uint16_t{0})
          .bytes());
}

}  // namespace attnviz
