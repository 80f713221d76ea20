#include <algorithm>
#include <system_error>

#include "attnviz/error.h"
#include "attnviz/manifest.h"
#include "attnviz/text.h"
#include "manifest/run_file.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

std::string part_name(Shard shard) { return hidden_name(shard) + "-part-"; }

}  // namespace

RunDirectory::RunDirectory(fs::path directory, RunSettings settings, Shard shard, bool resume)
    : directory_(std::move(directory)), settings_(std::move(settings)), shard_(shard) {
  make_directory(directory_);
  lock_ = lock_run(directory_, shard_);
  const fs::path manifest = directory_ / manifest_name(shard_);
  const bool begun = fs::exists(fs::symlink_status(manifest));
  if (begun && !resume) {
    throw Error(manifest.string() + ": there is a run's manifest already",
                "go on with --resume, or choose another directory");
  }
  remove_parts(directory_, part_name(shard_));
  begun ? this->resume() : start();
}

void RunDirectory::start() {
  write_settings();
  const NamedFile manifest{manifest_name(shard_), ""};
  write_files(directory_, {&manifest, 1}, part_name(shard_));
}

void RunDirectory::write_settings() {
  const std::string json = to_json(RunFile{settings_, shard_, rows_});
  const NamedFile file{run_file_name(shard_), json};
  write_files(directory_, {&file, 1}, part_name(shard_));
}

void RunDirectory::resume() {
  const fs::path run_path = directory_ / run_file_name(shard_);
  const RunFile run = read_run_file(run_path);
  const std::string fault =
      run.shard == shard_ ? difference(run.settings, settings_) : "shard: expected " + to_text(run.shard);
  if (!fault.empty()) {
    throw Error(run_path.string() + ": the run to go on with had other settings: " + fault,
                "repeat its settings, or choose another directory");
  }
  rows_ = run.rows;
  const fs::path manifest = directory_ / manifest_name(shard_);
  const std::string bytes = read_file(manifest);
  std::size_t trusted = 0;
  for (std::size_t end = 0; (end = bytes.find('\n', trusted)) != std::string::npos; trusted = end + 1) {
    try {
      ManifestEntry entry = manifest_entry(std::string_view(bytes).substr(trusted, end - trusted), "");
      if (!holds(entry)) break;
      if (!entry.file.empty()) names_.insert(entry.file);
      entries_.push_back(std::move(entry));
    } catch (const Error&) {
      break;  // a line that a crash of the machine garbled
    }
  }
  if (trusted == bytes.size()) return;
  if (std::exchange(rows_, std::nullopt)) write_settings();
  cut_file(manifest, trusted);
}

/// Whether it is the next item, and its file is as it was written.
bool RunDirectory::holds(const ManifestEntry& entry) const {
  if (entry.index != next_index() || names_.contains(entry.file)) return false;
  try {
    return entry.file.empty() || sha256_of_file(directory_ / entry.file) == entry.sha256;
  } catch (const Error&) {
    return false;
  }
}

void RunDirectory::expect_next(const ManifestEntry& entry, std::size_t index) const {
  if (entry.index != index) {
    throw Error(directory_.string() + ": items out of order, expected index " + std::to_string(index) +
                ", got " + std::to_string(entry.index));
  }
  const int outcomes = !entry.file.empty() + !entry.error.empty() + !entry.skipped.empty();
  if (outcomes != 1) {
    throw Error(directory_.string() + ": item " + std::to_string(index) +
                ": expected one of file, error and skipped");
  }
  if (entry.file.empty()) return;
  if (!is_file_name(entry.file)) {
    throw Error(visible(entry.file) + ": no name for an item's file", "use letters, digits, - and _");
  }
  if (names_.contains(entry.file)) throw Error(entry.file + ": two items of this name", "give each its own");
}

void RunDirectory::add(std::span<const Finished> items) {
  std::vector<ManifestEntry> entries;
  std::vector<NamedFile> files;
  std::string lines;
  const std::size_t first = next_index();
  try {
    for (const Finished& item : items) {
      ManifestEntry& entry = entries.emplace_back(item.entry);
      expect_next(entry, first + (entries.size() - 1) * shard_.count);
      entry.sha256 = entry.file.empty() ? "" : sha256_of(item.bytes);
      lines += to_json(entry) + "\n";
      if (entry.file.empty()) continue;
      files.push_back({entry.file, item.bytes});
      names_.insert(entry.file);
    }
    write_files(directory_, files, part_name(shard_));
    append_to_file(directory_ / manifest_name(shard_), lines);
  } catch (...) {
    for (const NamedFile& file : files) names_.erase(file.name);
    throw;
  }
  std::move(entries.begin(), entries.end(), std::back_inserter(entries_));
}

void RunDirectory::finish(std::size_t rows) {
  const std::size_t before = shard_.number - 1;
  const std::size_t expected = rows <= before ? 0 : (rows - before - 1) / shard_.count + 1;
  if (entries_.size() != expected) {
    throw Error(directory_.string() + ": the run is not done, expected " + std::to_string(expected) +
                " items, got " + std::to_string(entries_.size()));
  }
  if (rows_ == rows) return;
  rows_ = rows;
  write_settings();
}

}  // namespace attnviz
