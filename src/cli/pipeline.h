/// pipeline: finished attention becomes files while the next texts run: several threads make them, one writes
/// them in the input's order.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "attnviz/manifest.h"
#include "cli/job.h"

namespace attnviz::cli {

/// One text of a run.
struct Item {
  ManifestEntry entry{};
  std::string bytes{};              ///< of its file
  std::vector<Subject> subjects{};  ///< empty where no model is to read it
  std::optional<double> share{};    ///< of the input that is behind it
  bool kept = false;                ///< an earlier run has written it
  bool made = false;                ///< nothing is left to be done but to write it

  void fail(const std::string& reason) {
    entry.file.clear();
    entry.error = reason;
  }
};

/// Texts that are in memory together, in the input's order.
using Window = std::deque<Item>;

class Pipeline {
 public:
  struct Work {
    /// Turns an item's attention into its bytes, in any of the threads.
    std::function<void(Item&)> make;
    /// Takes items that are made, in order, in a thread of its own.
    std::function<void(std::span<Item*>)> write;
    /// Once this is so, nothing more is begun.
    std::function<bool()> stopped;
  };

  /// Makes items in `threads` threads.
  Pipeline(std::size_t threads, Work work);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  ~Pipeline();

  /// Takes the next window, once there are not too many, and lets it go when all of it is written. Throws
  /// what `write` threw. Takes nothing once it is stopped.
  void begin(std::shared_ptr<Window> window);

  /// The item's models ran, or failed: the rest is the pipeline's.
  void make(Item& item);

  /// Waits until all is written that can be: up to the first item that is not made. Throws what `write`
  /// threw.
  void finish();

  /// Once it is stopped: returns when nothing is being written any longer. Items may still be made, to no
  /// end. Called from any thread.
  void wait_for_writing();

 private:
  void make_items();
  void write_windows();
  [[nodiscard]] std::vector<Item*> next_to_write();
  void stop();

  Work work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Window>> windows_;
  std::size_t written_ = 0;  ///< of the first window
  std::deque<Item*> waiting_;
  std::size_t making_ = 0;
  bool writing_ = false;
  bool closing_ = false;
  std::exception_ptr fault_;
  std::vector<std::thread> threads_;
};

}  // namespace attnviz::cli
