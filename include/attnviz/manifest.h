/// manifest: what a run over a file of texts writes into its directory: a file an item, and the list of all
/// items, so that the run can be resumed, proven complete, merged from shards, and looked through.
///
/// A directory holds run.json (what shaped the run), manifest.jsonl (one JSON object an item on a line, in
/// the input's order) and the items' files. A line is written only when its file is whole and on the disk.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attnviz/file.h"

namespace attnviz {

/// One of `count` parts of an input: shard `number` has the items with index ≡ number − 1 modulo count.
struct Shard {
  std::size_t number = 1, count = 1;

  [[nodiscard]] bool is_whole() const { return count == 1; }
  friend bool operator==(const Shard&, const Shard&) = default;
};

/// What became of an item. One of `file` (with sha256), `error` and `skipped` is set, and only one.
struct ManifestEntry {
  std::size_t index = 0;  ///< among the input's items, from 0, whichever shard this is
  std::size_t line = 0;   ///< of the input, from 1
  std::optional<std::string> id{};
  std::string text{};
  std::optional<std::string> pair{};
  std::optional<std::string> target{};
  std::size_t tokens = 0;                   ///< 0 where they were not counted
  std::map<std::string, double> metrics{};  ///< numbers to sort by, such as "entropy"; finite
  std::string file{};                       ///< its name in the directory
  std::string sha256{};                     ///< the file's digest
  std::string error{};                      ///< why nothing was written
  std::string skipped{};                    ///< why nothing was to be written: "8 tokens, --min-tokens is 10"

  friend bool operator==(const ManifestEntry&, const ManifestEntry&) = default;
};

/// A manifest's line, without its end: members in the order above, only those that are set. Equal entries
/// give equal bytes.
[[nodiscard]] std::string to_json(const ManifestEntry& entry);

/// Reads a line back. `what` names it in errors ("out/manifest.jsonl:17"). Throws Error: no JSON object,
/// members that are missing, unknown or of another kind, a file's name that could lead out of the directory.
[[nodiscard]] ManifestEntry manifest_entry(std::string_view line, const std::string& what);

/// All lines of a manifest. Throws Error naming file and line.
[[nodiscard]] std::vector<ManifestEntry> read_manifest(const std::filesystem::path& path);

/// "manifest.jsonl", or "manifest-3-of-16.jsonl" of a shard.
[[nodiscard]] std::string manifest_name(Shard shard);

/// What shapes a run, name and value, each name once, in the order in which run.json shows it: program,
/// arguments, format, models and the digests of their files; in UTF-8. Two runs of equal settings over equal
/// inputs write equal bytes.
using RunSettings = std::vector<std::pair<std::string, std::string>>;

/// A file that shapes a run. It stays open, so that what its name leads to meanwhile does not matter.
class SourceFile {
 public:
  /// Reads it whole. Throws Error naming the path and the system's reason.
  explicit SourceFile(std::filesystem::path path);
  SourceFile(SourceFile&& other) noexcept;
  SourceFile& operator=(SourceFile&&) = delete;
  ~SourceFile();

  /// Of all its bytes: "xxh64 ef46db3751d8e999", as xxhsum has it. It tells files apart that nobody made to
  /// be mistaken for each other.
  [[nodiscard]] const std::string& digest() const { return digest_; }

  /// Throws Error naming the path when somebody wrote other bytes into it since. Looks at its size and time,
  /// and reads it only where they moved.
  void expect_unchanged();

 private:
  [[nodiscard]] std::array<std::int64_t, 3> state() const;

  std::filesystem::path path_;
  int file_;
  std::array<std::int64_t, 3> state_{};  ///< size, and time of the last change
  std::string digest_;
};

/// An item's entry and its file's bytes; they are written when `entry.file` is set. The digest is taken from
/// the bytes, whatever `entry.sha256` says.
struct Finished {
  ManifestEntry entry{};
  std::string bytes{};
};

/// The directory of one run, for as long as it writes. Whenever the process dies, each file under an item's
/// name is whole, and each line of the manifest stands for a whole file.
class RunDirectory {
 public:
  /// Makes the directory where it is missing (not its parents). Throws Error naming what is at fault: another
  /// run writes here now; without `resume` a manifest is here already; with `resume` its settings were
  /// others.
  ///
  /// Resuming, the entries are verified in order, and the first that does not hold (a cut line, a file that
  /// is missing or altered) ends those that are trusted: the manifest is cut there, and what follows is to be
  /// made again. What a killed run left behind is removed.
  RunDirectory(std::filesystem::path directory, RunSettings settings, Shard shard = {}, bool resume = false);

  /// Number of entries that are in the manifest: those trusted and those added.
  [[nodiscard]] std::size_t done() const { return done_; }

  /// Those that were trusted, one by one: the shard's first items. The caller compares each with the input's
  /// item. Nothing when all have been given.
  [[nodiscard]] std::optional<ManifestEntry> next_kept();

  /// The index of the item to be added next: number − 1 + done() · count.
  [[nodiscard]] std::size_t next_index() const { return shard_.number - 1 + done_ * shard_.count; }

  /// Writes the next items, in order: the files, then the manifest's lines; on return all is on the disk.
  /// Throws Error naming the path and the reason: nothing half-written stays, and nothing of the batch is in
  /// the manifest. A file of such a name that has other bytes, and that no line of the manifest listed, is
  /// somebody's own, and an Error before any is written. An item that is not the next, or whose file's name
  /// is_file_name() refuses or does not begin with the item's index, is an Error too.
  void add(std::span<const Finished> items);

  /// Notes in run.json that the input has `rows` items, those of all shards, and that this shard's are done.
  /// Throws Error when they are not.
  void finish(std::size_t rows);

  /// Lets others write here, as the destructor does; nothing may be added afterwards.
  void leave() { lock_.reset(); }

 private:
  void start();
  void resume();
  void write_settings();
  [[nodiscard]] bool holds(const std::string& line) const;
  void expect_next(const ManifestEntry& entry, std::size_t index) const;
  void expect_ours(const ManifestEntry& entry) const;

  std::filesystem::path directory_;
  RunSettings settings_;
  Shard shard_;
  std::optional<std::size_t> rows_;  ///< as run.json has them; nothing while the run is not finished
  std::optional<FileLock> lock_;
  std::size_t done_ = 0;
  std::ifstream kept_;  ///< the manifest, as far as next_kept() has read
  std::size_t left_to_keep_ = 0;
  std::set<std::string> given_up_;  ///< files of lines that were cut from the manifest: they may be replaced
};

/// Whether an item's file may have this name: UTF-8, one component of at most 255 bytes, not hidden, no
/// control characters, and none that the directory itself uses (manifest.jsonl, run.json, index.html, …).
[[nodiscard]] bool is_file_name(std::string_view name);

/// An item's id as part of a file's name: letters, marks and digits of any script and - _ . stay, all else
/// becomes a dash. At most 80 bytes, never empty, never with a dot or dash at an end.
[[nodiscard]] std::string safe_name(std::string_view id);

/// What a merged manifest lists.
struct Merged {
  std::size_t items = 0, files = 0, errors = 0, skipped = 0;
};

/// Joins runs into `out`, as if they had been one: manifest.jsonl, run.json, the files (hard links where that
/// works), and, where items are .json files, analysis.jsonl with one of them on each line. A directory stands
/// for its shards' manifests, or else for its manifest.jsonl; `out` may be one of them. Merging again
/// changes nothing.
///
/// Throws Error naming every fault unless all shards are there once, finished, with equal settings, all
/// indexes from 0 on are there, and every file has its digest.
Merged merge(std::span<const std::filesystem::path> directories, const std::filesystem::path& out);

/// Throws Error where an index.html is there that write_index_page() did not write.
void expect_no_other_page(const std::filesystem::path& directory);

/// Writes index.html, a page to look the directory's figures through: from the disk, without network.
/// Throws Error where there is no manifest.jsonl or it can't be read, and as expect_no_other_page().
void write_index_page(const std::filesystem::path& directory);

}  // namespace attnviz
