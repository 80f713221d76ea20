#include "cli/pipeline.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace attnviz::cli {
namespace {

constexpr std::size_t kMostWindows = 2;
constexpr std::size_t kMostWritten = 32;  ///< together: they share a sync of their directory

}  // namespace

Pipeline::Pipeline(std::size_t threads, std::size_t most_making, Work work)
    : work_(std::move(work)), most_making_(most_making) {
  threads_.reserve(threads + 1);
  try {
    threads_.emplace_back([this] { write_windows(); });
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { make_items(); });
  } catch (const std::exception&) {
    if (threads_.size() > 1) return;  // fewer do as well
    stop();
    throw Error("threads: none can be started",
                "raise the limits on them and on memory (ulimit -a shows them)");
  }
}

Pipeline::~Pipeline() { stop(); }

void Pipeline::stop() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

/// Under the lock: nothing is left to be done but what comes first, and that again.
Item* Pipeline::waited_for() {
  if (!waiting_.empty() || making_ > 0 || writing_ || windows_.empty()) return nullptr;
  Window& window = *windows_.front();
  return written_ < window.size() && window[written_].again ? &window[written_] : nullptr;
}

Item* Pipeline::wait_for_room(bool alone) {
  std::unique_lock lock(mutex_);
  Item* item = nullptr;
  const auto ready = [&] {
    item = waited_for();
    const bool room = windows_.empty() || (!alone && windows_.size() < kMostWindows);
    return item || room || fault_ || work_.stopped();
  };
  changed_.wait(lock, ready);
  if (fault_) std::rethrow_exception(fault_);
  return work_.stopped() ? nullptr : item;
}

void Pipeline::begin(std::shared_ptr<Window> window) {
  const std::lock_guard lock(mutex_);
  windows_.push_back(std::move(window));
  changed_.notify_all();
}

void Pipeline::put(Item& item) {
  const std::lock_guard lock(mutex_);
  item.again = false;
  item.made = true;
  changed_.notify_all();
}

void Pipeline::let_go_of_finished() {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    Window& window = *windows_[i];
    for (std::size_t k = i == 0 ? written_ : 0; k < window.size(); ++k) {
      Item& item = window[k];
      if (item.bytes.empty() || item.kept) continue;
      item.bytes = std::string();
      item.made = false;
      item.again = true;
    }
  }
}

void Pipeline::make(Item& item) {
  const std::lock_guard lock(mutex_);
  if (fault_) std::rethrow_exception(fault_);
  waiting_.push_back(&item);
  changed_.notify_all();
}

void Pipeline::finish() {
  stop();
  if (fault_) std::rethrow_exception(fault_);
}

void Pipeline::wait_for_writing() {
  std::unique_lock lock(mutex_);
  changed_.notify_all();
  changed_.wait(lock, [&] { return !writing_; });
}

/// Under the lock.
bool Pipeline::may_make() const {
  if (waiting_.empty()) return false;
  return making_ == 0 || making_bytes_ + waiting_.front()->memory.making <= most_making_;
}

void Pipeline::make_items() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return may_make() || (closing_ && waiting_.empty()) || work_.stopped(); });
    if (waiting_.empty() || work_.stopped()) return;
    Item& item = *waiting_.front();
    waiting_.pop_front();
    ++making_;
    making_bytes_ += item.memory.making;
    lock.unlock();
    work_.make(item);
    lock.lock();
    item.made = !item.again;
    --making_;
    making_bytes_ -= item.memory.making;
    changed_.notify_all();
  }
}

/// Under the lock. A window that is written is let go.
std::vector<Item*> Pipeline::next_to_write() {
  while (!windows_.empty() && written_ == windows_.front()->size()) {
    windows_.pop_front();
    written_ = 0;
    changed_.notify_all();
  }
  std::vector<Item*> items;
  if (windows_.empty()) return items;
  Window& window = *windows_.front();
  while (written_ < window.size() && items.size() < kMostWritten && window[written_].made) {
    items.push_back(&window[written_++]);
  }
  return items;
}

void Pipeline::write_windows() {
  std::unique_lock lock(mutex_);
  while (!work_.stopped()) {
    std::vector<Item*> items = next_to_write();
    if (items.empty()) {
      if (closing_ && waiting_.empty() && making_ == 0) return;
      changed_.wait(lock);
      continue;
    }
    writing_ = true;
    lock.unlock();
    std::exception_ptr fault;
    try {
      work_.write(items);
    } catch (...) {
      fault = std::current_exception();
    }
    lock.lock();
    writing_ = false;
    changed_.notify_all();
    if (!fault) continue;
    fault_ = fault;
    waiting_.clear();
    changed_.notify_all();
    return;
  }
}

}  // namespace attnviz::cli
