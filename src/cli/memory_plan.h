/// memory_plan: how much memory the texts of a run take at each stage, and how many may be at it together.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "cli/job.h"

namespace attnviz::cli {

/// Of one text, in bytes.
struct TextMemory {
  std::size_t running = 0;  ///< while its models run it alone, results included
  std::size_t held = 0;     ///< from then on until its file is written
  std::size_t making = 0;   ///< while its file is made, the file included
};

/// The results and tokens of subjects, and what is made of them.
[[nodiscard]] TextMemory memory_of(std::span<const Subject> subjects, const Job& job,
                                   const std::string& format);

/// The limit in four equal parts: two windows of texts that are held, the batch that runs, and what is being
/// made. A text that fills more than a part goes alone.
class MemoryPlan {
 public:
  explicit MemoryPlan(std::size_t limit) : part_(limit / 4) {}

  [[nodiscard]] bool goes_alone(const TextMemory& text) const {
    return text.running > part_ || text.held > part_ || text.making > part_;
  }
  /// For one window, for one batch, or for all that is being made.
  [[nodiscard]] std::size_t part() const { return part_; }

 private:
  std::size_t part_;
};

}  // namespace attnviz::cli
