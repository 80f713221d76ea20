#include "cli/destination.h"

#include <algorithm>
#include <ostream>

#include "attnviz/file.h"
#include "cli/console.h"
#include "cli/json.h"
#include "cli/model_files.h"

namespace attnviz::cli {
namespace {

/// What a run's files depend on.
RunSettings settings_of(const Job& job, const std::string& format, const ModelFiles& models) {
  RunSettings settings = {{"program", "attnviz " ATTNVIZ_VERSION},
                          {"arguments", one_line(job.text.input.settings)},
                          {"format", format}};
  settings.insert(settings.end(), models.settings().begin(), models.settings().end());
  return settings;
}

/// Whether its files can be looked through.
bool has_page(const std::string& format) {
  return format == "png" || format == "svg" || format == "pdf" || format == "html";
}

/// Whether a run may give this name to an item of the shard.
bool is_items_name(const std::string& name, Shard shard, const std::string& format) {
  constexpr std::size_t kDigits = 6;
  const std::size_t digits = name.find_first_not_of("0123456789");
  if (digits == std::string::npos || digits < kDigits || digits > 18) return false;
  if ((name[digits] != '.' && name[digits] != '-') || !name.ends_with("." + format)) return false;
  return std::stoull(name.substr(0, digits)) % shard.count == shard.number - 1;
}

/// Throws Error where a run that begins might come to replace what is no run's: it is to be known before
/// hours of work.
void expect_no_others(const std::filesystem::path& directory, Shard shard, const std::string& format,
                      bool with_page) {
  if (!is_directory_there(directory) || is_there(directory / manifest_name(shard))) return;
  if (with_page) expect_no_other_page(directory);
  std::error_code fault;
  for (std::filesystem::directory_iterator entry(directory, fault), end; !fault && entry != end;
       entry.increment(fault)) {
    if (!is_items_name(entry->path().filename().string(), shard, format)) continue;
    throw Error(entry->path().string() + ": there is a file already that a text's might replace",
                "move it away, or choose another directory");
  }
}

class ToDirectory : public Destination {
 public:
  ToDirectory(const Job& job, const std::string& format, std::span<OpenSource> sources,
              const Streams& streams)
      : path_(*job.output.path),
        shard_(job.text.input.shard),
        with_page_(shard_.is_whole() && has_page(format)),
        out_(streams.out),
        models_(sources, job.runs_models),
        run_(path_, settings_of(job, format, models_), shard_, job.text.input.resume) {}

  [[nodiscard]] std::size_t kept() const override { return kept_; }
  [[nodiscard]] std::optional<ManifestEntry> next_kept() override { return run_.next_kept(); }

  void add(std::span<Item*> items) override {
    models_.expect_unchanged();
    std::vector<Finished> finished;
    for (Item* item : items) finished.push_back({std::move(item->entry), std::move(item->bytes)});
    run_.add(finished);
  }

  void finish(std::size_t rows) override {
    run_.finish(rows);
    if (with_page_) write_index_page(path_);
    print_path(out_, path_ / manifest_name(shard_));
  }

  void leave() override { run_.leave(); }

  [[nodiscard]] std::string how_to_resume() const override {
    return "the same command with --resume goes on from there";
  }
  [[nodiscard]] std::string where_faults_are() const override {
    return (path_ / manifest_name(shard_)).string() + " says why";
  }

 private:
  std::filesystem::path path_;
  Shard shard_;
  bool with_page_;
  std::ostream& out_;
  ModelFiles models_;
  RunDirectory run_;
  std::size_t kept_ = run_.done();
};

class ToStream : public Destination {
 public:
  ToStream(const Job& job, const std::string& format, const Streams& streams)
      : streams_(streams), json_(format == "json"), preamble_(job.preamble) {}

  void add(std::span<Item*> items) override {
    print(streams_.out, std::exchange(preamble_, ""));
    for (const Item* item : items) {
      const ManifestEntry& entry = item->entry;
      print(streams_.out, item->bytes);
      if (entry.error.empty()) continue;
      if (json_) print(streams_.out, to_json(entry) + "\n");
      report(streams_.err, Error("line " + std::to_string(entry.line) + ": " + entry.error));
    }
    flush(streams_.out);
  }

  void finish(std::size_t) override {}

 private:
  const Streams& streams_;
  bool json_;
  std::string preamble_;
};

}  // namespace

std::unique_ptr<Destination> open_destination(const Job& job, const std::string& format,
                                              std::span<OpenSource> sources, const Streams& streams) {
  if (job.output.path && *job.output.path != "-") {
    const Shard shard = job.text.input.shard;
    expect_no_others(*job.output.path, shard, format, shard.is_whole() && has_page(format));
    return std::make_unique<ToDirectory>(job, format, sources, streams);
  }
  return std::make_unique<ToStream>(job, format, streams);
}

}  // namespace attnviz::cli
