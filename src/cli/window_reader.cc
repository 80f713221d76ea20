#include "cli/window_reader.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace attnviz::cli {
namespace {

/// A window has at most so many texts. How texts are cut into windows depends on the texts alone: a run that
/// is resumed computes what it would have.
constexpr std::size_t kWindow = 256;
/// A window's attention and files take no more memory than this, unless one text's do.
constexpr std::size_t kWindowBytes = 128 << 20;

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

}  // namespace

WindowReader::WindowReader(const Job& job, std::istream& standard_input, Run run)
    : job_(job),
      options_(job.text.input),
      run_(std::move(run)),
      texts_(options_, job.text.invalid_utf8, standard_input) {}

/// As the models read it. None where it can't be taken, or is not asked for: the entry says why.
std::vector<Subject> WindowReader::read(const Row& row, ManifestEntry& entry) const {
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
    std::vector<Subject> subjects = subjects_of(run_.sources, sentence, timings);
    entry.tokens = subjects[0].prepared.encoding.size();
    entry.skipped = passed_over(options_, entry.tokens);
    if (!entry.skipped.empty()) return {};
    if (job_.runs_models) check_sizes(subjects, memory_of(subjects, job_, run_.format).making);
    std::ignore = job_.ready(subjects);
    return subjects;
  } catch (const Error& error) {
    entry.error = error.what();
    return {};
  }
}

std::optional<Item> WindowReader::read_item() {
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
  item.memory = memory_of(item.subjects, job_, run_.format);
  item.share = texts_.share_read();
  if (!item.subjects.empty()) ++taken_;
  if (std::optional<ManifestEntry> before = run_.next_kept()) {
    if (before->text != item.entry.text || before->pair != item.entry.pair ||
        before->target != item.entry.target || before->id != item.entry.id) {
      throw Error("--resume: line " + std::to_string(row->line) + " of the input is another than before",
                  "go on with the same input, or choose another directory");
    }
    item.entry = std::move(*before);
    item.kept = true;
  } else if (!item.subjects.empty()) {
    item.entry.file = file_name(item.entry, run_.format);
  }
  item.made = item.kept || item.subjects.empty();
  return item;
}

bool WindowReader::next_goes_alone() {
  if (!next_) next_ = read_item();
  at_end_ = !next_;
  return next_ && run_.plan.goes_alone(next_->memory);
}

std::shared_ptr<Window> WindowReader::next() {
  auto window = std::make_shared<Window>();
  const std::size_t most = std::min(kWindowBytes, run_.plan.part());
  bool alone = false;
  for (std::size_t bytes = 0; window->size() < kWindow && !alone && !run_.stopped();) {
    alone = next_goes_alone();
    if (at_end_) break;
    bytes += next_->memory.held;
    if (!window->empty() && (alone || bytes > most)) break;
    window->push_back(std::move(*next_));
    next_.reset();
  }
  return window;
}

void WindowReader::read_again(Item& item) const {
  ManifestEntry& entry = item.entry;
  entry.error.clear();
  entry.file = file_name(entry, run_.format);
  item.subjects = read({entry.index, entry.line, entry.text, entry.pair, entry.target, entry.id, ""}, entry);
}

}  // namespace attnviz::cli
