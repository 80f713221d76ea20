#include "catalog/torchscript.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "attnviz/catalog.h"
#include "attnviz/error.h"
#include "attnviz/file.h"
#include "catalog/pickle.h"
#include "catalog/pickle_writer.h"
#include "catalog/script_source.h"

// torch/csrc/jit/serialization/import.cpp: a load unpickles constants.pkl and data.pkl, and compiles of code/
// what they name. It would run a class's __setstate__, and the defaults of arguments.

namespace attnviz {
namespace {

/// What every TorchScript archive has, and a file of torch.save has not.
constexpr std::string_view kConstants = "constants.pkl";
constexpr std::string_view kData = "data.pkl";
/// A model of 100 layers has some 2 MB of each.
constexpr std::uint64_t kLargestProgram = std::uint64_t{16} << 20;

/// What torch.jit.save writes, under the archive's own name; a load passes over some of it. Anything else
/// might be read, as model.json of old versions is.
constexpr std::array<std::string_view, 9> kFiles = {
    "data.pkl",          kConstants,      "traced_inputs.pkl",      "version",
    "byteorder",         ".data/version", ".data/serialization_id", ".format_version",
    ".storage_alignment"};
constexpr std::array<std::string_view, 4> kFolders = {"data/", "constants/", "traced_inputs/", "extra/"};

bool is_source(std::string_view name) { return name.starts_with("code/") && name.ends_with(".py"); }

bool is_known(std::string_view name) {
  const auto inside = [&](std::string_view folder) { return name.starts_with(folder); };
  return is_source(name) || (inside("code/") && name.ends_with(".py.debug_pkl")) ||
         std::find(kFiles.begin(), kFiles.end(), name) != kFiles.end() ||
         std::any_of(kFolders.begin(), kFolders.end(), inside);
}

std::string inflated(const ArchiveEntry& entry) {
  if (!entry.deflated) return {reinterpret_cast<const char*>(entry.stored.data()), entry.stored.size()};
  const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> decompressor(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (!decompressor) throw std::bad_alloc();
  std::string bytes(entry.size, '\0');
  if (libdeflate_deflate_decompress(decompressor.get(), entry.stored.data(), entry.stored.size(),
                                    bytes.data(), bytes.size(), nullptr) != LIBDEFLATE_SUCCESS) {
    throw Error("can't be unpacked to the " + std::to_string(entry.size) + " bytes that its header tells");
  }
  return bytes;
}

std::string unpacked(const ArchiveEntry& entry) {
  if (entry.size > kLargestProgram) {
    throw Error("unpacks to " + std::to_string(entry.size) + " bytes, expected at most " +
                std::to_string(kLargestProgram));
  }
  return inflated(entry);
}

/// The name without the archive's own, which is the first entry's up to the slash.
std::string_view inner_name(std::string_view name, std::string_view prefix) {
  if (!prefix.empty() && name.starts_with(prefix)) return name.substr(prefix.size());
  throw Error("\"" + std::string(name) + "\" lies outside its folder \"" + std::string(prefix) + "\"");
}

/// "__torch__.a.b" of "code/__torch__/a/b.py".
std::string qualifier_of(std::string_view source) {
  constexpr std::string_view kBefore = "code/", kBehind = ".py";
  std::string name(source.substr(kBefore.size(), source.size() - kBefore.size() - kBehind.size()));
  std::replace(name.begin(), name.end(), '/', '.');
  const auto is_plain = [](char letter) {
    return letter == '.' || letter == '_' || (letter >= '0' && letter <= '9') ||
           (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
  };
  const bool own = name == "__torch__" || name.starts_with("__torch__.");
  if (!own || !std::all_of(name.begin(), name.end(), is_plain)) {
    throw Error("is no source of its own classes");
  }
  return name;
}

/// The entries by their names without the archive's own.
class Entries {
 public:
  explicit Entries(std::span<const std::byte> archive) : all_(read_archive(archive)) {
    const std::string_view first = all_.empty() ? "" : all_[0].name;
    const std::string_view prefix = first.substr(0, first.find('/') + 1);
    for (const ArchiveEntry& entry : all_) by_name_.emplace(inner_name(entry.name, prefix), &entry);
  }

  [[nodiscard]] const ArchiveEntry* find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }
  [[nodiscard]] const auto& all() const { return by_name_; }

  /// Sizes of the records that a pickle's storages may name: those of data.pkl lie in "data/".
  [[nodiscard]] StorageSizes storage_sizes(const std::string& folder) const {
    StorageSizes sizes;
    for (const auto& [name, entry] : by_name_) {
      if (name.starts_with(folder)) sizes.emplace(name.substr(folder.size()), entry->size);
    }
    return sizes;
  }

 private:
  std::vector<ArchiveEntry> all_;
  std::map<std::string, const ArchiveEntry*, std::less<>> by_name_;
};

/// Does what is to do with an entry; a fault names it.
template <class Action>
auto at_entry(std::string_view name, Action&& action) {
  try {
    return action();
  } catch (const SourceFault& fault) {
    throw Error(std::string(name) + ":" + std::to_string(fault.line) + ": " + fault.what());
  } catch (const Error& fault) {
    throw Error(std::string(name) + ": " + fault.what());
  }
}

/// Of libtorch's format: operators that mean something else since then are read as they were meant.
std::string version_of(const Entries& entries, std::string_view name) {
  return at_entry(name, [&] {
    const std::string text = unpacked(*entries.find(name));
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    constexpr std::size_t kMostDigits = 3;
    if (digits == 0 || digits > kMostDigits || (digits < text.size() && text.substr(digits) != "\n")) {
      throw Error("holds no version");
    }
    return text.substr(0, digits) + "\n";
  });
}

/// Writes an archive of what is read of another. Its parts stand in the order of reading.
class Rewriting {
 public:
  explicit Rewriting(std::span<const std::byte> archive) : archive_(archive), entries_(archive) {}
  std::vector<ArchivePart> run();

 private:
  void take_sources();
  void take_pickles();
  using Write = std::function<WrittenPickle(const Pickle&)>;
  WrittenPickle take_pickle(const std::string& name, const Write& write);
  void take_storages(const std::string& folder, const std::vector<std::string>& names);
  void take_version();
  /// What lies in the archive stays there.
  void put(std::string_view bytes);

  std::span<const std::byte> archive_;
  Entries entries_;
  ScriptUnits units_;
  std::vector<ArchivePart> parts_ = std::vector<ArchivePart>(1);
  const Sink sink_ = [this](std::string_view bytes) { put(bytes); };
  ZipWriter writer_{sink_};
};

void Rewriting::put(std::string_view bytes) {
  const auto* const begin = reinterpret_cast<const std::byte*>(bytes.data());
  const std::less_equal<> not_behind;
  const bool lies_there = !bytes.empty() && not_behind(archive_.data(), begin) &&
                          not_behind(begin + bytes.size(), archive_.data() + archive_.size());
  if (lies_there) {
    parts_.push_back({.kept = bytes});
    parts_.emplace_back();
  } else {
    parts_.back().own += bytes;
  }
}

void Rewriting::take_sources() {
  std::uint64_t size = 0;
  for (const auto& [name, entry] : entries_.all()) {
    if (!is_known(name)) throw Error(name + ": is not among what torch.jit.save writes");
    if (!is_source(name)) continue;
    at_entry(name, [&] {
      size += entry->size;
      if (size > kLargestProgram) {
        throw Error("makes the sources larger than " + std::to_string(kLargestProgram) + " bytes");
      }
      writer_.add("m/" + name, {checked_source(unpacked(*entry), qualifier_of(name), units_)});
    });
  }
  check_mentions(units_);
}

WrittenPickle Rewriting::take_pickle(const std::string& name, const Write& write) {
  const ArchiveEntry* const entry = entries_.find(name);
  if (!entry) throw Error("it has no " + name + ", which torch.jit.save writes");
  const WrittenPickle written = at_entry(name, [&] {
    const std::string bytes = unpacked(*entry);
    return write(read_pickle(bytes));
  });
  writer_.add("m/" + name, {written.bytes});
  return written;
}

void Rewriting::take_pickles() {
  const StorageSizes of_data = entries_.storage_sizes("data/");
  const StorageSizes of_constants = entries_.storage_sizes("constants/");
  const auto constants = [&](const Pickle& pickle) { return write_constants(pickle, of_constants); };
  const auto module = [&](const Pickle& pickle) { return write_module(pickle, units_, of_data); };
  take_storages("constants/", take_pickle(std::string(kConstants), constants).storages);
  take_storages("data/", take_pickle(std::string(kData), module).storages);
}

/// Numbers are taken where they lie, and their checksums as they are told: libtorch looks at neither.
void Rewriting::take_storages(const std::string& folder, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const ArchiveEntry* const entry = entries_.find(folder + names[i]);
    if (!entry) continue;  // of no numbers
    const std::string name = "m/" + folder + std::to_string(i);
    if (entry->deflated) {
      writer_.add(name, {at_entry(folder + names[i], [&] { return inflated(*entry); })});
      continue;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(entry->stored.data()), entry->stored.size());
    writer_.add_known(name, bytes, entry->checksum);
  }
}

void Rewriting::take_version() {
  const auto order = entries_.find("byteorder");
  if (order && unpacked(*order) != "little") throw Error("byteorder: is not little, as this machine's");
  for (const std::string_view name : {".data/version", "version"}) {
    if (!entries_.find(name)) continue;
    writer_.add("m/" + std::string(name), {version_of(entries_, name)});
    return;
  }
  throw Error("it has no version, which torch.jit.save writes");
}

std::vector<ArchivePart> Rewriting::run() {
  take_version();
  take_sources();
  take_pickles();
  writer_.finish();
  return std::move(parts_);
}

/// A fault may quote what the file holds, which is nothing for a terminal.
template <class Action>
auto refusing(const std::string& name, Action&& action) {
  try {
    return action();
  } catch (const Error& error) {
    std::string fault = error.what();
    std::replace_if(fault.begin(), fault.end(), [](char byte) { return byte < ' ' || byte > '~'; }, '?');
    throw Error(name + ": not run: " + fault,
                "if you trust it as you would a program, --trust-model runs it");
  }
}

}  // namespace

void check_archive_bytes(std::span<const std::byte> archive, const std::string& name) {
  try {
    const auto is_mark = [](const ArchiveEntry& entry) {
      return entry.name.ends_with("/" + std::string(kConstants));
    };
    const std::vector<ArchiveEntry> entries = read_archive(archive);
    if (std::none_of(entries.begin(), entries.end(), is_mark)) {
      throw Error("it has no constants.pkl, which torch.jit.save writes");
    }
  } catch (const Error& error) {
    throw Error(name + ": not a usable TorchScript file: " + error.what(),
                "make one with scripts/export_model.py");
  }
}

void check_program_bytes(std::span<const std::byte> archive, const std::string& name) {
  refusing(name, [&] { static_cast<void>(written_anew(archive)); });
}

std::vector<ArchivePart> written_anew(std::span<const std::byte> archive) { return Rewriting(archive).run(); }

void check_archive(const std::filesystem::path& path) {
  const MappedFile file(path);
  check_archive_bytes(file.bytes(), path.string());
}

void check_program(const std::filesystem::path& path) {
  const MappedFile file(path);
  check_program_bytes(file.bytes(), path.string());
}

Program open_program(const std::filesystem::path& path, bool trusted) {
  Program program{MappedFile(path)};
  const std::span<const std::byte> bytes = program.file.bytes();
  check_archive_bytes(bytes, path.string());
  if (trusted) {
    program.pieces = {{reinterpret_cast<const char*>(bytes.data()), bytes.size()}};
    return program;
  }
  std::vector<ArchivePart> parts = refusing(path.string(), [&] { return written_anew(bytes); });
  program.written.reserve(parts.size());
  for (ArchivePart& part : parts) {
    if (part.kept.empty()) {
      program.pieces.push_back(program.written.emplace_back(std::move(part.own)));
    } else {
      program.pieces.push_back(part.kept);
    }
  }
  return program;
}

}  // namespace attnviz
