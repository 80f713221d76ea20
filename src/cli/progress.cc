#include "cli/progress.h"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <vector>

#include "cli/console.h"
#include "cli/json.h"
#include "cli/values.h"

namespace attnviz::cli {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr double kBarSeconds = 0.1, kLineSeconds = 10;

/// The parts of a line, the most telling first.
std::vector<std::string> parts(const Tally& tally, double rate, std::optional<double> seconds_left) {
  std::vector<std::string> parts = {std::to_string(tally.done) + " done"};
  if (tally.failed > 0) parts.push_back(std::to_string(tally.failed) + " failed");
  if (seconds_left) parts.push_back(show_duration(*seconds_left) + " left");
  parts.push_back(show_fixed(rate, rate < 10 ? 1 : 0) + "/s");
  if (tally.skipped > 0) parts.push_back(std::to_string(tally.skipped) + " passed over");
  return parts;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string line;
  for (const std::string& part : parts) line += (line.empty() ? "" : ", ") + part;
  return line;
}

std::string json_line(const Tally& tally, std::optional<double> share, double rate,
                      std::optional<double> seconds_left) {
  nlohmann::ordered_json line = {
      {"done", tally.done}, {"failed", tally.failed}, {"skipped", tally.skipped}, {"rate", rate}};
  if (share) line["share"] = *share;
  if (seconds_left) line["seconds_left"] = *seconds_left;
  return one_line(line) + "\n";
}

}  // namespace

std::string show_duration(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(std::min(seconds, 1e9)));
  const auto two = [](long long number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  const long long hours = whole / 3600, minutes = whole / 60 % 60;
  return (hours > 0 ? std::to_string(hours) + ":" + two(minutes) : std::to_string(minutes)) + ":" +
         two(whole % 60);
}

std::string progress_bar(const Tally& tally, std::optional<double> share, double rate,
                         std::optional<double> seconds_left, std::size_t columns) {
  constexpr std::size_t kLeastBar = 10, kMostBar = 40;
  std::vector<std::string> words = parts(tally, rate, seconds_left);
  while (words.size() > 1 && joined(words).size() >= columns) words.pop_back();
  std::string line = joined(words).substr(0, columns > 0 ? columns - 1 : 0);  // the last column would wrap
  const std::size_t room = columns > line.size() + 4 ? columns - line.size() - 4 : 0;
  if (!share || room < kLeastBar) return line;
  const std::size_t width = std::min(room, kMostBar);
  const auto full = static_cast<std::size_t>(std::lround(std::clamp(*share, 0.0, 1.0) * double(width)));
  return "[" + std::string(full, '#') + std::string(width - full, '.') + "] " + line;
}

Progress::Progress(Style style, std::ostream& err) : style_(style), err_(err) {
  if (style_ == Style::automatic) style_ = is_terminal(err) ? Style::bar : Style::plain;
}

Progress::~Progress() {
  if (on_line_) err_ << "\n";
}

void Progress::tell(const Tally& tally, std::optional<double> share, std::size_t before) {
  if (style_ == Style::none) return;
  if (!first_share_) first_share_ = share;
  const double pause = style_ == Style::bar ? kBarSeconds : kLineSeconds;
  if (Seconds(Clock::now() - told_).count() < pause) return;
  told_ = Clock::now();
  write(tally, share, before, /*last=*/false);
}

void Progress::finish(const Tally& tally, std::size_t before) {
  if (style_ != Style::none) write(tally, std::nullopt, before, /*last=*/true);
}

void Progress::write(const Tally& tally, std::optional<double> share, std::size_t before, bool last) {
  const double seconds = std::max(Seconds(Clock::now() - start_).count(), 1e-3);
  const double rate = static_cast<double>(tally.all() - std::min(before, tally.all())) / seconds;
  std::optional<double> left;
  const double begun = first_share_.value_or(0);
  if (share && *share > begun) left = seconds * (1 - *share) / (*share - begun);
  if (style_ == Style::json) {
    err_ << json_line(tally, last ? 1.0 : share, rate, last ? 0.0 : left);
  } else if (style_ == Style::bar) {
    constexpr char kClearLine[] = "\r\x1b[K";
    err_ << kClearLine
         << progress_bar(tally, last ? 1.0 : share, rate, last ? std::nullopt : left, terminal_columns(err_));
    on_line_ = !last;
    if (last) err_ << "\n";
  } else {
    err_ << "attnviz: " << joined(parts(tally, rate, last ? std::nullopt : left))
         << (last ? ", in " + show_duration(seconds) : "") << "\n";
  }
  err_.flush();
}

}  // namespace attnviz::cli
