/// interrupt: Ctrl-C, asked after instead of dying from it.
#pragma once

namespace attnviz::cli {

/// While it lives, the first SIGINT or SIGTERM is noted; a second one ends the process as ever.
class InterruptGuard {
 public:
  InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  ~InterruptGuard();

  [[nodiscard]] bool interrupted() const;
};

}  // namespace attnviz::cli
