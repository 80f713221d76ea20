/// progress: how far a run over many texts is, on standard error.
#pragma once

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>

namespace attnviz::cli {

/// Of the texts of a run.
struct Tally {
  std::size_t done = 0, failed = 0, skipped = 0;

  [[nodiscard]] std::size_t all() const { return done + failed + skipped; }
};

class Progress {
 public:
  enum class Style { automatic, bar, plain, json, none };

  /// Automatic is a bar on a terminal and plain lines elsewhere.
  Progress(Style style, std::ostream& err);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// Tells how far it is, if it is time to. `share` of the work is behind it, where that is known; `before`
  /// of the texts were done by an earlier run.
  void tell(const Tally& tally, std::optional<double> share, std::size_t before = 0);

  /// The last word, which is always told.
  void finish(const Tally& tally, std::size_t before = 0);

 private:
  using Clock = std::chrono::steady_clock;

  void write(const Tally& tally, std::optional<double> share, std::size_t before, bool last);

  Style style_;
  std::ostream& err_;
  Clock::time_point start_ = Clock::now(), told_ = start_;
  std::optional<double> first_share_;  ///< what a resumed run began with
  bool on_line_ = false;               ///< the bar stands on the terminal's last line
};

/// "1:05", "2:03:04".
[[nodiscard]] std::string show_duration(double seconds);

/// A bar for a terminal so wide: how far, in words that fit. No line end.
[[nodiscard]] std::string progress_bar(const Tally& tally, std::optional<double> share, double rate,
                                       std::optional<double> seconds_left, std::size_t columns);

}  // namespace attnviz::cli
