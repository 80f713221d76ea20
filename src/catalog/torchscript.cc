#include "catalog/torchscript.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "attnviz/catalog.h"
#include "attnviz/error.h"
#include "attnviz/file.h"
#include "catalog/archive.h"
#include "catalog/pickle.h"
#include "catalog/script_source.h"

// torch/csrc/jit/serialization/import.cpp: a load unpickles constants.pkl and data.pkl, and compiles of code/
// what they name. It would run a class's __setstate__, and the defaults of arguments.

namespace attnviz {
namespace {

/// What every TorchScript archive has, and a file of torch.save has not.
constexpr std::string_view kConstants = "constants.pkl";
constexpr std::string_view kData = "data.pkl";
/// A model of 100 layers has some 2 MB of each.
constexpr std::uint64_t kLargestProgram = std::uint64_t{64} << 20;

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

std::string unpacked(const ArchiveEntry& entry) {
  if (entry.size > kLargestProgram) {
    throw Error("unpacks to " + std::to_string(entry.size) + " bytes, expected at most " +
                std::to_string(kLargestProgram));
  }
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

/// The name without the archive's own, which is the first entry's up to the slash.
std::string_view inner_name(std::string_view name, std::string_view prefix) {
  if (!prefix.empty() && name.starts_with(prefix)) return name.substr(prefix.size());
  throw Error("\"" + std::string(name) + "\" lies outside its folder \"" + std::string(prefix) + "\"");
}

/// Sizes of the records that a pickle's storages may name.
StorageSizes storage_sizes(std::span<const ArchiveEntry> entries, const std::string& folder) {
  StorageSizes sizes;
  for (const ArchiveEntry& entry : entries) {
    if (entry.name.starts_with(folder)) sizes.emplace(entry.name.substr(folder.size()), entry.size);
  }
  return sizes;
}

void check_program_entry(const ArchiveEntry& entry, std::string_view inner,
                         std::span<const ArchiveEntry> entries) {
  if (!is_known(inner)) throw Error("is not among what torch.jit.save writes");
  if (is_source(inner)) {
    check_source(unpacked(entry));
  } else if (inner == kData || inner == kConstants) {
    std::string folder(entry.name);
    folder.replace(folder.size() - 4, 4, "/");  // of "m/data.pkl" it is "m/data/"
    check_pickle(unpacked(entry), storage_sizes(entries, folder));
  }
}

void check_program(std::span<const std::byte> archive) {
  const std::vector<ArchiveEntry> entries = read_archive(archive);
  const std::string_view first = entries.empty() ? "" : entries[0].name;
  const std::string_view prefix = first.substr(0, first.find('/') + 1);
  for (const ArchiveEntry& entry : entries) {
    const std::string_view inner = inner_name(entry.name, prefix);
    try {
      check_program_entry(entry, inner, entries);
    } catch (const SourceFault& fault) {
      throw Error(std::string(inner) + ":" + std::to_string(fault.line) + ": " + fault.what());
    } catch (const Error& fault) {
      throw Error(std::string(inner) + ": " + fault.what());
    }
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
  try {
    check_program(archive);
  } catch (const Error& error) {
    throw Error(name + ": not run: " + error.what(),
                "if you trust it as you would a program, --trust-model runs it");
  }
}

void check_archive(const std::filesystem::path& path) {
  const MappedFile file(path);
  check_archive_bytes(file.bytes(), path.string());
}

void check_program(const std::filesystem::path& path) {
  const MappedFile file(path);
  check_program_bytes(file.bytes(), path.string());
}

}  // namespace attnviz
