#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>
#include <set>
#include <system_error>
#include <utility>

#include "attnviz/error.h"
#include "attnviz/manifest.h"
#include "attnviz/text.h"
#include "manifest/merge_source.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPart = ".manifest-merge-part-";

/// Collects what keeps shards from being one run; all of it is said at once.
class Faults {
 public:
  void add(const std::string& fault) { text_ += (text_.empty() ? "" : "; ") + fault; }

  void expect_none(const fs::path& out) const {
    if (text_.empty()) return;
    throw Error(out.string() + ": the shards are not one whole run: " + text_,
                "finish each shard with --resume, then merge again");
  }

 private:
  std::string text_;
};

void check_settings(const std::vector<Source>& sources, Faults& faults) {
  const Source& first = sources.front();
  for (const Source& source : sources) {
    const std::string other = difference(first.run.settings, source.run.settings);
    if (!other.empty()) faults.add(source.name() + " had other settings than " + first.name() + ": " + other);
  }
}

void check_shards(const std::vector<Source>& sources, Faults& faults) {
  const std::size_t count = sources.front().run.shard.count;
  std::vector<const Source*> found(count);
  for (const Source& source : sources) {
    const Shard shard = source.run.shard;
    if (shard.count != count) {
      faults.add(source.name() + " is shard " + to_text(shard) + ", expected one of " +
                 std::to_string(count));
    } else if (const Source*& other = found[shard.number - 1]) {
      faults.add("shard " + to_text(shard) + " is there twice: " + other->name() + " and " + source.name());
    } else {
      other = &source;
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!found[i]) faults.add("shard " + to_text(Shard{i + 1, count}) + " is missing");
  }
}

/// The input's rows, as the shards that are finished have them.
std::optional<std::size_t> rows_of(const std::vector<Source>& sources, Faults& faults) {
  const Source* counted = nullptr;
  for (const Source& source : sources) {
    if (!source.run.rows) continue;
    if (!counted) counted = &source;
    if (counted->run.rows != source.run.rows) {
      faults.add(source.name() + " has read " + std::to_string(*source.run.rows) + " rows, " +
                 counted->name() + " " + std::to_string(*counted->run.rows));
    }
  }
  return counted ? counted->run.rows : std::nullopt;
}

/// A shard's entries are the first it is to have, in order: what it lacks are the ones behind them.
void check_indexes(const Source& source, std::optional<std::size_t> rows, Faults& faults) {
  const auto [number, count] = source.run.shard;
  for (std::size_t i = 0; i < source.entries.size(); ++i) {
    const std::size_t expected = number - 1 + i * count, got = source.entries[i].index;
    if (expected == got) continue;
    faults.add(source.name() + ":" + std::to_string(i + 1) + ": expected index " + std::to_string(expected) +
               ", got " + std::to_string(got));
    return;
  }
  const std::size_t next = number - 1 + source.entries.size() * count;
  if (rows && next >= *rows + count) {
    faults.add(source.name() + " has more items than the input's " + std::to_string(*rows));
  } else if (rows && next < *rows) {
    const std::size_t last = next + (*rows - 1 - next) / count * count;
    std::string lacks = source.name() + " lacks index " + std::to_string(next);
    if (last > next) lacks += " to " + std::to_string(last);
    if (last > next && count > 1) lacks += " in steps of " + std::to_string(count);
    faults.add(lacks);
  } else if (!source.run.rows) {
    faults.add(source.name() + " is not finished: nothing says that index " + std::to_string(next) +
               " is not to come");
  }
}

void check_files(const Source& source, Faults& faults) {
  for (const ManifestEntry& entry : source.entries) {
    if (entry.file.empty()) continue;
    const fs::path path = source.directory / entry.file;
    std::error_code fault;
    if (!fs::exists(path, fault)) {
      faults.add("index " + std::to_string(entry.index) + ": " + path.string() + " is missing");
    } else if (sha256_of_file(path) != entry.sha256) {
      faults.add("index " + std::to_string(entry.index) + ": " + path.string() +
                 " is not what its run wrote");
    }
  }
}

void check(const std::vector<Source>& sources, const fs::path& out) {
  Faults faults;
  check_settings(sources, faults);
  check_shards(sources, faults);
  const std::optional<std::size_t> rows = rows_of(sources, faults);
  for (const Source& source : sources) check_indexes(source, rows, faults);
  for (const Source& source : sources) check_files(source, faults);
  faults.expect_none(out);
}

/// An entry, and where its file is.
using Located = std::pair<const fs::path*, const ManifestEntry*>;

/// Gives `out` the entry's file. What has its name there and its digest is left alone.
void bring_file(const fs::path& from, const ManifestEntry& entry, const fs::path& out) {
  const fs::path to = out / entry.file;
  std::error_code fault;
  if (fs::exists(to, fault)) {
    if (fs::equivalent(from, to, fault) || sha256_of_file(to) == entry.sha256) return;
  } else if (::link(from.c_str(), to.c_str()) == 0) {
    return;
  }
  const std::string bytes = read_file(from);
  const NamedFile file{entry.file, bytes};
  write_files(out, {&file, 1}, kPart);
}

/// A JSON document on one line: line ends in it are white space between its members.
std::string on_one_line(std::string json) {
  json.erase(json.find_last_not_of(" \t\r\n") + 1);
  std::replace_if(
      json.begin(), json.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return json + "\n";
}

/// The .json files of the items, one on each line, piece by piece; nothing where there are none. They lie in
/// each item's directory.
void each_analysis(const std::vector<Located>& entries, const std::function<void(const std::string&)>& use) {
  for (const auto& [directory, entry] : entries) {
    if (entry->file.ends_with(".json")) use(on_one_line(read_file(*directory / entry->file)));
  }
}

void write_analyses(const std::vector<Located>& entries, const fs::path& out) {
  std::optional<OutputFile> lines;
  each_analysis(entries, [&](const std::string& line) {
    if (!lines) lines.emplace(out / "analysis.jsonl");
    lines->write(line);
  });
  if (lines) lines->commit();
}

/// Whether analysis.jsonl is as this merge would write it: one that was killed may have.
bool has_these_analyses(const std::vector<Located>& entries, const fs::path& path) {
  expect_regular_file(path);
  std::ifstream file(path, std::ios::binary);
  bool same = true;
  each_analysis(entries, [&](const std::string& line) {
    std::string found(line.size(), '\0');
    same = same && file.read(found.data(), static_cast<std::streamsize>(found.size())) && found == line;
  });
  return same && file.peek() == std::ifstream::traits_type::eof();
}

/// Throws Error where a file would be replaced that no merge has written here, and no run.
void expect_no_others(const std::vector<Located>& entries, const fs::path& out) {
  expect_no_other_page(out);
  std::set<std::string> ours;
  const bool merged = is_there(out / manifest_name({}));
  if (merged) {
    for (const ManifestEntry& entry : read_manifest(out / manifest_name({}))) ours.insert(entry.file);
  }
  bool analyses = false;
  for (const auto& [directory, entry] : entries) {
    const fs::path to = out / entry->file;
    analyses = analyses || entry->file.ends_with(".json");
    std::error_code fault;
    if (entry->file.empty() || ours.contains(entry->file) || !is_there(to)) continue;
    if (!fs::equivalent(*directory / entry->file, to, fault) && sha256_of_file(to) != entry->sha256)
      throw others_file(to);
  }
  const fs::path lines = out / "analysis.jsonl";
  if (!merged && analyses && is_there(lines) && !has_these_analyses(entries, lines)) throw others_file(lines);
}

/// A merge may replace what a merge has written, and nothing else.
void expect_no_other_run(const fs::path& out, const RunSettings& settings) {
  if (!fs::exists(out / manifest_name({}))) return;
  const std::string other = difference(read_run_file(out / run_file_name({})).settings, settings);
  if (!other.empty()) {
    throw Error((out / manifest_name({})).string() + ": there is another run's manifest already: " + other,
                "choose another directory");
  }
}

void write_whole(const RunFile& run, const std::vector<Located>& entries, const fs::path& out) {
  std::string lines;
  for (const auto& [directory, entry] : entries) lines += to_json(*entry) + "\n";
  const std::string settings = to_json(run);
  // The manifest comes last: where it is, all else is.
  const std::vector<NamedFile> files = {{run_file_name({}), settings}, {manifest_name({}), lines}};
  write_files(out, files, kPart);
}

Merged counted(const std::vector<Located>& entries) {
  Merged merged{.items = entries.size()};
  for (const auto& [directory, entry] : entries) {
    merged.files += !entry->file.empty();
    merged.errors += !entry->error.empty();
    merged.skipped += !entry->skipped.empty();
  }
  return merged;
}

}  // namespace

Merged merge(std::span<const fs::path> directories, const fs::path& out) {
  const std::vector<Source> sources = sources_in(directories);
  check(sources, out);
  make_directory(out);
  const FileLock lock = lock_run(out, {});
  const RunSettings& settings = sources.front().run.settings;
  expect_no_other_run(out, settings);
  remove_parts(out, kPart);

  const std::size_t rows = *sources.front().run.rows;
  std::vector<Located> entries(rows);
  std::set<std::string> names;
  for (const Source& source : sources) {
    for (const ManifestEntry& entry : source.entries) {
      entries[entry.index] = {&source.directory, &entry};
      if (!entry.file.empty() && !names.insert(entry.file).second)
        throw Error(out.string() + ": " + entry.file + ": two items of this name");
    }
  }
  expect_no_others(entries, out);
  for (const auto& [directory, entry] : entries) {
    if (!entry->file.empty()) bring_file(*directory / entry->file, *entry, out);
  }
  write_analyses(entries, out);
  write_whole({settings, {}, rows}, entries, out);
  return counted(entries);
}

}  // namespace attnviz
