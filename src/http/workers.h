/// Threads that answer what takes its time.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

#include "attnviz/error.h"

namespace attnviz {

/// In place of asio's thread_pool, whose constructor waits forever where only some of its threads can be had.
class Workers {
 public:
  /// Fewer threads do as well. Throws Error where there is none.
  explicit Workers(std::size_t most) {
    threads_.reserve(most);
    try {
      while (threads_.size() < most) threads_.emplace_back([this] { context_.run(); });
    } catch (const std::exception&) {
      if (!threads_.empty()) return;
      throw Error("threads: none can be started",
                  "raise the limits on them and on memory (ulimit -a shows them)");
    }
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Does what is under way.
  ~Workers() {
    work_.reset();
    for (std::thread& thread : threads_) thread.join();
  }

  [[nodiscard]] boost::asio::io_context& context() { return context_; }

 private:
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  std::vector<std::thread> threads_;
};

}  // namespace attnviz
