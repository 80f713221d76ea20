/// timings: where the time goes, one line a stage.
#pragma once

#include <chrono>
#include <ostream>
#include <string_view>

#include "cli/values.h"

namespace attnviz::cli {

class Timings {
 public:
  /// Prints nothing.
  Timings() = default;

  /// Prints nothing unless `enabled`.
  Timings(bool enabled, std::ostream& err) : err_(enabled ? &err : nullptr) {}

  /// The stage that began with the last lap, or with the object, is over.
  void lap(std::string_view stage) {
    const Clock::time_point now = Clock::now();
    line(stage, now - lap_start_);
    lap_start_ = now;
  }

  void total() { line("total", Clock::now() - start_); }

 private:
  using Clock = std::chrono::steady_clock;

  void line(std::string_view stage, Clock::duration duration) {
    constexpr std::size_t kStageWidth = 18, kNumberWidth = 10;
    if (!err_) return;
    const std::string number = show_fixed(std::chrono::duration<double, std::milli>(duration).count(), 2);
    *err_ << stage << std::string(kStageWidth - stage.size(), ' ')
          << std::string(number.size() < kNumberWidth ? kNumberWidth - number.size() : 0, ' ') << number
          << " ms\n";
  }

  std::ostream* err_ = nullptr;
  Clock::time_point start_ = Clock::now();
  Clock::time_point lap_start_ = start_;
};

}  // namespace attnviz::cli
