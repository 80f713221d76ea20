/// interrupt: Ctrl-C, acted upon instead of died from.
#pragma once

#include <functional>
#include <mutex>
#include <thread>

namespace attnviz::cli {

/// While it lives, the first SIGINT or SIGTERM is noted, and acted upon in a thread of its own, whatever the
/// others wait for: a pipe that nobody writes to, a model that takes long. A second one ends the process as
/// ever.
class InterruptGuard {
 public:
  explicit InterruptGuard(std::function<void()> action);
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  ~InterruptGuard();

  /// What is done from now on. Waits while the former is being done.
  void set_action(std::function<void()> action);

  [[nodiscard]] bool interrupted() const;

 private:
  std::function<void()> action_;
  std::mutex acting_;
  int pipe_[2] = {-1, -1};  ///< from the signal's handler to the thread
  std::thread thread_;
};

}  // namespace attnviz::cli
