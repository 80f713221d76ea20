#include "cli/batch.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <ostream>
#include <thread>

#include "attnviz/analysis.h"
#include "cli/console.h"
#include "cli/destination.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/pipeline.h"
#include "cli/progress.h"

namespace attnviz::cli {
namespace {

/// Texts that are ordered by length, so that little is padded, and run this many at a time. How texts are cut
/// into windows and batches depends on the texts alone: a run that is resumed computes what it would have.
constexpr std::size_t kWindow = 256, kBatch = 32;
/// A window's attention takes no more memory than this, unless one text's does.
constexpr std::size_t kWindowBytes = 64 << 20;
/// Tokens of a batch, padding included: as many as keep the matrices in a processor's caches.
constexpr std::size_t kBatchTokens = 2048;

std::size_t length(const Item& item) {
  std::size_t most = 0;
  for (const Subject& subject : item.subjects)
    most = std::max({most, subject.prepared.encoding.size(), subject.prepared.target.size()});
  return most;
}

std::size_t result_bytes(const Item& item) {
  std::size_t bytes = 0;
  for (const Subject& subject : item.subjects) {
    bytes += cli::result_bytes(subject.card(), subject.selection,
                               subject.queries().encoding.size() * subject.keys().encoding.size());
  }
  return bytes;
}

/// Why a text is not among those asked for, or nothing.
std::string passed_over(const InputOptions& options, std::size_t tokens) {
  const std::string has = std::to_string(tokens) + (tokens == 1 ? " token" : " tokens");
  if (tokens < options.min_tokens) return has + ", --min-tokens is " + std::to_string(options.min_tokens);
  if (options.max_tokens && tokens > *options.max_tokens) {
    return has + ", --max-tokens is " + std::to_string(*options.max_tokens);
  }
  return {};
}

/// Index and id: "000017-comment-4.png".
std::string file_name(const ManifestEntry& entry, const std::string& format) {
  constexpr std::size_t kDigits = 6;
  std::string name = std::to_string(entry.index);
  if (name.size() < kDigits) name.insert(0, kDigits - name.size(), '0');
  if (entry.id) name += "-" + safe_name(*entry.id);
  return name + "." + format;
}

/// What texts can be ordered by: labels that the model predicts, and what tells of weights that are no norms.
std::map<std::string, double> metrics_of(const Subject& subject) {
  std::map<std::string, double> found;
  if (subject.forecast.of_labels) {
    for (const auto& [label, value] : subject.forecast.predicted) found["predicts " + label] = value;
  }
  if (subject.selection.kind == WeightKind::norm || subject.selection.part == AttentionPart::cross)
    return found;
  const HeadMetrics metrics = subject.metrics();
  found["entropy"] = metrics.entropy;
  found["first_token"] = metrics.first_token;
  found["mean_distance"] = metrics.mean_distance;
  return found;
}

/// Threads that draw: as many as compute.
std::size_t drawing_threads(const Job& job) {
  const int threads = job.sources.front().model.options.threads;
  return threads > 0 ? static_cast<std::size_t>(threads) : std::max(1U, std::thread::hardware_concurrency());
}

constexpr int kInterrupted = 130;

/// What an interruption does while it lives; nothing afterwards, when the end is near anyway.
class ActionMeanwhile {
 public:
  ActionMeanwhile(InterruptGuard& guard, std::function<void()> action) : guard_(guard) {
    guard_.set_action(std::move(action));
  }
  ActionMeanwhile(const ActionMeanwhile&) = delete;
  ActionMeanwhile& operator=(const ActionMeanwhile&) = delete;
  ~ActionMeanwhile() { guard_.set_action({}); }

 private:
  InterruptGuard& guard_;
};

class Batches {
 public:
  Batches(const Job& job, const Streams& streams, InterruptGuard& interrupt);

  /// Returns the exit status.
  int run();

 private:
  [[nodiscard]] std::shared_ptr<Window> read_window();
  [[nodiscard]] std::optional<Item> read_item();
  [[nodiscard]] std::vector<Subject> read(const Row& row, ManifestEntry& entry);
  void run_window(Window& window, Pipeline& pipeline);
  void run_together(std::span<Item* const> items);
  void run_models(std::span<Item* const> items);
  void make(Item& item) const;
  void write(std::span<Item*> items);
  void run_all();
  void tell_of_interruption();
  [[nodiscard]] int end();

  const Job& job_;
  const Streams& streams_;
  const InputOptions& options_;
  InterruptGuard& interrupt_;
  std::string format_;
  std::vector<OpenSource> sources_;
  Texts texts_;
  std::unique_ptr<Destination> destination_;
  Progress progress_;
  Tally tally_;
  std::size_t taken_ = 0;
  const std::size_t kept_;
  bool at_end_ = false;
};

Batches::Batches(const Job& job, const Streams& streams, InterruptGuard& interrupt)
    : job_(job),
      streams_(streams),
      options_(job.text.input),
      interrupt_(interrupt),
      format_(file_format(job)),
      sources_(open_sources(job, streams.in)),
      texts_(options_, job.text.invalid_utf8, streams.in),
      destination_(open_destination(job, format_, sources_, streams)),
      progress_(options_.quiet ? Progress::Style::none : options_.progress, streams.err),
      kept_(destination_->kept()) {}

/// As the models read it. None where it can't be taken, or is not asked for: the entry says why.
std::vector<Subject> Batches::read(const Row& row, ManifestEntry& entry) {
  Timings timings;
  try {
    if (!row.fault.empty()) throw Error("text: " + row.fault);
    const Sentence sentence{.index = row.index,
                            .text = row.text,
                            .pair = row.pair,
                            .target = row.target,
                            .name = "text",
                            .pair_name = "pair",
                            .target_name = "target"};
    std::vector<Subject> subjects = subjects_of(sources_, sentence, timings);
    entry.tokens = subjects[0].prepared.encoding.size();
    entry.skipped = passed_over(options_, entry.tokens);
    if (!entry.skipped.empty()) return {};
    if (job_.runs_models) check_sizes(subjects);
    std::ignore = job_.ready(subjects);
    return subjects;
  } catch (const Error& error) {
    entry.error = error.what();
    return {};
  }
}

std::optional<Item> Batches::read_item() {
  if (options_.limit && taken_ >= *options_.limit) return std::nullopt;
  const std::optional<Row> row = texts_.next();
  if (!row) return std::nullopt;
  Item item{.entry = {.index = row->index,
                      .line = row->line,
                      .id = row->id,
                      .text = row->text,
                      .pair = row->pair,
                      .target = row->target}};
  item.subjects = read(*row, item.entry);
  item.share = texts_.share_read();
  if (!item.subjects.empty()) ++taken_;
  if (std::optional<ManifestEntry> before = destination_->next_kept()) {
    if (before->text != item.entry.text || before->pair != item.entry.pair ||
        before->target != item.entry.target || before->id != item.entry.id) {
      throw Error("--resume: line " + std::to_string(row->line) + " of the input is another than before",
                  "go on with the same input, or choose another directory");
    }
    item.entry = std::move(*before);
    item.kept = true;
  } else if (!item.subjects.empty()) {
    item.entry.file = file_name(item.entry, format_);
  }
  item.made = item.kept || item.subjects.empty();
  return item;
}

std::shared_ptr<Window> Batches::read_window() {
  auto window = std::make_shared<Window>();
  for (std::size_t bytes = 0;
       window->size() < kWindow && bytes < kWindowBytes && !interrupt_.interrupted();) {
    std::optional<Item> item = read_item();
    at_end_ = !item;
    if (at_end_) break;
    bytes += result_bytes(*item);
    window->push_back(std::move(*item));
  }
  return window;
}

/// Runs them as one batch, each model once; texts that are read in windows one by one.
void Batches::run_models(std::span<Item* const> all) {
  std::vector<Item*> items;
  Timings timings;
  for (Item* item : all) {
    const bool windowed = !item->subjects.front().prepared.windows.empty();
    for (Subject& subject : item->subjects) {
      if (windowed) attend(subject, timings);
    }
    if (!windowed) items.push_back(item);
  }
  if (items.empty()) return;
  for (std::size_t source = 0; source < sources_.size(); ++source) {
    std::vector<Encoding> encodings, targets;
    for (Item* item : items) {
      Prepared& prepared = item->subjects[source].prepared;
      encodings.push_back(std::move(prepared.encoding));
      if (prepared.sentence.target) targets.push_back(std::move(prepared.target));
    }
    const auto give_back = [&] {
      for (std::size_t i = 0; i < items.size(); ++i) {
        Prepared& prepared = items[i]->subjects[source].prepared;
        prepared.encoding = std::move(encodings[i]);
        if (prepared.sentence.target) prepared.target = std::move(targets[i]);
      }
    };
    try {
      std::vector<Attention> attentions =
          opened(sources_[source].reader).run(encodings, targets, sources_[source].selection);
      give_back();
      for (std::size_t i = 0; i < items.size(); ++i) {
        items[i]->subjects[source].attention = std::move(attentions[i]);
        predict(items[i]->subjects[source], timings);
      }
    } catch (...) {
      give_back();
      throw;
    }
  }
}

/// What fails together is run one by one, so that only what is at fault fails.
void Batches::run_together(std::span<Item* const> items) {
  try {
    run_models(items);
  } catch (const Error& error) {
    if (items.size() > 1) {
      for (const std::size_t i : {std::size_t{0}, items.size() / 2}) {
        const std::size_t end = i == 0 ? items.size() / 2 : items.size();
        run_together(items.subspan(i, end - i));
      }
      return;
    }
    if (!items[0]->kept) items[0]->fail(error.what());  // what is kept is written, and the writer reads it
  }
}

/// The batches of a window, by length. One that an earlier run has written altogether is passed over.
void Batches::run_window(Window& window, Pipeline& pipeline) {
  std::vector<Item*> items;
  for (Item& item : window) {
    if (!item.subjects.empty()) items.push_back(&item);
  }
  std::stable_sort(items.begin(), items.end(),
                   [](const Item* a, const Item* b) { return length(*a) < length(*b); });
  for (std::size_t begin = 0, end = 0; begin < items.size() && !interrupt_.interrupted(); begin = end) {
    while (end < items.size() && end - begin < kBatch &&
           (end == begin || length(*items[end]) * (end - begin + 1) <= kBatchTokens)) {
      ++end;
    }
    const std::span<Item* const> batch = std::span(items).subspan(begin, end - begin);
    const auto kept = [](const Item* item) { return item->kept; };
    if (std::all_of(batch.begin(), batch.end(), kept)) continue;
    if (job_.runs_models) {
      for (OpenSource& source : sources_) std::ignore = opened(source.reader);  // its faults are no text's
      run_together(batch);
    }
    for (Item* item : batch) {
      if (!item->kept) pipeline.make(*item);
    }
  }
}

/// In a thread of the pipeline.
void Batches::make(Item& item) const {
  Timings timings;
  try {
    if (item.entry.error.empty()) {
      if (job_.runs_models) item.entry.metrics = metrics_of(item.subjects[0]);
      const Product product = job_.make(item.subjects, timings);
      if (product.write) product.write([&](std::string_view piece) { item.bytes += piece; });
      if (!product.write) {
        item.entry.file.clear();
        item.entry.skipped = "nothing found to draw";
      }
    }
  } catch (const std::exception& error) {
    item.fail(error.what());
    item.bytes.clear();
  }
  item.subjects.clear();
}

void Batches::write(std::span<Item*> items) {
  std::vector<Item*> fresh;
  std::optional<double> share;
  for (Item* item : items) {
    ++(!item->entry.error.empty()     ? tally_.failed
       : !item->entry.skipped.empty() ? tally_.skipped
                                      : tally_.done);
    share = item->share;
    if (!item->kept) fresh.push_back(item);
  }
  if (!fresh.empty()) destination_->add(fresh);
  if (options_.limit && *options_.limit > 0) {
    share =
        std::max(share.value_or(0), static_cast<double>(tally_.done) / static_cast<double>(*options_.limit));
  }
  progress_.tell(tally_, share, kept_);
}

void Batches::tell_of_interruption() {
  progress_.finish(tally_, kept_);
  report(streams_.err, Error("interrupted after " + std::to_string(tally_.all()) + " texts",
                             destination_->how_to_resume()));
}

/// Tells how it ended.
int Batches::end() {
  constexpr int kSomeFailed = 2;
  if (interrupt_.interrupted()) {
    tell_of_interruption();
    return kInterrupted;
  }
  progress_.finish(tally_, kept_);
  destination_->finish(texts_.rows());
  if (tally_.failed == 0) return 0;
  report(streams_.err, Error(std::to_string(tally_.failed) + " of " + std::to_string(tally_.all()) +
                                 " texts could not be done",
                             destination_->where_faults_are()));
  return kSomeFailed;
}

void Batches::run_all() {
  Pipeline pipeline(drawing_threads(job_), {.make = [this](Item& item) { make(item); },
                                            .write = [this](std::span<Item*> items) { write(items); },
                                            .stopped = [this] { return interrupt_.interrupted(); }});
  const ActionMeanwhile at_once(interrupt_, [&] {
    pipeline.wait_for_writing();
    tell_of_interruption();
    destination_->leave();
    std::_Exit(kInterrupted);
  });
  while (!at_end_ && !interrupt_.interrupted()) {
    const std::shared_ptr<Window> window = read_window();  // kept while it runs, even if all of it is written
    pipeline.begin(window);
    run_window(*window, pipeline);
  }
  pipeline.finish();
}

int Batches::run() {
  run_all();
  return end();
}

}  // namespace

int run_batch(const Job& job, const Streams& streams) {
  // Until something is written there is nothing to be finished.
  InterruptGuard interrupt([&] {
    report(streams.err, Error("interrupted"));
    std::_Exit(kInterrupted);
  });
  return Batches(job, streams, interrupt).run();
}

}  // namespace attnviz::cli
