#include "manifest/merge_source.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include "attnviz/error.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

/// More are not one run's: each is a process.
constexpr std::size_t kMostShards = 100'000;

/// Of "manifest-3-of-16.jsonl"; nothing of any other name.
std::optional<Shard> shard_of(const std::string& name) {
  const std::string start = "manifest-", middle = "-of-";
  const std::size_t of = name.find(middle);
  if (!name.starts_with(start) || of == std::string::npos) return std::nullopt;
  Shard shard;
  std::from_chars(name.data() + start.size(), name.data() + of, shard.number);
  std::from_chars(name.data() + of + middle.size(), name.data() + name.size(), shard.count);
  const bool sound = shard.number >= 1 && shard.number <= shard.count && shard.count <= kMostShards;
  if (!sound || shard.is_whole() || manifest_name(shard) != name) return std::nullopt;
  return shard;
}

std::vector<Shard> shards_in(const fs::path& directory) {
  std::vector<Shard> shards;
  std::error_code fault;
  for (fs::directory_iterator entry(directory, fault), end; !fault && entry != end; entry.increment(fault)) {
    if (const auto shard = shard_of(entry->path().filename().string())) shards.push_back(*shard);
  }
  if (fault) throw Error(directory.string() + ": can't be read: " + fault.message());
  std::sort(shards.begin(), shards.end(),
            [](Shard a, Shard b) { return std::pair(a.count, a.number) < std::pair(b.count, b.number); });
  if (!shards.empty()) return shards;
  if (fs::exists(directory / manifest_name({}))) return {Shard{}};
  throw Error(directory.string() + ": there is no run's manifest", "name directories that runs wrote to");
}

Source source_in(const fs::path& directory, Shard shard) {
  const fs::path run_path = directory / run_file_name(shard);
  Source source{directory, read_run_file(run_path), read_manifest(directory / manifest_name(shard))};
  if (source.run.shard != shard) {
    throw Error(run_path.string() + ": expected shard " + to_text(shard) + ", got " +
                to_text(source.run.shard));
  }
  return source;
}

}  // namespace

std::vector<Source> sources_in(std::span<const fs::path> directories) {
  std::vector<Source> sources;
  for (const fs::path& directory : directories) {
    for (const Shard shard : shards_in(directory)) sources.push_back(source_in(directory, shard));
  }
  if (sources.empty()) throw Error("merge: no directories", "name directories that runs wrote to");
  return sources;
}

}  // namespace attnviz
