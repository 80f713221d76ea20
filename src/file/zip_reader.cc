#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/file.h"
#include "file/zip_format.h"

// Where readers may differ about a damaged archive (two end records, sizes told twice), it is refused: what
// is checked here must be what libtorch reads.

namespace attnviz {
namespace {

constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kZip64LocatorBytes = 20;
constexpr std::size_t kDirectoryRecordBytes = 46;
constexpr std::size_t kLongestComment = 0xFFFF;
constexpr std::uint16_t kEncrypted = 1 << 0 | 1 << 6 | 1 << 13;
constexpr std::uint16_t kSizesFollowData = 1 << 3;
constexpr std::uint16_t kStored = 0, kDeflated = 8;
/// No more than this comes out of one deflated byte (RFC 1951: 258 bytes from two bits).
constexpr std::uint64_t kMostExpansion = 1032;
/// TorchScript deflates its sources only; weights compressed by someone else shrink by a few percent.
constexpr std::uint64_t kLargestInflated = std::uint64_t{1} << 30;
constexpr std::uint64_t kMostInflatedPerByte = 4;

[[noreturn]] void refuse(const std::string& fault) { throw Error(fault); }

/// Little-endian fields, read one behind the other and never past the end.
class Fields {
 public:
  Fields(std::span<const std::byte> bytes, std::uint64_t begin, const char* what) : what_(what) {
    if (begin > bytes.size()) refuse(std::string(what_) + " lies outside the file");
    bytes_ = bytes.subspan(begin);
  }

  template <class Number>
  Number take() {
    Number number{};
    std::memcpy(&number, take(sizeof number).data(), sizeof number);
    return number;
  }

  std::string_view take(std::size_t count) {
    if (count > bytes_.size()) refuse(std::string(what_) + " is cut short");
    const std::string_view taken(reinterpret_cast<const char*>(bytes_.data()), count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }

  [[nodiscard]] std::size_t left() const { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
  const char* what_;
};

struct Directory {
  std::uint64_t entries = 0, size = 0, begin = 0;
  std::uint64_t end = 0;  ///< where the records behind it begin
};

/// What a directory record and the local header it points to both say.
struct Entry {
  std::string_view name;
  std::uint16_t flags = 0, method = 0;
  std::uint32_t checksum = 0;
  std::uint64_t stored_size = 0, size = 0;
  std::uint64_t offset = 0;  ///< of the local header
  std::uint64_t end = 0;     ///< behind the data
};

std::string in_quotes(std::string_view name) {
  constexpr std::size_t longest = 100;
  std::string text = "\"";
  for (const char byte : name.substr(0, longest)) text += byte < 0x20 || byte == 0x7F ? '?' : byte;
  return text + (name.size() > longest ? "…\"" : "\"");
}

/// libtorch looks entries up without regard to case.
std::string in_lower_case(std::string_view name) {
  std::string lower(name);
  for (char& letter : lower) letter = letter >= 'A' && letter <= 'Z' ? char(letter - 'A' + 'a') : letter;
  return lower;
}

/// Numbers told in 16 or 32 bits, where they do not refer to ZIP64, must be those told in 64.
template <class Short>
void check_agreement(Short brief, std::uint64_t full, Short see_zip64, const char* what) {
  if (brief != see_zip64 && brief != full) refuse(std::string("its end records tell two ") + what);
}

std::uint64_t find_end(std::span<const std::byte> archive) {
  if (archive.size() < kEndBytes) refuse("no zip archive");
  const std::size_t last = archive.size() - kEndBytes;
  const std::size_t first = last > kLongestComment ? last - kLongestComment : 0;
  for (std::size_t offset = last + 1; offset-- > first;) {
    std::uint32_t signature = 0;
    std::memcpy(&signature, archive.data() + offset, sizeof signature);
    if (signature == kEndSignature) return offset;
  }
  refuse("no zip archive");
}

Directory read_zip64_end(std::span<const std::byte> archive, std::uint64_t locator_offset) {
  Fields locator(archive, locator_offset + sizeof kZip64LocatorSignature, "its ZIP64 locator");
  const auto disk = locator.take<std::uint32_t>();
  const auto offset = locator.take<std::uint64_t>();
  if (disk != 0 || locator.take<std::uint32_t>() > 1) refuse("it is a part of several");
  Fields end(archive.first(locator_offset), offset, "its ZIP64 end record");
  if (end.take<std::uint32_t>() != kZip64EndSignature)
    refuse("its ZIP64 end record is not where it should be");
  const auto rest = end.take<std::uint64_t>();
  if (end.left() != rest || rest != kZip64EndBytes) {
    refuse("its ZIP64 end record is not of the size it should be");
  }
  end.take<std::uint32_t>();  // versions
  if (end.take<std::uint64_t>() != 0) refuse("it is a part of several");
  Directory directory;
  const auto entries_here = end.take<std::uint64_t>();
  directory.entries = end.take<std::uint64_t>();
  if (entries_here != directory.entries) refuse("it is a part of several");
  directory.size = end.take<std::uint64_t>();
  directory.begin = end.take<std::uint64_t>();
  directory.end = offset;
  return directory;
}

Directory read_end(std::span<const std::byte> archive) {
  const std::uint64_t end_offset = find_end(archive);
  Fields end(archive, end_offset + sizeof kEndSignature, "its end record");
  if (end.take<std::uint32_t>() != 0) refuse("it is a part of several");
  const auto entries_here = end.take<std::uint16_t>();
  const auto entries = end.take<std::uint16_t>();
  const auto size = end.take<std::uint32_t>();
  const auto begin = end.take<std::uint32_t>();
  if (entries_here != entries) refuse("it is a part of several");
  if (end.take<std::uint16_t>() != end.left()) refuse("bytes follow its end record");

  Directory directory{.entries = entries, .size = size, .begin = begin, .end = end_offset};
  if (end_offset >= kZip64LocatorBytes) {
    Fields locator(archive, end_offset - kZip64LocatorBytes, "its ZIP64 locator");
    if (locator.take<std::uint32_t>() == kZip64LocatorSignature) {
      directory = read_zip64_end(archive, end_offset - kZip64LocatorBytes);
      check_agreement(entries, directory.entries, kSeeZip64Count, "numbers of entries");
      check_agreement(size, directory.size, kSeeZip64, "sizes of its directory");
      check_agreement(begin, directory.begin, kSeeZip64, "places of its directory");
    }
  }
  if (directory.begin > directory.end || directory.end - directory.begin != directory.size) {
    refuse("its directory lies outside the file or is cut short");
  }
  if (directory.entries > directory.size / kDirectoryRecordBytes) {
    refuse("its directory is too small for " + std::to_string(directory.entries) + " entries");
  }
  return directory;
}

/// The ZIP64 extra field's numbers, taken in order by whoever refers to them.
std::optional<Fields> zip64_field(std::string_view extra, const Entry& entry) {
  std::optional<Fields> found;
  Fields fields(std::as_bytes(std::span(extra)), 0, "an extra field");
  while (fields.left() >= 4) {
    const auto kind = fields.take<std::uint16_t>();
    const auto length = fields.take<std::uint16_t>();
    const std::string_view content = fields.take(length);
    if (kind != kZip64Field) continue;
    if (found) refuse(in_quotes(entry.name) + " has two ZIP64 fields");
    found.emplace(std::as_bytes(std::span(content)), 0, "a ZIP64 field");
  }
  return found;
}

/// `brief`, or the next number of the ZIP64 field where it refers to that.
std::uint64_t full_number(std::uint32_t brief, std::optional<Fields>& zip64, const Entry& entry) {
  if (brief != kSeeZip64) return brief;
  if (!zip64) refuse(in_quotes(entry.name) + " refers to a ZIP64 field that it has not");
  return zip64->take<std::uint64_t>();
}

Entry read_directory_record(Fields& fields) {
  if (fields.take<std::uint32_t>() != kDirectorySignature) refuse("its directory is damaged");
  Entry entry;
  fields.take(4);  // versions
  entry.flags = fields.take<std::uint16_t>();
  entry.method = fields.take<std::uint16_t>();
  fields.take(4);  // time
  entry.checksum = fields.take<std::uint32_t>();
  const auto stored_size = fields.take<std::uint32_t>();
  const auto size = fields.take<std::uint32_t>();
  const auto name_bytes = fields.take<std::uint16_t>();
  const auto extra_bytes = fields.take<std::uint16_t>();
  const auto comment_bytes = fields.take<std::uint16_t>();
  const auto disk = fields.take<std::uint16_t>();
  fields.take(6);  // attributes
  const auto offset = fields.take<std::uint32_t>();
  entry.name = fields.take(name_bytes);
  std::optional<Fields> zip64 = zip64_field(fields.take(extra_bytes), entry);
  fields.take(comment_bytes);
  entry.size = full_number(size, zip64, entry);
  entry.stored_size = full_number(stored_size, zip64, entry);
  entry.offset = full_number(offset, zip64, entry);
  if (disk != 0) refuse("it is a part of several");
  return entry;
}

void check_name(std::string_view name) {
  const auto bad = [&](const char* why) { refuse("an entry's name " + in_quotes(name) + " " + why); };
  if (name.empty()) bad("is empty");
  if (name.find('\0') != std::string_view::npos) bad("holds a zero byte");
  if (name.find('\\') != std::string_view::npos) bad("holds a backslash");
  if (name.front() == '/' || (name.size() > 1 && name[1] == ':')) bad("is an absolute path");
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part == ".." || part == ".") bad("leads out of the archive");
    begin = end + 1;
  }
}

void check_entry(const Entry& entry) {
  check_name(entry.name);
  const auto bad = [&](const std::string& why) { refuse(in_quotes(entry.name) + " " + why); };
  if (entry.flags & kEncrypted) bad("is encrypted");
  if (entry.method != kStored && entry.method != kDeflated) {
    bad("is compressed by method " + std::to_string(entry.method) + ", expected none or deflate");
  }
  if (entry.method == kStored && entry.size != entry.stored_size) bad("is stored, yet has two sizes");
  if (entry.method == kDeflated && entry.size / kMostExpansion > entry.stored_size) {
    bad("can't hold " + std::to_string(entry.size) + " bytes in " + std::to_string(entry.stored_size));
  }
}

/// Compares with the local header, and finds where the data end.
void read_local_header(std::span<const std::byte> before_directory, Entry& entry) {
  const auto bad = [&](const char* why) { refuse(in_quotes(entry.name) + " " + why); };
  Fields fields(before_directory, entry.offset, "an entry");
  if (fields.take<std::uint32_t>() != kLocalSignature) bad("is not where the directory says");
  fields.take(2);  // version
  const auto flags = fields.take<std::uint16_t>();
  const auto method = fields.take<std::uint16_t>();
  fields.take(4);  // time
  const auto checksum = fields.take<std::uint32_t>();
  const auto stored_size = fields.take<std::uint32_t>();
  const auto size = fields.take<std::uint32_t>();
  const auto name_bytes = fields.take<std::uint16_t>();
  const auto extra_bytes = fields.take<std::uint16_t>();
  if (fields.take(name_bytes) != entry.name) bad("has another name in front of its data");
  const std::string_view extra = fields.take(extra_bytes);
  if (method != entry.method || flags != entry.flags) bad("is described in two ways");
  // Written as a stream, it tells its checksum and sizes behind its data only, and zeros here.
  const bool told_behind = (flags & kSizesFollowData) && checksum == 0;
  if (!told_behind) {
    std::optional<Fields> zip64 = zip64_field(extra, entry);
    const std::uint64_t full_size = full_number(size, zip64, entry);
    const std::uint64_t full_stored_size = full_number(stored_size, zip64, entry);
    if (checksum != entry.checksum || full_size != entry.size || full_stored_size != entry.stored_size) {
      bad("is described in two ways");
    }
  }
  if (entry.stored_size > fields.left()) bad("reaches past the end of the data");
  entry.end = before_directory.size() - fields.left() + entry.stored_size;
}

void check_no_overlap(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.offset < b.offset; });
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].offset < entries[i - 1].end) {
      refuse(in_quotes(entries[i].name) + " overlaps " + in_quotes(entries[i - 1].name));
    }
  }
}

void check_inflated_size(const std::vector<Entry>& entries, std::uint64_t archive_bytes) {
  const std::uint64_t most = std::max(kLargestInflated, kMostInflatedPerByte * archive_bytes);
  std::uint64_t total = 0;
  for (const Entry& entry : entries) {
    // No single one overflows the sum: it is at most kMostExpansion times the file's size.
    total += entry.size;
    if (total > most) refuse("its entries would unpack to more than " + std::to_string(most) + " bytes");
  }
}

}  // namespace

std::vector<ArchiveEntry> read_archive(std::span<const std::byte> archive) {
  const Directory directory = read_end(archive);
  std::vector<Entry> entries;
  std::set<std::string> names;
  Fields records(archive.first(directory.end), directory.begin, "its directory");
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    Entry entry = read_directory_record(records);
    check_entry(entry);
    if (!names.insert(in_lower_case(entry.name)).second) refuse(in_quotes(entry.name) + " is there twice");
    read_local_header(archive.first(directory.begin), entry);
    entries.push_back(entry);
  }
  if (records.left() != 0) refuse("its directory holds more than its entries");
  check_inflated_size(entries, archive.size());
  check_no_overlap(entries);
  std::vector<ArchiveEntry> read;
  for (const Entry& entry : entries) {
    read.push_back({entry.name, entry.size, entry.method == kDeflated, entry.checksum,
                    archive.subspan(entry.end - entry.stored_size, entry.stored_size)});
  }
  return read;
}

}  // namespace attnviz
