#include <charconv>
#include <set>
#include <system_error>

#include "attnviz/error.h"
#include "attnviz/manifest.h"
#include "attnviz/text.h"
#include "manifest/run_file.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

std::string part_name(Shard shard) { return hidden_name(shard) + "-part-"; }

std::optional<std::size_t> leading_number(const std::string& name) {
  std::size_t number = 0;
  const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), number);
  return fault == std::errc() ? std::optional(number) : std::nullopt;
}

/// Those that a manifest lists behind its first `size` bytes, as far as it can be read there.
std::set<std::string> files_behind(const fs::path& manifest, std::size_t size) {
  std::set<std::string> names;
  expect_regular_file(manifest);
  std::ifstream lines(manifest, std::ios::binary);
  lines.seekg(static_cast<std::streamoff>(size));
  for (std::string line; std::getline(lines, line);) {
    try {
      names.insert(manifest_entry(line, "").file);
    } catch (const Error&) {
      continue;  // a line that was cut, or garbled
    }
  }
  return names;
}

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
  const fs::path run_path = directory_ / run_file_name(shard_);
  if (is_there(run_path)) {
    try {
      std::ignore = read_run_file(run_path);  // of a run that was killed before it had a manifest
    } catch (const Error&) {
      throw others_file(run_path);
    }
  }
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
  std::size_t trusted = 0, size = 0;
  expect_regular_file(manifest);
  kept_.open(manifest, std::ios::binary);
  for (std::string line; std::getline(kept_, line); trusted = size) {
    size += line.size() + 1;
    if (kept_.eof() || !holds(line)) break;  // without a line end it was cut
    ++done_;
  }
  if (trusted != fs::file_size(manifest)) given_up_ = files_behind(manifest, trusted);
  kept_.clear();
  kept_.seekg(0);
  left_to_keep_ = done_;
  if (trusted == fs::file_size(manifest)) return;
  if (std::exchange(rows_, std::nullopt)) write_settings();
  cut_file(manifest, trusted);
}

/// Whether it is the next item's, and its file is as it was written.
bool RunDirectory::holds(const std::string& line) const {
  try {
    const ManifestEntry entry = manifest_entry(line, "");
    if (entry.index != next_index()) return false;
    return entry.file.empty() || sha256_of_file(directory_ / entry.file) == entry.sha256;
  } catch (const Error&) {
    return false;  // a line that a crash of the machine garbled, or a file that is gone
  }
}

std::optional<ManifestEntry> RunDirectory::next_kept() {
  std::string line;
  if (left_to_keep_ == 0 || !std::getline(kept_, line)) return std::nullopt;
  --left_to_keep_;
  return manifest_entry(line, (directory_ / manifest_name(shard_)).string());
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
  // So no two items can have one.
  if (leading_number(entry.file) != index) {
    throw Error(entry.file + ": no name for item " + std::to_string(index) + ", expected its index in front");
  }
}

/// What a killed run wrote before it came to its manifest's line has the bytes that are to be written.
void RunDirectory::expect_ours(const ManifestEntry& entry) const {
  const fs::path path = directory_ / entry.file;
  const fs::file_status status = fs::symlink_status(path);
  if (!fs::exists(status) || given_up_.contains(entry.file)) return;
  if (!fs::is_regular_file(status) || sha256_of_file(path) != entry.sha256) throw others_file(path);
}

void RunDirectory::add(std::span<const Finished> items) {
  std::vector<NamedFile> files;
  std::string lines;
  std::size_t index = next_index();
  for (const Finished& item : items) {
    ManifestEntry entry = item.entry;
    expect_next(entry, index);
    index += shard_.count;
    entry.sha256 = entry.file.empty() ? "" : sha256_of(item.bytes);
    lines += to_json(entry) + "\n";
    if (!entry.file.empty()) expect_ours(entry);
    if (!entry.file.empty()) files.push_back({entry.file, item.bytes});
  }
  write_files(directory_, files, part_name(shard_));
  append_to_file(directory_ / manifest_name(shard_), lines);
  done_ += items.size();
}

void RunDirectory::finish(std::size_t rows) {
  const std::size_t before = shard_.number - 1;
  const std::size_t expected = rows <= before ? 0 : (rows - before - 1) / shard_.count + 1;
  if (done_ != expected) {
    throw Error(directory_.string() + ": the run is not done, expected " + std::to_string(expected) +
                " items, got " + std::to_string(done_));
  }
  if (rows_ == rows) return;
  rows_ = rows;
  write_settings();
}

}  // namespace attnviz
