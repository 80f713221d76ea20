#include "cli/batch.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <numeric>
#include <ostream>
#include <thread>

#include "attnviz/analysis.h"
#include "cli/console.h"
#include "cli/destination.h"
#include "cli/interrupt.h"
#include "cli/memory_plan.h"
#include "cli/pipeline.h"
#include "cli/progress.h"
#include "cli/window_reader.h"

namespace attnviz::cli {
namespace {

/// A window's texts are ordered by length, so that little is padded, and at most so many run at a time. How
/// they are cut into batches depends on the texts alone: a run that is resumed computes what it would have.
constexpr std::size_t kBatch = 32;
/// Tokens of a batch, padding included: as many as keep the matrices in a processor's caches.
constexpr std::size_t kBatchTokens = 2048;

std::size_t length(const Item& item) {
  std::size_t most = 0;
  for (const Subject& subject : item.subjects)
    most = std::max({most, subject.prepared.encoding.size(), subject.prepared.target.size()});
  return most;
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

/// Of libraries' words: "out of memory", "not enough memory", "can't allocate memory".
bool is_of_memory(const std::string& fault) { return fault.find("memory") != std::string::npos; }

/// Back to the system: the next may need it in one piece.
void release_memory() { std::ignore = ::malloc_trim(0); }

/// Where addresses are limited (ulimit -v): a heap for each thread would reserve 64 MiB of them.
void share_one_heap() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    std::ignore = ::mallopt(M_ARENA_MAX, 1);
}

class Batches {
 public:
  Batches(const Job& job, const Streams& streams, InterruptGuard& interrupt);
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;

  /// Returns the exit status.
  int run();

 private:
  [[nodiscard]] bool fits(std::span<Item* const> items) const;
  void run_window(Window& window, Pipeline& pipeline);
  void run_together(std::span<Item* const> items);
  void run_models(std::span<Item* const> items);
  [[nodiscard]] std::string make_file(Item& item, bool sparing) const;
  void make(Item& item) const;
  void wait_for_room(Pipeline& pipeline, bool alone);
  void do_again(Item& item, Pipeline& pipeline);
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
  const MemoryPlan plan_;
  WindowReader reader_;
  std::unique_ptr<Destination> destination_;
  Progress progress_;
  Tally tally_;
  const std::size_t kept_;
};

Batches::Batches(const Job& job, const Streams& streams, InterruptGuard& interrupt)
    : job_(job),
      streams_(streams),
      options_(job.text.input),
      interrupt_(interrupt),
      format_(file_format(job)),
      sources_(open_sources(job, streams.in)),
      plan_(memory_limit(job.sources.front().model)),
      reader_(job, streams.in,
              {.format = format_,
               .sources = sources_,
               .plan = plan_,
               .next_kept = [this] { return destination_->next_kept(); },
               .stopped = [this] { return interrupt_.interrupted(); }}),
      destination_(open_destination(job, format_, sources_, streams)),
      progress_(options_.quiet ? Progress::Style::none : options_.progress, streams.err),
      kept_(destination_->kept()) {}

/// Whether a batch of them, padded to the longest, takes no more memory than its part.
bool Batches::fits(std::span<Item* const> items) const {
  for (std::size_t source = 0; source < sources_.size(); ++source) {
    BatchShape batch{.sentences = items.size()};
    for (const Item* item : items) {
      const Prepared& prepared = item->subjects[source].prepared;
      batch.padded =
          batch.padded || prepared.encoding.size() != items[0]->subjects[source].prepared.encoding.size();
      batch.tokens = std::max(batch.tokens, prepared.encoding.size());
      batch.target_tokens = std::max(batch.target_tokens, prepared.target.size());
    }
    const Reader& reader = sources_[source].reader;
    const std::size_t needed = predicted_memory(reader.whole.value_or(reader.card), batch,
                                                sources_[source].selection, reader.choice.options);
    if (needed > plan_.part()) return false;
  }
  return true;
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

/// What fails together is run one by one, so that only what is at fault fails; and what fails then, while
/// others are in memory, once more alone.
void Batches::run_together(std::span<Item* const> items) {
  try {
    run_models(items);
    return;
  } catch (const Error&) {
  } catch (const std::bad_alloc&) {
  }
  if (items.size() == 1) {
    items[0]->again = !items[0]->kept;  // what is kept is written
    return;
  }
  for (const std::size_t i : {std::size_t{0}, items.size() / 2}) {
    const std::size_t end = i == 0 ? items.size() / 2 : items.size();
    run_together(items.subspan(i, end - i));
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
    while (
        end < items.size() && end - begin < kBatch &&
        (end == begin || (length(*items[end]) * (end - begin + 1) <= kBatchTokens &&
                          (!job_.runs_models || fits(std::span(items).subspan(begin, end - begin + 1)))))) {
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
      if (item->again) item->subjects.clear();
      if (!item->kept && !item->again) pipeline.make(*item);
    }
  }
}

/// Returns why it could not be made, or nothing. Throws where memory does not suffice. `sparing` with memory,
/// it writes twice, first to know how much it is.
std::string Batches::make_file(Item& item, bool sparing) const {
  Timings timings;
  try {
    if (job_.runs_models) item.entry.metrics = metrics_of(item.subjects[0]);
    const Product product = job_.make(item.subjects, timings);
    std::size_t size = 0;
    if (sparing && product.write) product.write([&](std::string_view piece) { size += piece.size(); });
    item.bytes.reserve(size);
    if (product.write) product.write([&](std::string_view piece) { item.bytes += piece; });
    if (!product.write) {
      item.entry.file.clear();
      item.entry.skipped = "nothing found to draw";
    }
    return {};
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// In a thread of the pipeline.
void Batches::make(Item& item) const {
  try {
    const std::string fault = make_file(item, /*sparing=*/false);
    item.again = is_of_memory(fault);
    if (!fault.empty()) item.fail(fault);
  } catch (const std::bad_alloc&) {
    item.again = true;
  }
  if (!item.entry.error.empty() || item.again) item.bytes = std::string();
  item.subjects.clear();
}

/// In the main thread, while all others wait. What is finished and waits for this text gives up its memory
/// before a text is said to need too much.
void Batches::do_again(Item& item, Pipeline& pipeline) {
  for (const bool last : {false, true}) {
    if (last) pipeline.let_go_of_finished();
    release_memory();
    std::string fault;
    try {
      reader_.read_again(item);
      Item* const one = &item;
      if (item.entry.error.empty() && job_.runs_models) run_models({&one, 1});
      fault = item.entry.error.empty() ? make_file(item, /*sparing=*/true) : item.entry.error;
    } catch (const Error& error) {
      fault = error.what();
    } catch (const std::bad_alloc&) {
      fault = "memory: not enough of it";
    }
    item.subjects.clear();
    if (fault.empty()) break;
    item.bytes = std::string();
    item.fail(fault);
    if (!is_of_memory(fault)) break;
  }
  pipeline.put(item);
}

void Batches::wait_for_room(Pipeline& pipeline, bool alone) {
  while (Item* const item = pipeline.wait_for_room(alone)) do_again(*item, pipeline);
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
  destination_->finish(reader_.rows());
  if (tally_.failed == 0) return 0;
  report(streams_.err, Error(std::to_string(tally_.failed) + " of " + std::to_string(tally_.all()) +
                                 " texts could not be done",
                             destination_->where_faults_are()));
  return kSomeFailed;
}

void Batches::run_all() {
  Pipeline pipeline(drawing_threads(job_), plan_.part(),
                    {.make = [this](Item& item) { make(item); },
                     .write = [this](std::span<Item*> items) { write(items); },
                     .stopped = [this] { return interrupt_.interrupted(); }});
  const ActionMeanwhile at_once(interrupt_, [&] {
    pipeline.wait_for_writing();
    tell_of_interruption();
    destination_->leave();
    std::_Exit(kInterrupted);
  });
  while (!reader_.at_end() && !interrupt_.interrupted()) {
    const bool alone = reader_.next_goes_alone();
    if (alone) wait_for_room(pipeline, alone);
    const std::shared_ptr<Window> window = reader_.next();  // kept while it runs, even if it is all written
    wait_for_room(pipeline, alone);
    pipeline.begin(window);
    run_window(*window, pipeline);
    if (alone) wait_for_room(pipeline, alone);
  }
  wait_for_room(pipeline, /*alone=*/true);
  pipeline.finish();
}

int Batches::run() {
  run_all();
  return end();
}

}  // namespace

int run_batch(const Job& job, const Streams& streams) {
  share_one_heap();
  // Until something is written there is nothing to be finished.
  InterruptGuard interrupt([&] {
    report(streams.err, Error("interrupted"));
    std::_Exit(kInterrupted);
  });
  return Batches(job, streams, interrupt).run();
}

}  // namespace attnviz::cli
