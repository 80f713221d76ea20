#include "cli/memory_plan.h"

#include <algorithm>

namespace attnviz::cli {
namespace {

/// Measured (tests/batch_memory_test.py): times the results.
struct Factors {
  std::size_t file = 1;    ///< the file itself
  std::size_t making = 1;  ///< all beside the results while it is made
};

Factors factors_of(const std::string& format) {
  if (format == "json") return {4, 5};         // a number of four bytes is up to fifteen of text
  if (format == "safetensors") return {1, 2};  // the file grows in a buffer, which is copied when it is full
  if (format == "npz") return {1, 3};
  return {2, 6};  // pictures and pages: what is shown, its shapes, and the record
}

/// Of a token, with its label.
constexpr std::size_t kTokenBytes = 400;

}  // namespace

TextMemory memory_of(std::span<const Subject> subjects, const Job& job, const std::string& format) {
  TextMemory memory;
  std::size_t results = 0, tokens = 0;
  for (const Subject& subject : subjects) {
    results += result_bytes(subject.card(), subject.selection,
                            subject.queries().encoding.size() * subject.keys().encoding.size());
    tokens += subject.prepared.encoding.size() + subject.prepared.target.size();
    if (job.runs_models)
      memory.running =
          std::max(memory.running, needed_memory(*subject.reader, subject.prepared, subject.selection));
  }
  const Factors factors = factors_of(format);
  if (!job.runs_models) results = 0;
  memory.held = kTokenBytes * tokens + std::max(results, factors.file * results);
  memory.making = factors.making * results + (format == "png" ? job.picture_bytes : 0);
  // Of two models, the first one's results are there when the second runs.
  if (subjects.size() > 1) memory.running += results;
  return memory;
}

}  // namespace attnviz::cli
