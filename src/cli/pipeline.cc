#include "cli/pipeline.h"

#include <algorithm>
#include <utility>

namespace attnviz::cli {
namespace {

constexpr std::size_t kMostWindows = 2;
constexpr std::size_t kMostWritten = 32;  ///< together: they share a sync of their directory

}  // namespace

Pipeline::Pipeline(std::size_t threads, Work work) : work_(std::move(work)) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { make_items(); });
  threads_.emplace_back([this] { write_windows(); });
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

void Pipeline::begin(std::shared_ptr<Window> window) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return windows_.size() < kMostWindows || fault_ || work_.stopped(); });
  if (fault_) std::rethrow_exception(fault_);
  windows_.push_back(std::move(window));
  changed_.notify_all();
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

void Pipeline::make_items() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return !waiting_.empty() || closing_ || work_.stopped(); });
    if (waiting_.empty() || work_.stopped()) return;
    Item& item = *waiting_.front();
    waiting_.pop_front();
    ++making_;
    lock.unlock();
    work_.make(item);
    lock.lock();
    item.made = true;
    --making_;
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
