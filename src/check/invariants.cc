#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "check/names.h"
#include "check/steps.h"

namespace attnviz {
namespace {

constexpr std::size_t kMostDetails = 10;

/// Sums of a thousand weights, each rounded, keep far within it.
constexpr double kRounding = 1e-4;

/// What the numbers of a map promise.
struct Promise {
  double lower = 0, upper = 1;
  bool rows_sum = true;     ///< to `sum`
  bool at_most = false;     ///< only: tokens are left out
  bool or_nothing = false;  ///< a row without any weight could not be renormalised
  double sum = 1;
  double rounding = 0;  ///< what rounded numbers may add to a row's sum
  bool finite = true;   ///< else NaN and infinity were asked for
};

bool says(const std::vector<std::string>& notes, std::string_view what) {
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& note) { return note.find(what) != std::string::npos; });
}

/// Whether its request says so, or it is made of figures that may hold anything.
bool allows_non_finite(const Record& record) {
  return std::any_of(record.arguments.begin(), record.arguments.end(), [](const std::string& argument) {
    return argument == "--allow-non-finite" || argument == "--figures";
  });
}

/// All that a figure says of its numbers.
std::vector<std::string> notes_of(const Drawn& drawn, const Heatmap& map) {
  std::vector<std::string> notes = map.notes;
  const auto add = [&](const std::vector<std::string>& more) {
    notes.insert(notes.end(), more.begin(), more.end());
  };
  if (const auto* const grid = std::get_if<HeatmapGrid>(&drawn)) add(grid->notes);
  if (const auto* const comparison = std::get_if<Comparison>(&drawn)) add(comparison->notes);
  return notes;
}

/// `is_part`: of another map, whose zoom it is.
Promise promise_of(const Record& record, const Heatmap& map, bool is_part) {
  const Drawn& drawn = record.drawn;
  const std::vector<std::string> notes = notes_of(drawn, map);
  Promise promise;
  promise.finite = !allows_non_finite(record);
  promise.at_most = says(notes, "may sum to less than 1") || is_part;
  promise.or_nothing = says(notes, "renormalised");
  if (const auto* const view = std::get_if<View>(&drawn); view && view->rounded) {
    constexpr double kHalfAStep = 0.5 / 65535;
    promise.rounding = kHalfAStep * static_cast<double>(map.weights.columns);
  }
  if (shows_norms(map)) {
    promise.upper = std::numeric_limits<double>::infinity();
    promise.lower = map.is_signed ? -promise.upper : 0;
    promise.rows_sum = false;
  } else if (map.is_signed) {
    promise.upper = map.quantity == "Difference of Differences" ? 2 : 1;
    promise.lower = -promise.upper;
    promise.sum = 0;
    promise.rows_sum = !promise.at_most && !promise.or_nothing;
    promise.at_most = false;
  } else if (map.quantity != "Attention Weight" && map.quantity != "Rollout") {
    promise.rows_sum = false;  // a maximum flow: up to 1 from each token to each
  }
  if (map.pooling.by > 1) promise.rows_sum = false;
  return promise;
}

/// What is wrong, each fault with the places of its first few.
class Faults {
 public:
  Faults(std::string whose, const CheckOptions& options)
      : whose_(std::move(whose)), slack_(std::max(*options.atol, kRounding)) {}

  [[nodiscard]] double slack() const { return slack_; }

  void add(const std::string& fault, const std::string& place) {
    const auto found =
        std::find_if(faults_.begin(), faults_.end(), [&](const auto& f) { return f.fault == fault; });
    Fault& entry = found == faults_.end() ? faults_.emplace_back(Fault{fault, 0, {}}) : *found;
    if (++entry.count <= kMostDetails) entry.places.push_back(place);
  }

  [[nodiscard]] Findings findings() const {
    Findings findings;
    for (const auto& [fault, count, places] : faults_) {
      const std::string line = (whose_.empty() ? "" : whose_ + ": ") + fault + ", " + counted(count, "time");
      findings.push_back({CheckStep::invariants, line, places});
      if (count > places.size())
        findings.back().details.push_back("and " + std::to_string(count - places.size()) + " more");
    }
    return findings;
  }

 private:
  struct Fault {
    std::string fault;
    std::size_t count;
    std::vector<std::string> places;
  };
  std::string whose_;
  double slack_;
  std::vector<Fault> faults_;
};

std::string shown(double value) {
  if (std::isnan(value)) return "nan";  // whatever its sign bit
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::general, 6).ptr};
}

std::string cell_place(const std::string& map_name, const Heatmap& map, std::size_t row, std::size_t column) {
  return map_name + " " + query_name(map, row) + " → " + key_name(map, column) + ": " +
         shown(map.weights(row, column));
}

void check_row(const Heatmap& map, const std::string& name, std::size_t row, const Promise& promise,
               Faults& faults) {
  double sum = 0;
  bool finite = true;
  for (std::size_t column = 0; column < map.weights.columns; ++column) {
    const double weight = map.weights(row, column), slack = faults.slack();
    sum += weight;
    finite = finite && std::isfinite(weight);
    if (!std::isfinite(weight)) {
      if (promise.finite) faults.add("not a finite number", cell_place(name, map, row, column));
    } else if (weight != 0 && !map.shows(row, column)) {
      faults.add("above the diagonal of a causal model, where all is 0", cell_place(name, map, row, column));
    } else if (weight < promise.lower - slack || weight > promise.upper + slack) {
      faults.add(std::isinf(promise.upper)
                     ? "below " + shown(promise.lower)
                     : "outside " + shown(promise.lower) + " to " + shown(promise.upper),
                 cell_place(name, map, row, column));
    }
  }
  if (!promise.rows_sum || !finite) return;
  const double beyond = promise.at_most ? sum - promise.sum : std::abs(sum - promise.sum);
  const bool nothing = promise.or_nothing && std::abs(sum) <= faults.slack();
  if (beyond > faults.slack() + promise.rounding && !nothing) {
    faults.add("a row does not sum to " + std::string(promise.at_most ? "at most " : "") + shown(promise.sum),
               name + " row " + query_name(map, row) + ": " + shown(sum));
  }
}

void check_summary(const Summary& summary, bool finite, Faults& faults) {
  const auto check_number = [&](double value, double upper, const std::string& name) {
    if (!std::isfinite(value)) {
      if (finite) faults.add("not a finite number", name + ": " + shown(value));
    } else if (value < -faults.slack() || value > upper + faults.slack()) {
      faults.add("outside 0 to " + shown(upper), name + ": " + shown(value));
    }
  };
  constexpr double kMostEntropy = 64;  // nats: of more tokens than any model takes
  check_number(summary.uniform_entropy, kMostEntropy, "uniform entropy");
  for (const LayerMetrics& layer : summary.layers) {
    const std::string name = "layer " + std::to_string(layer.layer);
    check_number(layer.mean_weight, 1, name + " mean weight");
    check_number(layer.entropy, kMostEntropy, name + " entropy");
  }
  const MatrixView& mean = summary.mean.weights;
  for (std::size_t key = 0; key < std::min(summary.received.size(), mean.columns); ++key) {
    double sum = 0;
    for (std::size_t row = 0; row < mean.rows(); ++row) sum += mean(row, key);
    const double slack = faults.slack() * std::max(1.0, static_cast<double>(mean.rows()) / 10);
    const bool both = !std::isfinite(sum) && !std::isfinite(summary.received[key]);  // which the cells tell
    if (both || std::abs(sum - summary.received[key]) <= slack) continue;
    faults.add(
        "attention received is not the sum of the map's column",
        key_name(summary.mean, key) + ": " + shown(summary.received[key]) + ", the column has " + shown(sum));
  }
}

}  // namespace

std::optional<std::string> first_not_finite(const Record& record) {
  if (allows_non_finite(record)) return std::nullopt;
  const auto finite = [](double value) { return std::isfinite(value); };
  const std::vector<Heatmap> maps = maps_of(record.drawn);
  const std::vector<std::string> names = map_names(record);
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const MatrixView& weights = maps[i].weights;
    const auto found = std::find_if_not(weights.values.begin(), weights.values.end(), finite);
    if (found == weights.values.end()) continue;
    const auto place = static_cast<std::size_t>(found - weights.values.begin());
    return cell_place(names[i], maps[i], place / weights.columns, place % weights.columns);
  }
  if (const auto* const summary = std::get_if<Summary>(&record.drawn)) {
    for (const LayerMetrics& layer : summary->layers) {
      if (!finite(layer.mean_weight) || !finite(layer.entropy)) {
        return "layer " + std::to_string(layer.layer) + ": mean weight " + shown(layer.mean_weight) +
               ", entropy " + shown(layer.entropy);
      }
    }
    for (std::size_t key = 0; key < summary->received.size(); ++key) {
      if (!finite(summary->received[key]))
        return "attention received by " + key_name(summary->mean, key) + ": " + shown(summary->received[key]);
    }
  }
  const auto* const view = std::get_if<View>(&record.drawn);
  const auto has_bad_vectors = [&](const View& one) {
    return !std::all_of(one.query.begin(), one.query.end(), finite) ||
           !std::all_of(one.key.begin(), one.key.end(), finite);
  };
  if (view &&
      (has_bad_vectors(*view) || std::any_of(view->others.begin(), view->others.end(), has_bad_vectors)))
    return "its query and key vectors";
  return std::nullopt;
}

Findings check_invariants(const Record& record, const std::string& whose, const CheckOptions& options) {
  Faults faults(whose, options);
  const std::vector<Heatmap> maps = maps_of(record.drawn);
  const std::vector<std::string> names = map_names(record);
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const bool is_part = i > 0 && std::holds_alternative<Heatmap>(record.drawn);
    const Promise promise = promise_of(record, maps[i], is_part);
    for (std::size_t row = 0; row < maps[i].weights.rows(); ++row)
      check_row(maps[i], names[i], row, promise, faults);
  }
  if (const auto* const summary = std::get_if<Summary>(&record.drawn))
    check_summary(*summary, !allows_non_finite(record), faults);
  return faults.findings();
}

}  // namespace attnviz
