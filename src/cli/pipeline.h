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
#include "cli/memory_plan.h"

namespace attnviz::cli {

/// One text of a run.
struct Item {
  ManifestEntry entry{};
  std::string bytes{};              ///< of its file
  std::vector<Subject> subjects{};  ///< empty where no model is to read it
  std::optional<double> share{};    ///< of the input that is behind it
  TextMemory memory{};
  bool kept = false;  ///< an earlier run has written it
  bool made = false;  ///< nothing is left to be done but to write it
  /// Memory did not suffice beside others: it is to be done when nothing else is.
  bool again = false;

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

  /// Makes items in `threads` threads, and together no more than what takes so many bytes, or one.
  Pipeline(std::size_t threads, std::size_t most_making, Work work);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  ~Pipeline();

  /// Waits until another window may come: while there are not too many, or none at all where it is to be
  /// `alone`. Returns nothing then, or once it is stopped; else the item that all wait for, to be done again,
  /// while nothing is being made. Throws what `write` threw.
  [[nodiscard]] Item* wait_for_room(bool alone);

  /// Takes the next window, and lets it go when all of it is written.
  void begin(std::shared_ptr<Window> window);

  /// The item's models ran, or failed: the rest is the pipeline's.
  void make(Item& item);

  /// The item, which was to be done again, is to be written.
  void put(Item& item);

  /// All that is finished and waits to be written is to be done again, and gives up its memory.
  void let_go_of_finished();

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
  [[nodiscard]] bool may_make() const;
  [[nodiscard]] Item* waited_for();
  void stop();

  Work work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Window>> windows_;
  std::size_t written_ = 0;  ///< of the first window
  std::deque<Item*> waiting_;
  std::size_t making_ = 0, making_bytes_ = 0;
  const std::size_t most_making_;
  bool writing_ = false;
  bool closing_ = false;
  std::exception_ptr fault_;
  std::vector<std::thread> threads_;
};

}  // namespace attnviz::cli
